"""Volume files whose headers contradict themselves or their pixels, and files that are something else."""

import gzip

import numpy as np
import pytest
import zarr

from napari_lungmtl.training.imaging import ImageError, read_image
from napari_lungmtl.training.imaging.errors import (
    BadGeometryError,
    CorruptFileError,
    ImageNotFoundError,
    UnknownFormatError,
)

from ....stand_ins.linear_fields import check, field, nifti_bytes, stored, write_mhd, write_nrrd

LPST = "left-posterior-superior-time"


def test_metaimage_in_other_dress(tmp_path):
    check(write_mhd(tmp_path / "comma.mha", stored(), ElementSpacing="1,25 1,5 2,5"))
    check(write_mhd(tmp_path / "last.mha", stored(), HeaderSize=-1))
    check(
        write_mhd(tmp_path / "bare.mha", stored(), TransformMatrix=None),
        said="does not state its orientation",
    )
    check(write_mhd(tmp_path / "said.mha", stored(), TransformMatrix=None, AnatomicalOrientation="RAI"))
    check(write_mhd(tmp_path / "two.mha", stored(), Position="1 2 3"), said="states two places")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"DimSize": "12.5 10 8"}, "the size 12.5 10 8; correct NDims and DimSize"),
        (
            {"elementspacing": "9 9 9"},
            "has elementspacing twice, 1.25 1.5 2.5 and 9 9 9",
        ),
        ({"ElementSpacing": "1.25 inf 2.5"}, "has spacing .1.25, inf, 2.5."),
        ({"HeaderSize": 64}, "has HeaderSize = 64, but its header has"),
        ({"ElementType": "MET_UCHAR"}, "holds 2 times the bytes of pixels"),
    ],
)
def test_metaimage_that_contradicts_itself(tmp_path, fields, says):
    path = write_mhd(tmp_path / "a.mha", stored(), **fields)
    with pytest.raises(ImageError, match=says):
        read_image(path)


@pytest.mark.parametrize("write", [write_mhd, write_nrrd])
def test_pixels_that_are_no_file_of_pixels(tmp_path, write):
    key = "ElementDataFile" if write is write_mhd else "data_file"
    header = tmp_path / ("a.mhd" if write is write_mhd else "a.nhdr")
    (tmp_path / "folder.raw").mkdir()
    write(tmp_path / ("b" + header.suffix), stored(), **{key: "x.raw"})
    text = (tmp_path / ("b" + header.suffix)).read_bytes()
    header.write_bytes(text.replace(b"x.raw", b"folder.raw"))
    with pytest.raises(ImageNotFoundError, match=r"folder\.raw, which is a folder"):
        read_image(header)
    header.write_bytes(text.replace(b"x.raw", header.name.encode()))
    with pytest.raises(CorruptFileError, match="names itself as the file of its pixels"):
        read_image(header)


def test_nrrd_in_space_and_time(tmp_path):
    several = {"dimension": 4, "sizes": "12 10 8 1", "space": LPST, "space_origin": "(-10,-20,30,0)"}
    check(
        write_nrrd(
            tmp_path / "a.nrrd",
            stored(),
            space_directions="(1.25,0,0,0) (0,1.5,0,0) (0,0,2.5,0) (0,0,0,1)",
            **several,
        )
    )


def test_nrrd_units_without_quotation_marks(tmp_path):
    check(write_nrrd(tmp_path / "a.nrrd", stored(), factor=1000, space_units="um um um"))


def test_nrrd_axis_without_direction_is_no_channel(tmp_path):
    directions = "(nan,nan,nan) (0,1.5,0) (0,0,2.5)"
    path = write_nrrd(
        tmp_path / "a.nrrd", stored(), space_directions=directions, kinds="domain domain domain"
    )
    with pytest.raises(BadGeometryError, match="gives its axis 1 no direction"):
        read_image(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"BZh91AY&SY" + bytes(400), "compressed with bzip2"),
        (b"\xfd7zXZ\0" + bytes(400), "compressed with xz"),
        (b"\xef\xbb\xbf<!doctype HTML><html>", "web page"),
        (b"<!-- sorry --><html><body>404", "web page"),
        (b'{"message": "Not Found"}', "JSON document"),
        (b"../.git/annex/objects/x/y/MD5E-s1--0.nii.gz", "pointer of git-annex"),
        (b"GIF89a" + bytes(400), "picture of another format .GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "picture of another format .WebP"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "picture of another format .HEIC"),
        (b"\x89HDF\r\n\x1a\n" + bytes(400), "HDF5 file"),
    ],
)
@pytest.mark.parametrize("name", ["a.nii.gz", "a.mha", "a.jpg", "a.unknown"])
def test_what_is_something_else_is_named(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises((CorruptFileError, UnknownFormatError), match=f"{name} is .*{says}"):
        read_image(tmp_path / name)


def test_compressed_once_too_often(tmp_path):
    data = gzip.compress(b"".join(nifti_bytes(stored())))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(data))
    with pytest.raises(CorruptFileError, match="was compressed twice"):
        read_image(tmp_path / "a.nii.gz")
    (tmp_path / "a.nrrd.gz").write_bytes(gzip.compress(b"NRRD0004\n"))
    with pytest.raises(UnknownFormatError, match="is compressed with gzip; unpack it"):
        read_image(tmp_path / "a.nrrd.gz")


def _zarr_array(path, separator="."):
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    keys = {"name": "v2", "separator": separator}
    group.create_array("0", data=field().voxels, chunks=(4, 4, 4), compressors=None, chunk_key_encoding=keys)
    return path


@pytest.mark.parametrize(("stated", "true"), [("/", "."), (".", "/")])
def test_zarr_chunks_under_other_names(tmp_path, stated, true):
    path = _zarr_array(tmp_path / "a.zarr", true)
    meta = path / "0" / ".zarray"
    meta.write_text(
        meta.read_text().replace(f'"dimension_separator": "{true}"', f'"dimension_separator": "{stated}"')
    )
    with pytest.raises(CorruptFileError, match=f'write "dimension_separator": "{true}" into'):
        read_image(path)


def test_zarr_chunks_of_another_length(tmp_path):
    path = _zarr_array(tmp_path / "a.zarr")
    chunk = path / "0" / "0.0.0"
    data = chunk.read_bytes()
    for wrong, says in ((data[:-5], "cut off: it holds 123 of 128"), (data + b"12345", "should hold 128")):
        chunk.write_bytes(wrong)
        with pytest.raises(ImageError, match=says):
            read_image(path)


def test_zarr_without_images_with_several_and_with_labels(tmp_path):
    path = _zarr_array(tmp_path / "a.zarr")
    group = zarr.open_group(str(path), mode="a")
    one = {"version": "0.4", "axes": list("zyx"), "datasets": [{"path": "0"}]}
    for empty in ([], [{**one, "datasets": []}]):
        group.attrs["multiscales"] = empty
        with pytest.raises(CorruptFileError, match="names no image"):
            read_image(path)
    group.attrs["multiscales"] = [one, one]
    group.attrs["image-label"] = {}
    said = " ".join(read_image(path).warnings)
    assert "holds 2 images: the first was opened" in said
    assert "holds labels (a segmentation)" in said
    (tmp_path / "b.zarr").write_bytes(b"PK\3\4")
    with pytest.raises(CorruptFileError, match="is a file, but an OME-Zarr image is a folder"):
        read_image(tmp_path / "b.zarr")
    np.testing.assert_array_equal(read_image(path).voxels, field().voxels)
