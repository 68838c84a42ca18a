"""A study folder as hospitals export it: what each object beside the CT is said to be."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import NoImagesError, NoPixelDataError

from ....stand_ins.linear_series import ct_slice, shift_of, stack, write

SCOUT = {
    "SeriesInstanceUID": "1.7.1",
    "ImageOrientationPatient": [1, 0, 0, 0, 0, -1],
    "position": [-10, 0, 60],
    "SliceThickness": "300",
}
CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
NOWHERE = dict.fromkeys(
    ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "FrameOfReferenceUID")
)


def capture(**tags):
    values = {
        "SOPClassUID": CAPTURE_CLASS,
        "SeriesInstanceUID": "1.7.2",
        "ImageType": ["DERIVED", "SECONDARY"],
    }
    return ct_slice(30, **values | NOWHERE | tags)


def kinds(folder):
    return sorted((s.kind, len(s.shape)) for s in list_series(folder))


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SliceThickness": None},
        {},
        {"ImageType": None, "SliceThickness": "0.6", "SeriesDescription": "Topogram 0.6 T20f"},
    ],
)
def test_localizer_alone(tmp_path, tags):
    (file,) = write([ct_slice(0, **SCOUT | tags)], tmp_path)
    image = read_image(file)
    assert image.shape == (10, 12)
    assert image.modality == "CT"
    assert "0000.dcm is a localizer" in image.warnings[0]
    assert "no CT volume" in image.warnings[0]
    assert kinds(tmp_path) == [("localizer", 2)]


def test_an_axial_slice_alone_is_none(tmp_path):
    write([ct_slice(30, SliceThickness="5")], tmp_path)
    assert kinds(tmp_path) == [("", 3)]


def test_localizers_that_do_not_say_so_beside_a_scan(tmp_path):
    plain = SCOUT | {"SliceThickness": "1"}
    side = plain | {
        "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
        "position": [0, -10, 60],
        "SeriesInstanceUID": "1.7.9",
    }
    write([*stack(8), ct_slice(0, **plain), ct_slice(0, **side)], tmp_path)
    assert kinds(tmp_path) == [("", 3), ("localizer", 2), ("localizer", 2)]


def test_two_localizers_of_one_series_are_two_pictures(tmp_path):
    words = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    write([ct_slice(0, **SCOUT | words), ct_slice(0, 50, **SCOUT | words)], tmp_path)
    assert kinds(tmp_path) == [("localizer", 2)] * 2


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({}, "screen capture"),
        (
            {
                "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"],
                "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
            },
            "screen capture",
        ),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "ImageType": ["DERIVED", "SECONDARY", "OTHER"]},
            "screen capture",
        ),
        ({"Modality": "OT"}, "screen capture"),
        ({"Modality": None}, "screen capture"),
        ({"Modality": "CR"}, ""),
    ],
)
def test_captures_are_pictures(tmp_path, tags, kind):
    (file,) = write([capture(**tags)], tmp_path)
    image = read_image(file)
    assert image.shape == (10, 12)
    assert image.spacing is None
    assert kinds(tmp_path) == [(kind, 2)]


def test_a_capture_in_the_series_of_the_scan_is_set_aside(tmp_path):
    write([*stack(8), capture(SeriesInstanceUID="1.2.3.4")], tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "0008.dcm" in image.warnings[0]


def test_secondary_axial_slices_are_a_scan(tmp_path):
    write(stack(8, ImageType=["DERIVED", "SECONDARY", "AXIAL"], SOPClassUID=CAPTURE_CLASS), tmp_path)
    assert kinds(tmp_path) == [("", 3)]
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"], "reformatted"),
        (["DERIVED", "SECONDARY", "MPR"], "reformatted"),
        (["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"], "rendered from a volume"),
        (["DERIVED", "SECONDARY", "OTHER", "VRT"], "rendered from a volume"),
    ],
)
def test_what_was_made_from_a_volume(tmp_path, words, kind):
    write(stack(6, ImageType=words), tmp_path)
    assert kinds(tmp_path) == [(kind, 3)]
    assert kind in str(list_series(tmp_path)[0])


@pytest.mark.parametrize(
    ("uid", "modality", "name"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.67", "SR", "X-Ray Radiation Dose SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PR", "Grayscale Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KO", "Key Object Selection Document Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", "RT Structure Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC", "Encapsulated PDF Storage"),
    ],
)
def test_objects_without_a_picture(tmp_path, uid, modality, name):
    def thing(k):
        ds = ct_slice(0, SOPClassUID=uid, Modality=modality, SeriesInstanceUID=f"1.8.{k}", **NOWHERE)
        for tag in ("PixelData", "Rows", "Columns"):
            delattr(ds, tag)
        return ds

    files = write([thing(k) for k in range(4)], tmp_path)
    with pytest.raises(NoPixelDataError, match="without a picture"):
        read_image(files[0])
    with pytest.raises(NoImagesError, match="without a picture"):
        read_image(tmp_path)
    write(stack(8), tmp_path, [f"ct{k}.dcm" for k in range(8)])
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert image.warnings == (f"4 DICOM files without a picture were ignored: 4 {name}.",)


def test_mr_and_pet_are_series_of_their_own(tmp_path):
    write(
        [*stack(8), *stack(8, Modality="MR", SeriesInstanceUID="1.7.5"), *stack(5, Modality="PT")], tmp_path
    )
    assert sorted((s.modality, s.n_slices) for s in list_series(tmp_path)) == [
        ("CT", 8),
        ("MR", 8),
        ("PT", 5),
    ]
    assert np.all([s.kind == "" for s in list_series(tmp_path)])


@pytest.mark.parametrize("description", ["Dose Report", "Patient Protocol", ""])
def test_a_page_without_image_type_beside_a_scan(tmp_path, description):
    nowhere = dict.fromkeys(("ImageType", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    page = ct_slice(0, SeriesInstanceUID=generate_uid(), SeriesDescription=description, **nowhere)
    write([*stack(8), page], tmp_path)
    assert sorted(s.kind for s in list_series(tmp_path)) == ["", "screen capture"]
