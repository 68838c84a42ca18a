"""Many studies on a real scheduler with two processes: what is killed, damaged or full costs no study, and none is done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cluster import connect
from napari_lungmtl.training.cluster.connect import interrupt_held_back, local_workers
from napari_lungmtl.training.cluster.index import open_index, rows
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.inference import registry

from ...house import ROOT
from ...stand_ins import cluster_worker as toy

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


def ct(number: int, brightest: int = 0) -> Image:
    """A tiny CT that no other is equal to."""
    voxels = np.full((4, 5, 6), -1000, np.int16)
    voxels[0, 0, 0], voxels[1, 0, 0] = brightest, number
    return Image(voxels, "CT", (2.0, 1.0, 1.0), (-100, 10, 20), f"1.2.3.{number}")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """28 good studies, as files and as DICOM in folders; one of them kills its worker once."""
    root = tmp_path_factory.mktemp("archive")
    for number in range(28):
        if number % 10 == 9:
            write_series(ct(number), root / f"p{number:02}" / "series")
            continue
        path = root / f"s{number:02}.mha" if number < 12 else root / f"p{number:02}" / f"s{number:02}.mha"
        path.parent.mkdir(exist_ok=True)
        write_volume(ct(number, toy.KILLS_ONCE if number == 14 else 0), path)
    return root


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler with two workers, and the folder with the log of what ran."""
    folder = tmp_path_factory.mktemp("toy")
    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set({"distributed.worker.preload": ["tests.stand_ins.cluster_worker"]}),
    ):
        patch.setenv("LUNGMTL_TOY", str(folder))
        with local_workers(2) as client:
            own = client.security  # for other clients, here and in processes of their own
            given = {
                "ca-file": own.tls_ca_file,
                "client.cert": own.tls_client_cert,
                "client.key": own.tls_client_key,
            }
            for name, pem in given.items():
                variable = f"comm.tls.{name}".replace(".", "__").replace("-", "_").upper()
                patch.setenv(f"DASK_DISTRIBUTED__{variable}", pem)
            with dask.config.set({f"distributed.comm.tls.{name}": pem for name, pem in given.items()}):
                yield client.scheduler.address, folder


def test_nobody_else_on_this_machine_has_the_workers_run_anything(scheduler):
    """Dask runs what whoever connects sends."""
    address, _ = scheduler
    assert address.startswith("tls://127.0.0.1:")
    stranger = distributed.Security.temporary()
    with pytest.raises(OSError, match="certificate"):
        distributed.Client(address, security=stranger, timeout=5, set_as_default=False)


def test_ctrl_c_waits_until_workers_can_be_ended_and_is_not_theirs():
    ended = []
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # what runs in the background may ignore it

    def start_workers() -> None:
        with interrupt_held_back():
            interrupted = "import signal; signal.raise_signal(signal.SIGINT)"
            ended.append(subprocess.run([sys.executable, "-c", interrupted], check=False).returncode)
            signal.raise_signal(signal.SIGINT)
            ended.append(0)

    try:
        with pytest.raises(KeyboardInterrupt):
            start_workers()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(ended) == 2, "Ctrl+C came at once"
    assert ended[0] == 0 or not hasattr(signal, "pthread_sigmask")


@pytest.fixture(autouse=True)
def toy_client(monkeypatch):
    card = registry.ModelCard("toy", "1.0", "Toy", "", ("CT",), {}, sha256="00ff")
    monkeypatch.setattr(registry, "models", lambda: (toy.INFO,))
    monkeypatch.setattr(registry, "card_of", lambda info: card)


def ran(folder) -> Counter[str]:
    log = folder / toy.LOG
    return Counter(log.read_text().split()) if log.exists() else Counter()


def killed_half_way(arguments) -> None:
    """Run the command as a process of its own, which is killed when it hears that six studies are done."""
    command = [sys.executable, "-m", "tests.stand_ins.cluster_worker", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), toy.DIES_AFTER: "6"}
    assert subprocess.run(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL


def predict(*arguments):
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def told(done) -> str:
    """All that a command said, and where it ended."""
    return (
        f"{done.stdout}\n{done.stderr}\n{''.join(traceback.format_exception(*done.exc_info or (None,) * 3))}"
    )


def test_each_study_is_done_once_whoever_is_killed(archive, scheduler, tmp_path):
    address, folder = scheduler
    good = {f"s{n:02}" if n % 10 != 9 else f"1.2.3.{n}" for n in range(28)}
    # The last of all: none of those that kill their worker once dies with it before its own turn, and then a third time.
    (archive / "q").mkdir()
    write_volume(ct(40, toy.KILLS), archive / "q" / "killer.mha")
    write_volume(ct(41), archive / "cut.mha")
    whole = (archive / "cut.mha").read_bytes()
    (archive / "cut.mha").write_bytes(whole[:-40])
    out, summary = tmp_path / "out", tmp_path / "s.json"
    arguments = (archive, "--out", out, "--cluster", address, "--json", summary)

    killed_half_way(("predict", *arguments))
    assert len(ran(folder)) >= 6
    done = predict(*arguments)
    assert done.exit_code == 1, told(done)
    assert ran(folder) == Counter(dict.fromkeys(good, 1))
    said = json.loads(summary.read_text())
    assert said["done"] + said["already_done"] == 28
    assert said["failed"] == 2
    assert "cut.mha" in done.stderr
    assert "2 of 30 studies failed" in done.stderr

    index = open_index(out)
    studies = {row["name"]: row for row in index.studies.to_table().to_pylist()}
    assert Counter(row["status"] for row in studies.values()) == {"done": 28, "failed": 2}
    assert "died 3 times" in studies["killer.mha"]["sentence"]
    assert "cut.mha" in studies["cut.mha"]["sentence"]
    assert index.failed()["path"].to_pylist() == [str(archive / n) for n in ("cut.mha", "q/killer.mha")]
    assert index.findings.count_rows() == 28
    best = rows(index.findings, ["seriesuid", "file"], by="probability", most=1).to_pylist()
    assert [row["seriesuid"] for row in best] == ["s27"]
    assert (folder / "killed").exists(), "no good study's worker was killed"
    assert read_findings(out / best[0]["file"]).models[0]["name"] == "toy"
    assert len(list((out / "results").rglob("*.lungmtl.json"))) == 28

    # Mended and moved: what is done is known by its content, and what failed is tried again.
    (archive / "q" / "killer.mha").unlink()
    (archive / "q").rmdir()
    (archive / "cut.mha").write_bytes(whole)
    (archive / "p12").rename(archive / "moved")
    done = predict(*arguments)
    assert done.exit_code == 0, told(done)
    assert ran(folder) == Counter(dict.fromkeys({*good, "cut"}, 1))
    assert not [row for row in open_index(out).failed().to_pylist() if row["study"].endswith("cut.mha")]
    assert open_index(out).findings.count_rows() == 29
    (archive / "cut.mha").unlink()


def test_a_worker_that_dask_gives_up_is_replaced(monkeypatch):
    monkeypatch.setitem(connect.SETTINGS, "distributed.deploy.lost-worker-timeout", "0 s")
    monkeypatch.setattr(connect, "REPLACE_S", 0.1)
    with local_workers(1) as client:
        (nanny,) = client.cluster.workers.values()
        os.kill(nanny.pid, signal.SIGKILL)
        deadline = time.monotonic() + 120
        while (
            nanny in client.cluster.workers.values() or not client.nthreads()
        ) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert nanny not in client.cluster.workers.values()
        assert client.submit(abs, -7).result(120) == 7


def test_a_full_disk_stops_the_run_and_the_next_goes_on(archive, scheduler, tmp_path):
    address, _ = scheduler
    out = tmp_path / "out"
    out.mkdir()
    (out / toy.FULL).touch()
    arguments = (archive, "--out", out, "--cluster", address)
    done = predict(*arguments)
    assert done.exit_code == 1, told(done)
    assert "No space left" in done.stderr
    assert "the same command again" in done.stderr
    failed = done.stderr.count("could not be saved")
    assert 0 < failed < 20, "it went on though nothing could be written"
    assert not list(out.rglob("*.lungmtl.json"))
    (out / toy.FULL).unlink()
    again = predict(*arguments)
    assert again.exit_code == 0, told(again)
    assert open_index(out).findings.count_rows() == 28
    assert open_index(out).failed().num_rows == 0
