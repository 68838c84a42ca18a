"""Decimal strings as writers write them: parsed, or named; never a default in silence."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from napari_lungmtl.training.imaging import ImageError, read_image
from napari_lungmtl.training.imaging.dicom.decimals import decimals
from napari_lungmtl.training.imaging.errors import CorruptFileError

from ....stand_ins.dicom_containers import EXPLICIT, body, element, part10, slices, volume, write_all
from ....stand_ins.dicom_radiographs import radiograph, write


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.5", (0.5,)),
        ("0,5", (0.5,)),
        ("-1024,0 ", (-1024.0,)),
        ("1.5\\1.25\\", (1.5, 1.25)),
        ("1.5\\1.25\\ \\\\", (1.5, 1.25)),
        ("0,7\\0,8", (0.7, 0.8)),
        ("0.7,0.8", (0.7, 0.8)),
        (" +1 ", (1.0,)),
        ("1E+0\0", (1.0,)),
        ("1,5E-1", (0.15,)),
        ("1.0D+01", (10.0,)),
        ("0.7 mm\\0.8mm", (0.7, 0.8)),
        ("-1024 HU", (-1024.0,)),
        (".5\\5.", (0.5, 5.0)),
        ("", ()),
        ("\0\0", ()),
        ("abc", ()),
        ("1\\\\3", ()),
        ("1\\x\\3", ()),
        ("nan", ()),
        ("inf", ()),
        ("1e999", ()),
        ("1_000", ()),
        ("0,5,3", ()),
        ("1,024.5", ()),
        ("700 um", ()),
        ("0.7 cm", ()),
        ("１", ()),
    ],
)
def test_decimals(text, numbers):
    assert decimals(text.encode("utf-8")) == pytest.approx(numbers)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=6), st.sampled_from([".", ","]))
def test_what_was_written_is_read(values, point):
    texts = [repr(v).replace(".", point) for v in values]
    assert decimals("\\".join(texts).encode()) == tuple(values)


@given(st.binary(max_size=20))
def test_any_bytes_give_finite_numbers(value):
    assert all(np.isfinite(n) for n in decimals(value))


def series(tmp_path, **texts):
    """A series with texts as they are in some tags; None removes one."""
    files = []
    tags = {
        "RescaleSlope": 0x00281053,
        "RescaleIntercept": 0x00281052,
        "PixelSpacing": 0x00280030,
        "SliceThickness": 0x00180050,
        "WindowCenter": 0x00281050,
        "WindowWidth": 0x00281051,
        "ImagePositionPatient": 0x00200032,
        "ImageOrientationPatient": 0x00200037,
    }
    for k, ds in enumerate(slices(volume())):
        late = b""
        for name, text in texts.items():
            if name in ds:
                del ds[name]
            if text is not None:
                value = text.format(z=f"{-120 + 2.5 * k}".replace(".", ",")).encode()
                late += element(tags[name], "DS", value + b" " * (len(value) % 2))
        files.append(part10(EXPLICIT, body(ds)[:0] + late + body(ds)))
    return write_all(tmp_path, files)


def test_commas_everywhere(tmp_path):
    image = volume()
    read = read_image(
        series(
            tmp_path,
            ImagePositionPatient="-33,3\\10,0\\{z}",
            ImageOrientationPatient="1,0\\0,0\\0,0\\0,0\\1,0\\0,0",
            PixelSpacing="0,7\\0,8",
            RescaleSlope="0,5",
            RescaleIntercept="-1024,5",
            WindowCenter="40,5",
            WindowWidth="400,0",
        )
    )
    np.testing.assert_array_equal(read.voxels, np.maximum((image.voxels + 1024) * 0.5 - 1024.5, -1024))
    assert read.spacing == pytest.approx((2.5, 0.7, 0.8))
    assert read.origin == pytest.approx((-120, 10, -33.3))
    assert read.window == (40.5, 400)
    assert read.warnings == ()


@pytest.mark.parametrize("name", ["RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize("text", ["one", "0,5,3", "1\\x", "nan"])
def test_a_rescale_that_is_no_number_is_an_error(tmp_path, name, text):
    with pytest.raises(CorruptFileError, match=rf"0\.dcm: its {name} '.*' is no number"):
        read_image(series(tmp_path, **{name: text}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PixelSpacing", "broad"),
        ("PixelSpacing", "0.7"),
        ("ImagePositionPatient", "left"),
        ("ImagePositionPatient", "1\\2"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\1"),
        ("SliceThickness", "thin"),
        ("WindowWidth", "wide"),
    ],
)
def test_other_numbers_that_are_none_are_named(tmp_path, name, text):
    said = [w for w in read_image(series(tmp_path, **{name: text})).warnings if f"{name} '" in w]
    assert len(said) == 1
    assert said[0].startswith("0.dcm and 2 more: ")
    assert said[0].endswith("was ignored.")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"RescaleSlope": None, "RescaleIntercept": None}, "RescaleSlope 1, RescaleIntercept 0 was assumed"),
        ({"RescaleIntercept": None}, "RescaleIntercept 0 was assumed"),
        ({"RescaleSlope": "0"}, "RescaleSlope is 0"),
    ],
)
def test_a_rescale_that_is_absent_is_said(tmp_path, texts, said):
    assert said in read_image(series(tmp_path, **texts)).warnings[0]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"RescaleType": "US"}, "called 'US'"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
        (
            {"PixelPresentation": "COLOR", "RedPaletteColorLookupTableDescriptor": [256, 2000, 16]},
            "supplemental palette",
        ),
        ({"HighBit": 7}, "16 are read, highest 15"),
        ({"BitsStored": 20}, "16 are read, highest 15"),
        ({"PixelRepresentation": 3}, "PixelRepresentation is 3"),
    ],
)
def test_what_contradicts_itself_is_said_and_read(tmp_path, tags, said):
    image = volume()
    files = []
    for ds in slices(image):
        ds.update(tags)
        files.append(part10(EXPLICIT, body(ds)))
    read = read_image(write_all(tmp_path, files))
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert [w for w in read.warnings if said in w]


@pytest.mark.parametrize("text", ["0,5", "half"])
def test_numbers_of_frames(tmp_path, text):
    image = volume()
    ds = slices(image)[0]
    for name in ("ImagePositionPatient", "RescaleSlope", "RescaleIntercept"):
        del ds[name]
    ds.NumberOfFrames = 3
    groups = []
    for k in range(3):
        group, place, values = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, k]
        values.add_new(0x00281053, "LO", text)
        values.RescaleIntercept = "-1024"
        group.PlanePositionSequence, group.PixelValueTransformationSequence = [place], [values]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.PixelData = (image.voxels + 1024).astype("<i2").tobytes()
    data = body(ds, implicit=True)  # where nobody sees that it was written as text
    (tmp_path / "a.dcm").write_bytes(part10("1.2.840.10008.1.2", data))
    if text == "half":
        with pytest.raises(CorruptFileError, match=r"a\.dcm: its RescaleSlope 'half' is no number"):
            read_image(tmp_path / "a.dcm")
    else:
        read = read_image(tmp_path / "a.dcm")
        np.testing.assert_array_equal(read.voxels, (image.voxels + 1024) * 0.5 - 1024)


def test_a_radiograph_with_commas(tmp_path):
    file = write(radiograph(), tmp_path / "a.dcm", PixelSpacing=None)
    data = file.read_bytes()
    place = data.index(b"\x28\x00\x00\x01US")
    spacing = element(0x00181164, "DS", b"0,2\\0,3 ")
    file.write_bytes(data[:place] + spacing + data[place:])
    assert read_image(file).spacing == pytest.approx((0.2, 0.3))


@pytest.mark.parametrize("name", ["RescaleSlope", "RescaleIntercept"])
def test_a_rescale_that_is_no_number_is_named_for_radiographs(tmp_path, name):
    file = write(radiograph(), tmp_path / "a.dcm", **{name: "777"})
    file.write_bytes(file.read_bytes().replace(b"DS\x04\x00777 ", b"DS\x04\x00one "))
    read = read_image(file)
    np.testing.assert_array_equal(read.voxels, radiograph().voxels)
    assert f"a.dcm: {name} 'one' is no number and was ignored." in read.warnings


def test_damaged_groups_of_frames_end_in_no_raw_exception(tmp_path):
    image = volume()
    ds = slices(image)[0]
    ds.NumberOfFrames = 3
    group, place = Dataset(), Dataset()
    place.ImagePositionPatient = [0, 0, 0]
    group.PlanePositionSequence = [place]
    ds.PerFrameFunctionalGroupsSequence = [group] * 3
    data = bytearray(part10(EXPLICIT, body(ds)))
    begin = data.index(b"\x00\x52\x30\x92SQ") + 12
    data[begin + 12 : begin + 40] = bytes(28)
    (tmp_path / "a.dcm").write_bytes(data)
    with suppress(ImageError):
        read_image(tmp_path / "a.dcm")
