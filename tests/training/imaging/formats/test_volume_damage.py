"""Volume files that are cut off, changed, padded, or without the file that holds their pixels."""

import bz2
import contextlib
import gzip
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import ImageError, list_series, read_image, write_volume
from napari_lungmtl.training.imaging.errors import CorruptFileError, ImageNotFoundError, TruncatedFileError

from ....stand_ins.linear_fields import check, field, nifti_bytes, stored, write_mhd, write_nifti, write_nrrd
from ....stand_ins.marked_volumes import marked, turned

PACKED = [".mha", ".nii.gz", ".nrrd", "bz2.nrrd"]


def packed(folder: Path, kind: str) -> Path:
    """A volume in a format with a checksum, as SimpleITK writes it; bzip2 by hand."""
    image = marked(shape=(6, 20, 20))
    if kind != "bz2.nrrd":
        return write_volume(image, folder / f"a{kind}")
    pixels = bz2.compress(image.voxels.astype("<i2").tobytes())
    whole = turned(image, (0, 1, 2), (False, False, False))
    return write_nrrd(folder / "a.nrrd", whole, encoding="bzip2", pixels=pixels)


@pytest.mark.parametrize("kind", PACKED)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_changed_byte_goes_unnoticed(kind, data):
    with tempfile.TemporaryDirectory() as folder:
        path = packed(Path(folder), kind)
        image, content = read_image(path), bytearray(path.read_bytes())
        begin = len(content) // 4  # headers have no checksum
        at = data.draw(st.integers(begin, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] ^= data.draw(st.integers(1, 255))
        else:
            del content[at:]
        path.write_bytes(content)
        with contextlib.suppress(ImageError):
            read = read_image(path)
            assert read.warnings != image.warnings or np.array_equal(read.voxels, image.voxels)


def test_a_damaged_stream_is_no_memory_of_others(tmp_path):
    path = packed(tmp_path, ".mha")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="checksum"):
        read_image(path)


@pytest.mark.parametrize("kind", [".mha", ".nii.gz", ".nrrd", "bz2.nrrd"])
@pytest.mark.parametrize(("more", "said"), [(b"garbage", True), (b"\0" * 512, False)])
def test_bytes_after_the_stream(tmp_path, kind, more, said):
    path = packed(tmp_path, kind)
    image = read_image(path)
    path.write_bytes(path.read_bytes() + more)
    read = read_image(path)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert any("after its end" in sentence for sentence in read.warnings) == said


def test_several_members_are_one_stream(tmp_path):
    head, pixels = nifti_bytes(stored())
    content = head + pixels
    parts = [content[:100], content[100:900], content[900:]]
    (tmp_path / "a.nii.gz").write_bytes(b"".join(map(gzip.compress, parts)))
    check(tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes(b"".join(map(gzip.compress, parts[:2])))
    with pytest.raises(TruncatedFileError, match="cut off"):
        read_image(tmp_path / "a.nii.gz")
    streams = [bz2.compress(part) for part in (pixels[:7], pixels[7:])]
    check(write_nrrd(tmp_path / "a.nrrd", stored(), encoding="bzip2", pixels=b"".join(streams)))


@pytest.mark.parametrize("suffix", [".mhd", ".mha", ".nrrd", ".nii"])
def test_raw_pixels_of_another_length(tmp_path, suffix):
    pixels = field().voxels.astype("<i2").tobytes()
    for data, name in ((pixels[:-3], "short"), (pixels + b"1234", "long")):
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".nii":
            path.write_bytes(nifti_bytes(stored())[0] + data)
        else:
            (write_nrrd if suffix == ".nrrd" else write_mhd)(path, stored(), pixels=data)
    with pytest.raises(TruncatedFileError, match="cut off"):
        read_image(tmp_path / f"short{suffix}")
    check(tmp_path / f"long{suffix}", "4 bytes more than its header says")


@pytest.mark.parametrize("length", [0, 8])
def test_a_stream_of_another_length_than_the_header_says(tmp_path, length):
    pixels = field().voxels.astype("<i2").tobytes()
    short = write_mhd(tmp_path / "s.mha", stored(), CompressedData="True", pixels=zlib.compress(pixels[:-2]))
    with pytest.raises(TruncatedFileError, match=r"s\.mha is cut off"):
        read_image(short)
    data = zlib.compress(pixels + b"x" * length)
    path = write_mhd(tmp_path / "l.mha", stored(), CompressedData="True", pixels=data)
    check(path, "8 bytes more than its header says" if length else "")


def test_a_header_that_is_wrong_about_packing(tmp_path):
    pixels = field().voxels.astype("<i2").tobytes()
    for data in (zlib.compress(pixels), gzip.compress(pixels)):
        with pytest.raises(CorruptFileError, match="compressed pixels, although the header says"):
            read_image(write_mhd(tmp_path / "a.mhd", stored(), pixels=data))
        with pytest.raises(CorruptFileError, match="compressed pixels, although the header says"):
            read_image(write_nrrd(tmp_path / "a.nrrd", stored(), pixels=data))
    with pytest.raises(CorruptFileError, match=r"b\.mha is damaged"):
        read_image(write_mhd(tmp_path / "b.mha", stored(), CompressedData="True", pixels=pixels))


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nii", ".nii.gz", ".nrrd", ".png", ".tif", ".jpg"])
def test_what_is_no_image_is_named(tmp_path, suffix):
    documents = {
        "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        "web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
        "zip archive": b"PK\x03\x04" + bytes(400),
    }
    for name, data in documents.items():
        (tmp_path / f"a{suffix}").write_bytes(data)
        with pytest.raises(CorruptFileError, match=f"a{suffix} is a .*{name}"):
            read_image(tmp_path / f"a{suffix}")


def test_far_more_than_the_header_says_is_no_hang(tmp_path):
    path = write_mhd(
        tmp_path / "a.mha", stored(), CompressedData="True", pixels=zlib.compress(bytes(1 << 28))
    )
    with pytest.raises(CorruptFileError, match="far more pixels than its header says"):
        read_image(path)
    path = write_mhd(tmp_path / "b.mha", stored(), DimSize="99999 99999 99999", CompressedData="True")
    with pytest.raises(ImageError, match=r"b\.mha"):
        read_image(path)


# -- pixels in another file -------------------------------------------------------------------------------------


def test_pixels_that_are_not_there_are_named(tmp_path):
    path = write_mhd(tmp_path / "scan.mhd", stored(), ElementDataFile="other.raw")
    (tmp_path / "other.raw").rename(tmp_path / "scan.raw")
    with pytest.raises(
        ImageNotFoundError, match=r"scan\.mhd keeps its pixels in other\.raw.*If scan\.raw is that file"
    ):
        read_image(path)
    path = write_nrrd(tmp_path / "b.nhdr", stored(), data_file="gone.raw", pixels=b"")
    with pytest.raises(ImageNotFoundError, match=r"b\.nhdr keeps its pixels in gone\.raw"):
        read_image(path)


@pytest.mark.parametrize(
    "stated", ["CASE.RAW", "C:\\data\\case.raw", "/data/elsewhere/case.raw", "./case.raw"]
)
def test_pixels_beside_the_header_are_found(tmp_path, stated):
    pixels = field().voxels.astype("<i2").tobytes()
    write_mhd(tmp_path / "a.mhd", stored(), ElementDataFile="case.raw")
    text = (tmp_path / "a.mhd").read_text().replace("case.raw", stated)
    (tmp_path / "a.mhd").write_text(text)
    check(tmp_path / "a.mhd")
    write_nrrd(tmp_path / "a.nhdr", stored(), data_file=stated, pixels=b"")
    assert (tmp_path / "case.raw").read_bytes() == pixels
    check(tmp_path / "a.nhdr")


def test_one_file_for_each_slice(tmp_path):
    for k, plane in enumerate(field().voxels):
        (tmp_path / f"s{k + 1:02d}.raw").write_bytes(plane.astype("<i2").tobytes())
    names = "\n".join(f"s{k + 1:02d}.raw" for k in range(8))
    write_mhd(tmp_path / "list.mhd", stored(), ElementDataFile="LIST")
    (tmp_path / "list.mhd").write_text((tmp_path / "list.mhd").read_text() + names)
    check(tmp_path / "list.mhd")
    write_mhd(tmp_path / "pattern.mhd", stored(), ElementDataFile="s%02d.raw 1 8 1")
    check(tmp_path / "pattern.mhd")
    write_nrrd(tmp_path / "p.nhdr", stored(), data_file="s%02d.raw 1 8 1", pixels=b"")
    check(tmp_path / "p.nhdr")
    write_nrrd(tmp_path / "l.nhdr", stored(), data_file="LIST 2\n" + names, pixels=b"")
    check(tmp_path / "l.nhdr")
    (tmp_path / "s03.raw").unlink()
    for name in ("list.mhd", "pattern.mhd", "p.nhdr", "l.nhdr"):
        with pytest.raises(ImageNotFoundError, match=r"s03\.raw"):
            read_image(tmp_path / name)


def test_headers_of_other_lengths_and_byte_orders(tmp_path):
    pixels = field().voxels.astype(">i2").tobytes()
    fields = {"ElementByteOrderMSB": "True", "HeaderSize": 17}
    check(write_mhd(tmp_path / "a.mhd", stored(), **fields, pixels=b"x" * 17 + pixels))
    check(write_mhd(tmp_path / "b.mhd", stored(), **{**fields, "HeaderSize": -1}, pixels=b"x" * 99 + pixels))
    check(write_nrrd(tmp_path / "a.nrrd", stored(), endian="big", byte_skip=5, pixels=b"xxxxx" + pixels))
    check(write_nrrd(tmp_path / "b.nrrd", stored(), endian="big", byte_skip=-1, pixels=b"xxx" + pixels))
    check(write_nrrd(tmp_path / "c.nrrd", stored(), endian="big", line_skip=2, pixels=b"1\n2\n" + pixels))
    packed = gzip.compress(b"xxxxx" + pixels)
    check(
        write_nrrd(tmp_path / "d.nrrd", stored(), endian="big", byte_skip=5, encoding="gzip", pixels=packed)
    )


def test_pixels_as_text(tmp_path):
    text = " ".join(map(str, field().voxels.ravel())).encode()
    check(write_nrrd(tmp_path / "a.nrrd", stored(), encoding="ascii", endian=None, pixels=text))
    check(write_mhd(tmp_path / "a.mha", stored(), BinaryData="False", pixels=text))
    check(
        write_nrrd(
            tmp_path / "b.nrrd", stored(), encoding="hex", pixels=field().voxels.tobytes().hex().encode()
        )
    )
    for data, error in ((text[:-9], TruncatedFileError), (text[:-3] + b" x1", CorruptFileError)):
        with pytest.raises(error, match=r"c\.nrrd"):
            read_image(write_nrrd(tmp_path / "c.nrrd", stored(), encoding="ascii", pixels=data))


# -- NIfTI ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_pairs(tmp_path, version, gz):
    magic = b"ni1" if version == 1 else b"ni2"
    head, pixels = nifti_bytes(stored(), version=version, magic=magic)
    pack = gzip.compress if gz else bytes
    (tmp_path / f"a.hdr{gz}").write_bytes(pack(head))
    (tmp_path / f"a.img{gz}").write_bytes(pack(pixels))
    for name in ("a.hdr", "a.img"):
        check(tmp_path / (name + gz))
    assert len(list_series(tmp_path)) == 1
    (tmp_path / f"a.img{gz}").unlink()
    with pytest.raises(ImageNotFoundError, match=r"its other half a\.img is not there"):
        read_image(tmp_path / f"a.hdr{gz}")


def test_pixels_without_their_header(tmp_path):
    (tmp_path / "a.img").write_bytes(nifti_bytes(stored())[1])
    with pytest.raises(ImageError, match=r"a\.img.*\.hdr"):
        read_image(tmp_path / "a.img")


def test_analyze_is_read_and_its_orientation_doubted(tmp_path):
    head, pixels = nifti_bytes(stored(), magic=b"", sform=0)
    (tmp_path / "a.hdr").write_bytes(head[:348])
    (tmp_path / "a.img").write_bytes(pixels)
    image = read_image(tmp_path / "a.hdr")
    assert image.spacing == pytest.approx((2.5, 1.5, 1.25))
    assert "is an Analyze file and does not state its orientation" in image.warnings[0]
    head, pixels = nifti_bytes(stored(), magic=b"", sform=0, slope=0.5)
    (tmp_path / "a.hdr").write_bytes(head[:348])
    scaled = read_image(tmp_path / "a.hdr")
    np.testing.assert_array_equal(scaled.voxels, image.voxels / 2)
    assert "SPM scales by 0.5" in " ".join(scaled.warnings)


def test_suffixes_that_hide_what_is_packed(tmp_path):
    head, pixels = nifti_bytes(stored())
    (tmp_path / "a.nii").write_bytes(gzip.compress(head + pixels))
    (tmp_path / "b.nii.gz").write_bytes(head + pixels)
    (tmp_path / "c.img").write_bytes(head + pixels)
    for name in ("a.nii", "b.nii.gz", "c.img"):
        check(tmp_path / name)


@pytest.mark.parametrize("slope", [(0, 0), (0, np.nan), (np.nan, np.nan), (1, 0)])
def test_no_scaling(tmp_path, slope):
    check(write_nifti(tmp_path / "a.nii", stored(), slope=slope[0], inter=slope[1]))
