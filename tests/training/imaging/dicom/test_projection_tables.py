"""Lookup tables, windows, floats and pixel shapes of DICOM radiographs that are not as the standard wants them."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.dicom.write_projection import projection_dataset
from napari_lungmtl.training.imaging.errors import CorruptFileError

from ....stand_ins.dicom_containers import EXPLICIT, element, part10, split
from ....stand_ins.dicom_radiographs import radiograph, table, write


def lut(
    entries: np.ndarray, first: int, bits: int, *, dtype: str = "<u2", vr: str = "OW", count=None
) -> Dataset:
    """A table with its data in any type, and any count in its descriptor."""
    made = table(entries, first, bits)
    descriptor = [len(entries) % 65536 if count is None else count, first, bits]
    made.add_new("LUTDescriptor", "SS" if first < 0 else "US", descriptor)
    data = entries.astype(dtype).tobytes()
    made.add_new("LUTData", vr, data + b"\0" * (len(data) % 2) if vr == "OW" else list(map(int, entries)))
    return made


def curve(top: int, count: int = 4096) -> np.ndarray:
    return np.rint(top / (1 + np.exp(-(np.arange(count) - count / 2) / (count / 10)))).astype(int)


@pytest.mark.parametrize("declared", [8, 12, 16])
@pytest.mark.parametrize("bright_air", [False, True])
def test_the_range_of_a_table_is_that_of_its_entries(tmp_path, declared, bright_air):
    entries = curve(4095)
    items = [lut(entries if not bright_air else 4095 - entries[::-1], 0, declared)]
    read = read_image(write(radiograph(), tmp_path / "a.dcm", bright_air=bright_air, VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, entries[radiograph().voxels])
    assert read.window == (2047.5, 4095)


@pytest.mark.parametrize("count", [4096, 4095])
def test_entries_of_one_byte(tmp_path, count):
    entries = curve(255, count)
    items = [lut(entries, 0, 8, dtype="u1")]
    read = read_image(write(radiograph(), tmp_path / "a.dcm", VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, entries[np.minimum(radiograph().voxels, count - 1)])
    assert read.window == (127.5, 255)


@pytest.mark.parametrize("vr", ["OW", "US"])
def test_entries_of_eight_bits_in_words(tmp_path, vr):
    entries = curve(255)
    items = [lut(entries, 0, 8, vr=vr)]
    read = read_image(write(radiograph(), tmp_path / "a.dcm", VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, entries[radiograph().voxels])


def test_entries_of_eight_bits_in_the_high_byte(tmp_path):
    entries = curve(255) << 8
    read = read_image(write(radiograph(), tmp_path / "a.dcm", VOILUTSequence=[lut(entries, 0, 8)]))
    np.testing.assert_array_equal(read.voxels, entries[radiograph().voxels])
    assert read.window == (32767.5, 65535)


def test_65536_entries_are_written_as_0(tmp_path):
    entries = curve(65535, 65536)
    read = read_image(
        write(radiograph(16), tmp_path / "a.dcm", bits=16, VOILUTSequence=[lut(entries, 0, 16)])
    )
    np.testing.assert_array_equal(read.voxels, entries[radiograph(16).voxels])


@pytest.mark.parametrize("first", [40000, 40000 - 65536])
def test_a_large_first_value_of_any_sign(tmp_path, first):
    entries = curve(4095)
    image = radiograph(16)
    items = [lut(entries, first, 12)]
    read = read_image(write(image, tmp_path / "a.dcm", bits=16, VOILUTSequence=items))
    expected = entries[np.clip(image.voxels.astype(int) - 40000, 0, 4095)]
    np.testing.assert_array_equal(read.voxels, expected)


@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize("lacking", ["all", "data", "empty"])
def test_tables_without_data_are_passed_over_with_a_word(tmp_path, sequence, lacking):
    made = table(np.arange(4096), 0, 12)
    if lacking == "empty":
        made.LUTData = b""
    else:
        del made.LUTData
    if lacking == "all":
        del made.LUTDescriptor
        made.LUTExplanation = "none"
    read = read_image(write(radiograph(), tmp_path / "a.dcm", **{sequence: [made]}))
    np.testing.assert_array_equal(read.voxels, radiograph().voxels)
    assert read.warnings == (f"a.dcm: its {sequence} is empty and was ignored.",)


def test_the_first_table_with_data_is_taken(tmp_path):
    entries = curve(1023)
    items = [Dataset(), lut(entries, 0, 10)]
    read = read_image(write(radiograph(), tmp_path / "a.dcm", VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, entries[radiograph().voxels])


def test_a_table_without_descriptor_is_an_error(tmp_path):
    made = table(np.arange(4096), 0, 12)
    del made.LUTDescriptor
    with pytest.raises(CorruptFileError, match=r"a\.dcm cannot be shown: its VOILUTSequence is incomplete"):
        read_image(write(radiograph(), tmp_path / "a.dcm", VOILUTSequence=[made]))


# -- windows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", ["0", "1", "0.5", "-5"])
def test_windows_without_width_are_not_used(tmp_path, width):
    read = read_image(write(radiograph(), tmp_path / "a.dcm", WindowCenter="2000", WindowWidth=width))
    assert read.window is None
    assert "ignored" in read.warnings[0]
    np.testing.assert_array_equal(read.voxels, radiograph().voxels)


def test_the_first_of_several_windows_is_taken(tmp_path):
    read = read_image(
        write(radiograph(), tmp_path / "a.dcm", WindowCenter=["900", "50"], WindowWidth=["800", "9"])
    )
    assert read.window == (900, 800)


# -- shape of pixels --------------------------------------------------------------------------------------------


def test_pixels_that_are_not_square(tmp_path):
    file = write(radiograph(), tmp_path / "a.dcm", PixelSpacing=None, PixelAspectRatio=["2", "1"])
    assert "a.dcm has pixels 2 high to 1 wide (PixelAspectRatio)" in read_image(file).warnings[0]
    file = write(radiograph(), tmp_path / "a.dcm", PixelSpacing=None, PixelAspectRatio=["1", "1"])
    assert len(read_image(file).warnings) == 1  # on the unknown spacing


def test_an_aspect_ratio_against_the_spacing(tmp_path):
    for ratio, said in {("2", "1"): 1, ("2", "3"): 0}.items():
        read = read_image(write(radiograph(), tmp_path / "a.dcm", PixelAspectRatio=list(ratio)))
        assert read.spacing == (0.2, 0.3)
        assert len([w for w in read.warnings if "contradicts itself" in w]) == said


# -- floats -----------------------------------------------------------------------------------------------------


def float_file(path, values, tag=0x7FE00008, modality="OT", **tags):
    ds = projection_dataset(radiograph(12, values.shape))
    ds.Modality, ds.BitsAllocated = modality, 32 if tag == 0x7FE00008 else 64
    del ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.PresentationLUTShape
    for name, value in tags.items():
        setattr(ds, name, value)
    front, _ = split(ds)
    vr, dtype = ("OF", "<f4") if tag == 0x7FE00008 else ("OD", "<f8")
    path.write_bytes(part10(EXPLICIT, front + element(tag, vr, values.astype(dtype).tobytes())))
    return path


@pytest.mark.parametrize("tag", [0x7FE00008, 0x7FE00009])
@pytest.mark.parametrize("modality", ["OT", "DX"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_float_pixels(tmp_path, tag, modality, photometric):
    values = np.random.default_rng(0).random((64, 80)).astype(np.float32)
    read = read_image(
        float_file(tmp_path / "a.dcm", values, tag, modality, PhotometricInterpretation=photometric)
    )
    assert read.voxels.dtype == np.float32
    expected = values if photometric == "MONOCHROME2" else values.max() + values.min() - values
    np.testing.assert_allclose(read.voxels, expected, atol=1e-6)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_float_pixels_that_are_no_numbers_are_air(tmp_path, photometric):
    values = np.random.default_rng(0).random((64, 80)).astype(np.float32)
    values[3, 4], values[5, 6] = np.nan, np.inf
    read = read_image(float_file(tmp_path / "a.dcm", values, PhotometricInterpretation=photometric))
    assert np.isfinite(read.voxels).all()
    assert read.voxels[3, 4] == read.voxels[5, 6] == pytest.approx(read.voxels.min())
    assert "a.dcm has 2 pixel(s) that are no finite numbers" in read.warnings[0]


def test_float_pixels_without_any_number(tmp_path):
    with pytest.raises(CorruptFileError, match=r"a\.dcm holds no finite number"):
        read_image(float_file(tmp_path / "a.dcm", np.full((64, 80), np.nan)))


def test_contradictory_bits_are_said(tmp_path):
    image = radiograph(16)
    read = read_image(write(image, tmp_path / "a.dcm", bits=16, BitsStored=20, HighBit=19))
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert "20 bits stored, highest 19, do not fit into 16 allocated ones" in read.warnings[0]
