"""`lungmtl predict --cluster` on studies of a server: each is fetched, read and done by a worker, once."""

import json
import os
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import napari_lungmtl as lm
from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cluster.find import Finder
from napari_lungmtl.training.cluster.index import open_index
from napari_lungmtl.training.cluster.on_server import predict
from napari_lungmtl.training.cluster.on_server.predict import predict_place
from napari_lungmtl.training.cluster.on_server.seen import mark_of
from napari_lungmtl.training.cluster.task import ALREADY, DONE, FAILED, PASSED_OVER, Options, Outcome
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.storage.address import address_of
from napari_lungmtl.training.storage.filesystem import look_at

from ...stand_ins.blob_detector import INFO, BlobDetector
from ...stand_ins.chunked_store import write_chunked
from ...stand_ins.fresh_models import fresh_model_store
from .conftest import PASSWORD, upload

distributed = pytest.importorskip("distributed")
pytest.importorskip("pyarrow")
BUCKET = "bucket-of-a-test"


@pytest.fixture
def detector(monkeypatch):
    detector = BlobDetector()
    card = registry.ModelCard(INFO.name, INFO.version, INFO.title, "", INFO.modalities, {}, sha256="00ff")
    monkeypatch.setattr(registry, "models", lambda: (INFO,))
    monkeypatch.setattr(registry, "card_of", lambda info: card)
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: detector)
    fresh_model_store(monkeypatch)
    return detector


@pytest.fixture
def fetches(monkeypatch):
    """What was fetched, or read by chunk."""
    seen = []

    def counted(real):
        def count(what, *args, **kwargs):
            seen.append(str(getattr(what, "address", what)))
            return real(what, *args, **kwargs)

        return count

    for name in ("fetched", "read_image"):
        monkeypatch.setattr(predict, name, counted(getattr(predict, name)))
    return seen


def ct(number: int) -> Image:
    voxels = np.full((20, 24, 24), -900, np.int16)
    voxels[9:12, 10:13, 11:14], voxels[0, 0, 0] = 40, number
    return Image(voxels, "CT", (2.0, 1.0, 1.0), (-40.0, 3.0, 5.0), series_uid=f"1.2.3.{number}")


@pytest.fixture
def archive(served) -> Path:
    """A DICOM case, a store, a folder with two volumes and one that is cut off, and notes."""
    write_series(ct(0), served / "case ä" / "dicom")
    (served / "case b").mkdir()
    write_chunked(ct(1), served / "case b" / "ct.ome.zarr", (4, 24, 24))
    for number, name in enumerate(("one.mhd", "two.mha", "bad.mha"), 2):
        write_volume(ct(number), served / "case c" / name)
    bad = served / "case c" / "bad.mha"
    bad.write_bytes(bad.read_bytes()[:-60])
    (served / "case d").mkdir()
    (served / "case d" / "scan").write_text("no image")
    (served / "notes.txt").write_text("nothing to see")
    return served


GOOD = ("case c/one.mhd", "case c/two.mha", "case b/ct.ome.zarr", "case ä/dicom")


@pytest.fixture(scope="module")
def cluster():
    """The address of a scheduler with a worker of two threads, all in this process."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp"
    ) as cluster:
        yield cluster.scheduler_address


def lungmtl(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def all_in(root, out):
    """Predict in this process what is found at an address."""
    options = Options(out, ((INFO, "00ff"),), version=version("napari-lungmtl"))
    found = list(Finder([Path(root)], {"CT"}, out))
    assert not [one for one in found if isinstance(one, Outcome)], found
    return [outcome for place in found for outcome in predict_place(place, options)]


def test_an_archive_on_s3_is_done_by_workers_and_not_fetched_again(
    s3, archive, cluster, detector, fetches, tmp_path
):
    root, out, summary = f"s3://{BUCKET}/archive", f"s3://{BUCKET}/archive/out ä", tmp_path / "s.json"
    upload(s3, archive, f"{BUCKET}/archive")
    arguments = ("predict", root, "--out", out, "--cluster", cluster, "--json", summary)
    result = lungmtl(*arguments)
    assert result.exit_code == 1
    assert f"{root}/case c/bad.mha is cut off" in result.stderr
    assert "lungmtl-" not in result.output, "a copy is named"
    said = json.loads(summary.read_text())
    assert (said["done"], said["failed"], said["passed_over"]) == (4, 1, 1)
    index = open_index(out)
    rows = {row["path"]: row for row in index.studies.to_table().to_pylist()}
    assert {path for path, row in rows.items() if row["status"] == DONE} == {f"{root}/{n}" for n in GOOD}
    assert rows[f"{root}/case d"]["status"] == PASSED_OVER
    for name in GOOD:
        (mine,) = lm.read_findings(f"{out}/{rows[f'{root}/{name}']['file']}")
        (here,) = finish(BlobDetector().run(lm.read_image(archive / name)))
        assert mine.center == here.center
        assert mine.score == here.score

    # Mended and moved: what S3 says is equal is not fetched, and nothing is done twice.
    fetches.clear()
    ran = detector.seen
    s3.rm(f"{BUCKET}/archive/case c/bad.mha")
    upload(s3, archive / "case ä", f"{BUCKET}/archive/moved")
    s3.rm(f"{BUCKET}/archive/case ä", recursive=True)
    again = lungmtl(*arguments)
    assert again.exit_code == 0, again.output
    said = json.loads(summary.read_text())
    assert (said["done"], said["already_done"]) == (0, 4)
    assert fetches == []
    assert detector.seen == ran
    assert f"{root}/moved/dicom" in open_index(out).studies.to_table()["path"].to_pylist()

    # Findings that have gone are made again.
    s3.rm(f"{BUCKET}/archive/out ä/{rows[f'{root}/case b/ct.ome.zarr']['file']}")
    assert lungmtl(*arguments).exit_code == 0
    assert detector.seen == ran + 1


def test_ssh_tells_another_date_and_bytes_tell_the_same_study(ssh, archive, detector, fetches, tmp_path):
    (archive / "case c" / "bad.mha").unlink()
    out = tmp_path / "out"
    assert Counter(o.status for o in all_in(ssh, out)) == {DONE: 4, PASSED_OVER: 1}
    assert len(fetches) == 5
    fetches.clear()
    again = all_in(ssh, out)
    assert Counter(o.status for o in again) == {ALREADY: 4, PASSED_OVER: 1}
    assert fetches == []
    os.utime(archive / "case c" / "two.mha", (1, 1))
    again = all_in(f"{ssh}/case c", out)
    assert Counter(o.status for o in again) == {ALREADY: 2}
    assert len(fetches) == 1, "what has another date is fetched, and known by its bytes"
    assert detector.seen == 4
    for text in (*map(str, again), *(file.read_text() for file in out.rglob("*.json"))):
        assert PASSWORD not in text
        assert "%40" not in text


def test_what_vanishes_or_never_was_is_a_row_with_its_sentence(s3, archive, detector, tmp_path):
    upload(s3, archive, f"{BUCKET}/archive")
    options = Options(tmp_path, ((INFO, "00ff"),), version=version("napari-lungmtl"))
    places = list(Finder([Path(f"s3://{BUCKET}/archive/case c")], {"CT"}, tmp_path))
    s3.rm(f"{BUCKET}/archive/case c/two.mha")
    outcomes = {o.label: o for place in places for o in predict_place(place, options)}
    gone = outcomes[f"s3://{BUCKET}/archive/case c/two.mha"]
    assert gone.status == FAILED
    assert "two.mha does not exist: check the address" in gone.sentence
    assert gone.row["path"] == gone.label
    (never,) = Finder([Path(f"s3://{BUCKET}/nowhere")], {"CT"}, tmp_path)
    assert never.status == FAILED
    assert "nowhere does not exist" in never.sentence
    other = predict_place(places[0], Options(tmp_path, (), version="0"))
    assert "install the same" in other[0].sentence


def test_a_web_server_without_lists_gives_a_file_and_a_store(web, archive, detector, tmp_path):
    (archive / "case b" / "index.html").write_text("no list")
    (archive / "case c" / "index.html").write_text("no list")
    statuses = [o.status for n in GOOD[1:3] for o in all_in(web.url(*n.split("/")), tmp_path / "out")]
    assert statuses == [DONE, DONE]
    again = [o.status for n in GOOD[1:3] for o in all_in(web.url(*n.split("/")), tmp_path / "out")]
    assert again == [ALREADY, ALREADY]
    assert detector.seen == 2


def test_what_a_folder_holds_is_fetched_together_or_each_by_itself():
    from napari_lungmtl.training.cluster.on_server.places import divided
    from napari_lungmtl.training.storage.filesystem import Entry

    def split(*names):
        files = [Entry(address_of(f"s3://b/{name}"), 1, False) for name in names]
        return tuple([entry.address.name for entry in part] for part in divided(files))

    assert split("1.dcm", "2.dcm", "a.txt") == ([], ["1.dcm", "2.dcm"])
    assert split("a.mhd", "a.raw", "b.nii.gz", "IM1", "DICOMDIR") == (["a.mhd", "b.nii.gz"], ["IM1"])
    assert split("a.hdr", "a.img", "JPCLN001.IMG") == (["a.hdr", "JPCLN001.IMG"], [])
    assert split("1.png", "2.jpg", "labels.csv") == (["1.png", "2.jpg"], [])
    assert split("1.png", "IM1") == ([], ["1.png", "IM1"]), "a picture beside DICOM is a preview"


def test_another_engine_or_the_name_of_a_store_is_something_else(s3, archive, detector, tmp_path):
    """Findings in bfloat16 are not those that were asked for; a store may have no identifier but its name."""
    upload(s3, archive / "case ä", f"{BUCKET}/archive")
    (place,) = Finder([Path(f"s3://{BUCKET}/archive")], {"CT"}, tmp_path)
    float32 = Options(tmp_path, ((INFO, "00ff"),), version=version("napari-lungmtl"))
    runs = [predict_place(place, replace(float32, device=name))[0] for name in ("auto", "bfloat16", "cpu")]
    assert [one.status for one in runs] == [DONE, DONE, ALREADY]
    assert runs[0].file == runs[2].file != runs[1].file
    marks = []
    for name in ("one.zarr", "two.zarr"):
        upload(s3, archive / "case b" / "ct.ome.zarr", f"{BUCKET}/stores/{name}")
        marks.append(mark_of(predict._chunks(address_of(f"s3://{BUCKET}/stores/{name}")), float32))
    assert all(marks)
    assert marks[0] != marks[1]


def test_what_is_written_while_it_is_fetched_is_told_and_tried_again(
    s3, archive, detector, tmp_path, monkeypatch
):
    key, options = (
        f"{BUCKET}/archive/two.mha",
        Options(tmp_path, ((INFO, "00ff"),), version=version("napari-lungmtl")),
    )
    whole = (archive / "case c" / "two.mha").read_bytes()
    s3.pipe_file(key, whole)
    (place,) = Finder([Path(f"s3://{BUCKET}/archive/two.mha")], {"CT"}, tmp_path)
    entry = look_at(place.address)
    s3.pipe_file(key, whole[:-7])
    monkeypatch.setattr(predict, "look_at", lambda _address: entry)
    (one,) = predict_place(place, options)
    assert (one.status, "was changed meanwhile" in one.sentence) == (FAILED, True)
    s3.pipe_file(key, whole)
    assert predict_place(place, options)[0].status == DONE
