"""True values from stored ones, and volumes with an axis of one moment."""

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.errors import CorruptFileError, UnsupportedShapeError

from ....stand_ins.linear_fields import check, field, nifti_bytes, stored, write_mhd, write_nifti, write_nrrd
from ....stand_ins.marked_volumes import Stored


def halved(slope: int, intercept: int) -> Stored:
    """The field as stored numbers that a slope and intercept undo."""
    data = stored()
    return Stored(np.rint((data.voxels - intercept) / slope).astype(np.int16), data.steps, data.origin)


def test_metaimage_slope_and_offset(tmp_path):
    fields = {"ElementToIntensityFunctionSlope": 2, "ElementToIntensityFunctionOffset": -1024}
    assert check(write_mhd(tmp_path / "a.mhd", halved(2, -1024), **fields)).voxels.dtype == np.int16
    check(write_mhd(tmp_path / "b.mhd", halved(1, -1024), ElementToIntensityFunctionOffset=-1024))
    fields["ElementToIntensityFunctionSlope"] = 0.5
    assert check(write_mhd(tmp_path / "c.mhd", halved(0.5, -1024), **fields)).voxels.dtype == np.float32


@pytest.mark.parametrize("slope", ["0", "nan", "inf"])
def test_a_slope_that_is_none_is_said(tmp_path, slope):
    check(write_mhd(tmp_path / "a.mha", stored(), ElementToIntensityFunctionSlope=slope), "they were ignored")


@pytest.mark.parametrize("version", [1, 2])
def test_nifti_slope_and_intercept(tmp_path, version):
    for slope, inter in ((2, -1024), (0.5, -1024), (1, -1024), (-1, 24)):
        path = write_nifti(
            tmp_path / "a.nii", halved(slope, inter), slope=slope, inter=inter, version=version
        )
        check(path)


@pytest.mark.parametrize(
    ("slope", "inter", "said"),
    [
        (0, -1024, "as stored"),
        (np.inf, 0, "as stored"),
        (np.nan, 5, "as stored"),
        (1, np.nan, "0 was taken"),
        (1, np.inf, "0 was taken"),
    ],
)
def test_scaling_that_is_none_is_said(tmp_path, slope, inter, said):
    check(write_nifti(tmp_path / "a.nii", stored(), slope=slope, inter=inter), said)


@pytest.mark.parametrize(
    ("dtype", "code"),
    [("i1", 256), ("u2", 512), ("i4", 8), ("u4", 768), ("i8", 1024), ("u8", 1280), ("f4", 16), ("f8", 64)],
)
@pytest.mark.parametrize("order", "<>")
def test_numbers_of_any_type_and_byte_order(tmp_path, dtype, code, order):
    low = max(0, -200) if dtype[0] == "u" else -128 if dtype == "i1" else -200
    values = np.clip(field().voxels, low, 127).astype(order + dtype)
    data = stored()
    head, _ = nifti_bytes(data, order=order, datatype=code, bitpix=values.itemsize * 8)
    (tmp_path / "a.nii").write_bytes(head + values.tobytes())
    names = {
        "i1": "MET_CHAR",
        "u2": "MET_USHORT",
        "i4": "MET_INT",
        "u4": "MET_UINT",
        "i8": "MET_LONG_LONG",
        "u8": "MET_ULONG_LONG",
    }
    kind = names.get(dtype, "MET_FLOAT" if dtype == "f4" else "MET_DOUBLE")
    fields = {"ElementType": kind, "BinaryDataByteOrderMSB": order == ">"}
    write_mhd(tmp_path / "a.mha", data, pixels=values.tobytes(), **fields)
    words = {
        "i1": "int8",
        "u2": "ushort",
        "i4": "int",
        "u4": "uint32_t",
        "i8": "long long int",
        "u8": "uint64",
        "f4": "float",
        "f8": "double",
    }
    fields = {"type": words[dtype], "endian": "big" if order == ">" else "little"}
    write_nrrd(tmp_path / "a.nrrd", data, pixels=values.tobytes(), **fields)
    for name in ("a.nii", "a.mha", "a.nrrd"):
        np.testing.assert_array_equal(read_image(tmp_path / name).voxels, values.astype(np.float32))


# -- axes -------------------------------------------------------------------------------------------------------


def write_moments(path, count: int):
    data = stored()
    pixels = data.voxels.astype("<i2").tobytes() * count
    if path.suffix == ".nrrd":
        directions = "(1.25,0,0) (0,1.5,0) (0,0,2.5) none"
        sizes = f"12 10 8 {count}"
        return write_nrrd(path, data, dimension=4, sizes=sizes, space_directions=directions, pixels=pixels)
    if path.suffix in (".mha", ".mhd"):
        fields = {
            "NDims": 4,
            "DimSize": f"12 10 8 {count}",
            "TransformMatrix": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
            "Offset": "-10 -20 30 0",
            "ElementSpacing": "1.25 1.5 2.5 1",
        }
        return write_mhd(path, data, pixels=pixels, **fields)
    head, _ = nifti_bytes(data, dim=(4, 12, 10, 8, count, 1, 1, 1))
    path.write_bytes(head + pixels)
    return path


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nii"])
def test_one_moment_is_a_volume_and_several_are_refused(tmp_path, suffix):
    check(write_moments(tmp_path / f"a{suffix}", 1))
    with pytest.raises(UnsupportedShapeError, match=r"has 4 axes.*one volume per file"):
        read_image(write_moments(tmp_path / f"b{suffix}", 3))


@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii"])
def test_colours_are_refused(tmp_path, suffix):
    colours = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / f"a{suffix}"))
    with pytest.raises(UnsupportedShapeError, match="has 3 values per voxel"):
        read_image(tmp_path / f"a{suffix}")


def test_complex_numbers_and_unknown_types_are_refused(tmp_path):
    for code, bits in ((32, 64), (1, 1), (1536, 128), (0, 0)):
        with pytest.raises(UnsupportedShapeError, match=f"type {code}"):
            read_image(write_nifti(tmp_path / "a.nii", stored(), datatype=code, bitpix=bits))
    with pytest.raises(CorruptFileError, match="MET_OTHER"):
        read_image(write_mhd(tmp_path / "a.mha", stored(), ElementType="MET_OTHER"))
    with pytest.raises(UnsupportedShapeError, match="type block"):
        read_image(write_nrrd(tmp_path / "a.nrrd", stored(), type="block"))


@pytest.mark.parametrize("dim", [(0, 1, 1), (8, 1, 1), (3, 0, 1, 1), (3, -12, 10, 8), (1, 960), (-1, 5, 5)])
def test_sizes_that_are_none(tmp_path, dim):
    dim = (*dim, *[1] * 8)[:8]
    with pytest.raises((CorruptFileError, UnsupportedShapeError), match=r"a\.nii"):
        read_image(write_nifti(tmp_path / "a.nii", stored(), dim=dim))


@pytest.mark.parametrize("offset", [np.nan, -1.0, 1e30])
def test_pixels_that_begin_nowhere(tmp_path, offset):
    with pytest.raises(CorruptFileError, match=r"a\.nii"):
        read_image(write_nifti(tmp_path / "a.nii", stored(), offset=offset))
