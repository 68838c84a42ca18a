"""Studies on servers are those that they are on the disk, and leave nothing behind."""

import logging
import shutil
import sys
import threading

import numpy as np
import pytest

import napari_lungmtl as lm
from napari_lungmtl.training.findings.measurements.measure import measure, remeasured
from napari_lungmtl.training.imaging import read as reading
from napari_lungmtl.training.imaging import write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.errors import CorruptFileError, TruncatedFileError
from napari_lungmtl.training.imaging.formats.ome_zarr import stream
from napari_lungmtl.training.imaging.formats.ome_zarr.metadata import ORIENTATIONS
from napari_lungmtl.training.imaging.streamed import fraction_of, rest_of
from napari_lungmtl.training.log_file import log_error
from napari_lungmtl.training.storage import filesystem as servers
from napari_lungmtl.training.storage import ssh as ssh_files
from napari_lungmtl.training.storage.address import StorageError, address_of
from napari_lungmtl.training.storage.fetch import CopyStoppedError, leaves
from napari_lungmtl.training.storage.files import put
from napari_lungmtl.training.storage.filesystem import filesystem, open_filesystem

from ...stand_ins.chunked_store import write_chunked
from ...stand_ins.servers import web_server
from .conftest import PASSWORD, upload

WORDS = ("superior-to-inferior", "left-to-right", "anterior-to-posterior")
STUDY = ("große Ärzte", "case 1")


@pytest.fixture
def stored(ct, served):
    """A DICOM series, a store and a volume with its pixels beside it, in a folder with spaces and umlauts."""
    folder = served.joinpath(*STUDY)
    write_series(ct, folder / "dicom")
    write_chunked(ct, folder / "ct.ome.zarr", (4, 24, 28))
    write_volume(ct, folder / "ct.mhd")
    (folder / "other.mhd").write_text("of no concern")
    return folder


def same(image, local):
    """Whether an image on a server is that on the disk, but for where it is."""
    assert np.array_equal(image.voxels, local.voxels)
    assert image.voxels.dtype == local.voxels.dtype
    assert (image.spacing, image.origin, image.modality) == (local.spacing, local.origin, local.modality)
    assert image.series_uid == local.series_uid
    assert image.window == local.window


@pytest.mark.parametrize("name", ["dicom", "ct.ome.zarr", "ct.mhd"])
@pytest.mark.parametrize("kind", ["s3", "ssh", "web"])
def test_all_formats_from_all_servers(kind, name, stored, served, request):
    server = request.getfixturevalue(kind)
    if kind == "s3":
        upload(server, served, "bucket-of-a-test")
        server = "s3://bucket-of-a-test"
    elif kind == "web":
        server = server.url(user="ann:secret@")
    said = []
    image = lm.read_image("/".join([server, *STUDY, name]), on_progress=lambda *step: said.append(step))
    same(image, lm.read_image(stored / name))
    assert all(0 <= fraction <= 1 for fraction, _ in said)
    assert len(said) > 2
    assert str(image.source).endswith(f"{STUDY[1]}/{name}")
    assert "secret" not in str(image.source)
    assert PASSWORD not in str(image.source)


def test_what_is_wrong_with_a_server_is_a_sentence_that_tells_none_of_it(
    ssh, s3, web, own_home, monkeypatch, caplog
):
    web.refuse["closed"] = 403
    for address, words in {
        f"{ssh}/nothing": "does not exist",
        ssh.replace("%40", "") + "/x": "must work without a question",
        "s3://bucket-of-a-test/nothing": "does not exist",
        "s3://no-such-bucket/x": "the bucket no-such-bucket does not exist",
        web.url("nothing", user="ann:secret@"): "does not exist",
        web.url("closed.nii?sig=secret"): "~/.netrc",
        "http://127.0.0.1:9/x.nii?sig=secret": "does not answer as it should",
    }.items():
        with pytest.raises(StorageError, match=words) as caught:
            lm.read_image(address)
        log_error(caught.value, "a study")
        assert "secret" not in str(caught.value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    type(s3).clear_instance_cache()
    filesystem.cache_clear()
    with pytest.raises(StorageError, match="needs credentials"):
        lm.read_image("s3://bucket-of-a-test/x")
    (own_home / ".ssh" / "known_hosts").write_text("")
    filesystem.cache_clear()
    with pytest.raises(StorageError, match="known_hosts"):
        lm.read_image(f"{ssh}/x")
    told = caplog.text + "".join(logging.Formatter().format(record) for record in caplog.records)
    assert "a study" in told
    assert "secret" not in told
    assert PASSWORD not in told


def test_a_password_does_not_go_to_another_server(web, ct, tmp_path):
    (tmp_path / "other").mkdir()
    write_volume(ct, tmp_path / "other" / "x.nii")
    with web_server(tmp_path / "other") as other:
        web.redirect["x.nii"] = other.url("x.nii").replace("127.0.0.1", "localhost")
        same(lm.read_image(web.url("x.nii", user="ann:secret@")), lm.read_image(tmp_path / "other" / "x.nii"))
    assert web.headers
    assert all(headers["Authorization"].startswith("Basic ") for headers in web.headers)
    assert other.headers
    assert not any("Authorization" in headers for headers in other.headers)


def test_copying_can_be_stopped_and_leaves_nothing(ssh, stored):
    def stop(fraction, _what):
        if fraction > 0.3:
            raise CopyStoppedError("stopped")

    with pytest.raises(CopyStoppedError):
        lm.read_image("/".join([ssh, *STUDY, "dicom"]), on_progress=stop)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("u1", None), ("u2", WORDS), ("i4", None), ("f4", WORDS), ("sharded", WORDS), ("sharded", None)],
)
def test_a_store_of_any_kind_fills_to_what_it_is_on_the_disk(kind, words, ct, served, web):
    import zarr

    values = ct.voxels
    if kind == "u1":
        values = (values // 8 + 128).astype("u1")
    elif kind in ("u2", "i4"):
        values = (values.astype("i4") + 40_000).astype(kind)
    elif kind == "f4":
        values = values.astype("f4")
        values[3, 4, 5] = np.nan
    image = lm.Image(np.zeros((1, 1, 1)), "CT", ct.spacing, ct.origin, series_uid="u")
    object.__setattr__(image, "voxels", values)
    options = {"shards": (8, 24, 28)} if kind == "sharded" else {}
    write_chunked(image, served / "ct.zarr", (4, 12, 14), **options)
    if words is not None:
        group = zarr.open_group(str(served / "ct.zarr"), mode="r+")
        notes = dict(group.attrs)
        axes = (notes.get("ome") or notes)["multiscales"][0]["axes"]
        for axis, word in zip(axes, words, strict=True):
            assert word in ORIENTATIONS
            axis["orientation"]["value"] = word
        group.attrs.update(notes)
    local = lm.read_image(served / "ct.zarr")
    same(lm.read_image(web.url("ct.zarr")), local)
    opened = reading.open_image(web.url("ct.zarr"))
    assert (fraction_of(opened) < 1) == (kind not in ("u2", "i4"))
    parts = list(rest_of(opened))
    assert parts == sorted(parts)
    same(opened, local)
    assert sorted(opened.warnings) == sorted(local.warnings)


def test_only_the_window_sees_a_part(ct, served, web):
    write_chunked(ct, served / "ct.zarr", (4, 24, 28))
    image = reading.open_image(web.url("ct.zarr"))
    steps = rest_of(image)
    next(steps), next(steps)
    steps.close()
    assert len(web.answered) == 1
    assert (image.voxels[8:12] == ct.voxels[8:12]).all()  # the middle comes first
    assert (image.voxels[:8] == -1024).all()
    region = measure(image, "ellipse", [(-40, 4, 7), (-40, 9, 15)], 0)
    assert region.values.keys() == {"area"}, "air that is none is not measured"
    seen = []
    thread = threading.Thread(target=lambda: seen.append(np.array_equal(image.voxels, ct.voxels)))
    thread.start()
    thread.join(30)
    assert seen == [True]
    assert remeasured(image, region).values["mean"] > -1000
    assert len(web.answered) == 5


def test_a_server_that_fails_half_way_is_asked_again(ct, served, web, monkeypatch):
    monkeypatch.setattr(stream, "WAIT", 0.0)
    write_chunked(ct, served / "ct.zarr", (4, 24, 28))
    image = reading.open_image(web.url("ct.zarr"))
    web.refuse["/0/4/"] = 503
    with pytest.raises(StorageError, match=r"ct\.zarr/0/4/0/0 does not answer"):
        list(rest_of(image))
    assert 0 < fraction_of(image) < 1
    (middle,) = {path for path in web.answered if "/0/2/" in path}
    web.refuse.clear()
    list(rest_of(image))
    assert np.array_equal(image.voxels, ct.voxels)
    assert len(set(web.answered)) == 5
    # Chunks beside the refused one are asked for again and may come late; what was read before is not.
    assert web.answered.count(middle) == 1


def test_a_lost_connection_is_made_again(ct, served, ssh, monkeypatch):
    monkeypatch.setattr(stream, "WAIT", 0.0)
    write_chunked(ct, served / "ct.zarr", (4, 24, 28))
    image = reading.open_image(f"{ssh}/ct.zarr")
    steps = rest_of(image)
    next(steps), next(steps)
    open_filesystem(address_of(ssh)).client.close()
    list(steps)
    assert np.array_equal(image.voxels, ct.voxels)


def test_a_server_that_falls_silent_is_not_waited_for(ct, served, web, ssh, monkeypatch):
    """Without a limit of its own, aiohttp waits five minutes and paramiko for ever; a window that closes would wait with them."""
    monkeypatch.setattr(servers, "SECONDS", 2.0)  # in which a loaded machine answers what is not held back
    monkeypatch.setattr(stream, "TRIES", 1)
    monkeypatch.setattr(stream, "PATIENCE", 0.01)
    write_volume(ct, served / "x.nii")
    write_chunked(ct, served / "ct.zarr", (20, 24, 28))
    web.hold()
    steps = rest_of(reading.open_image(web.url("ct.zarr")))
    assert [next(steps) for _ in range(3)] == [0.0] * 3  # nothing has come, and one may stop
    steps.close()
    with pytest.raises(StorageError, match="does not answer"):
        lm.read_image(web.url("ct.zarr"))
    web.let_all()
    system = open_filesystem(address_of(ssh))
    assert system.ftp.get_channel().gettimeout() == ssh_files.SECONDS
    system.ftp.get_channel().settimeout(0.3)
    monkeypatch.setattr(system.ftp, "_request", lambda *_: system.ftp.get_channel().recv(1))
    with pytest.raises(TimeoutError):
        system.info("/x.nii")
    assert not system.is_connected
    same(lm.read_image(f"{ssh}/x.nii"), lm.read_image(served / "x.nii"))


def test_chunks_that_are_missing_or_cut_off_are_told(ct, served, web):
    write_chunked(ct, served / "ct.zarr", (4, 24, 28))
    (served / "ct.zarr" / "0" / "4" / "0" / "0").unlink()
    local = lm.read_image(served / "ct.zarr")
    image = lm.read_image(web.url("ct.zarr"))
    assert image.warnings == local.warnings
    assert "lacks 1 of its 5 chunks" in image.warnings[0]
    for name in "12":
        (served / "ct.zarr" / "0" / name / "0" / "0").unlink()
    with pytest.raises(CorruptFileError, match="lacks 3 of its 5"):
        lm.read_image(web.url("ct.zarr"))
    shutil.rmtree(served / "ct.zarr")
    import numcodecs

    write_chunked(ct, served / "ct.zarr", (4, 24, 28), compressors=numcodecs.Blosc())
    chunk = served / "ct.zarr" / "0" / "3" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-20])
    with pytest.raises(TruncatedFileError, match="is cut off"):
        lm.read_image(web.url("ct.zarr"))


def test_a_server_that_hides_what_is_not_there_still_gives_a_store(ct, served, web):
    """S3 without the right to list a bucket refuses what does not exist."""
    write_chunked(ct, served / "ct.zarr", (8, 24, 28))
    web.refuse |= {"zarr.json": 403, ".zmetadata": 403, ".zarray.": 403}
    same(lm.read_image(web.url("ct.zarr")), lm.read_image(served / "ct.zarr"))


def test_links_on_a_server_lead_to_files_as_on_the_disk(ssh, served, ct):
    """SSH servers list the links themselves, with the size of their words."""
    write_series(ct, served / "annex")
    (served / "case").mkdir()
    for file in (served / "annex").iterdir():
        (served / "case" / file.name).symlink_to(file)
    (served / "case" / "lost.dcm").symlink_to(served / "nothing")
    (served / "case" / "loop").symlink_to(served / "case")
    same(lm.read_image(f"{ssh}/case"), ct)
    address = address_of(ssh)
    assert [leaf.address.name for leaf in leaves(address)] == ["annex", "case"]


def test_a_file_that_could_not_be_written_leaves_nothing_on_the_server(ssh, served):
    (served / "out" / "taken").mkdir(parents=True)
    with pytest.raises(StorageError, match="taken"):
        put(address_of(f"{ssh}/out/taken"), b"x")
    assert [path.name for path in (served / "out").iterdir()] == ["taken"]


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(lm.LungmtlError, match=r'need s3fs.*"napari-lungmtl\[storage\]"'):
        lm.read_image("s3://bucket/x")
