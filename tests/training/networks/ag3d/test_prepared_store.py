"""What training draws from: by several processes, whole after a kill, and checked byte by byte."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.ct.cubes import KNOWN
from napari_lungmtl.training.data.public.ct.layouts import open_scan_set
from napari_lungmtl.training.data.sharded import damaged_files
from napari_lungmtl.training.networks.ag3d.sets.prepare import prepare_set
from napari_lungmtl.training.networks.ag3d.thorax import open_thorax, thorax_patch

from ....stand_ins import public_ct_sets as sets
from ....stand_ins import slow_preparation


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    return prepare_set(open_scan_set(sets.write_luna16(folder / "lüna 16")), folder / "out", processes=1)


def scans_of(out):
    return sorted(path for path in (out / "scans").iterdir() if not path.name.startswith("."))


def contents(out):
    """Every file below the scans, with what is in it."""
    return {
        path.relative_to(out): path.read_bytes()
        for scan in scans_of(out)
        for path in scan.rglob("*")
        if path.is_file()
    }


def test_samples_are_those_of_the_former_store(prepared, tmp_path):
    folder = scans_of(prepared)[0]
    store = open_thorax(folder)
    former = tmp_path / "former"
    former.mkdir()
    shutil.copy(folder / "rows.npz", former)
    for name in ("voxels", "lungs"):
        np.save(former / f"{name}.npy", np.asarray(getattr(store, name)))
    old = open_thorax(former)
    assert isinstance(old.voxels, np.memmap)
    for seed in range(12):
        a, b = (thorax_patch(each, [], [], 64, np.random.default_rng(seed), 0.0) for each in (store, old))
        for name, value in vars(a).items():
            assert np.array_equal(value, vars(b)[name]), name


def test_a_flipped_byte_is_found_named_and_mended(prepared, tmp_path, caplog):
    out = tmp_path / "copy"
    shutil.copytree(prepared, out)
    before = contents(out)
    folder = scans_of(out)[1]
    shard = folder / "voxels.zarr" / "c" / "0" / "0" / "0"
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DatasetError, match=r"voxels\.zarr is damaged .*checksum.* delete its folder"):
        open_thorax(folder).voxels[:64, :64, :64]
    assert damaged_files(folder) == ["voxels.zarr/c/0/0/0"]
    prepare_set(open_scan_set(prepared.parent / "lüna 16"), out, processes=1)
    assert f"{shard} is not what was written" in caplog.text
    assert contents(out) == before
    (folder / "sha256.json").write_text("{damaged")
    assert damaged_files(folder) == ["sha256.json"]


def test_a_preparation_that_is_killed_goes_on_from_there(prepared, tmp_path):
    data, out = prepared.parent / "lüna 16", tmp_path / "out"
    process = slow_preparation.begin(data, out)
    wait(lambda: list(out.glob("begun.*")))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    done = scans_of(out)
    assert len(done) == 2
    written = {path: path.stat().st_mtime_ns for scan in done for path in scan.rglob("*")}
    prepare_set(open_scan_set(data), out, processes=1)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert contents(out) == contents(prepared)


def test_what_a_killed_process_left_is_not_in_the_way_and_goes(prepared, tmp_path):
    """In containers, processes of two runs have one number."""
    out = tmp_path / "copy"
    shutil.copytree(prepared, out)
    lost, broken = scans_of(out)[:2]
    old, young = (lost.with_name(f".{lost.name}.{name}") for name in (os.getpid(), "young"))
    shutil.copytree(lost, young)
    lost.rename(old)
    os.utime(old, (1, 1))
    (broken / KNOWN).unlink()
    prepare_set(open_scan_set(prepared.parent / "lüna 16"), out, processes=1)
    assert contents(out) == contents(prepared)
    assert young.exists()
    assert not old.exists()


def test_processes_work_side_by_side_and_end_with_the_one_that_started_them(tmp_path):
    program = [sys.executable, "-m", slow_preparation.__name__, str(tmp_path)]
    process = subprocess.Popen(program, start_new_session=True)
    wait(lambda: len(list(tmp_path.glob("begun.*"))) == 2)
    process.kill()
    process.wait()
    wait(lambda: not alive(process.pid))


@pytest.mark.parametrize("write", [sets.write_luna16, sets.write_lidc])
def test_scans_of_every_set_go_to_other_processes(write, tmp_path):
    first = open_scan_set(write(tmp_path / "set")).scans[0]
    there = pickle.loads(pickle.dumps(first))
    assert np.array_equal(there.open().image.voxels, first.open().image.voxels)


def wait(done) -> None:
    """Wait for something that takes as long as the machine is loaded."""
    end = time.monotonic() + 120
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(group: int) -> bool:
    """Whether any process of a group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
