"""Projection radiographs: dark air, and a scale only where there is one."""

import numpy as np
import pytest
from pydicom import dcmread

from napari_lungmtl.training.imaging import Image, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.imaging.radiograph.pixel_size import Scale


def radiograph(folder, **tags):
    """A 12-bit DX file."""
    image = Image(np.zeros((1, 32, 40), np.int16), "CT", (1.0, 0.2, 0.2))
    file = write_series(image, folder)[0]
    ds = dcmread(file)
    values = np.random.default_rng(0).integers(0, 4096, (32, 40)).astype("<u2")
    ds.Modality, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = "DX", 12, 11, 0
    ds.PixelData = values.tobytes()
    for name in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "RescaleSlope",
        "RescaleIntercept",
        "PixelSpacing",
    ):
        delattr(ds, name)
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.save_as(file)
    return file, values


def test_monochrome1_is_inverted_with_its_window(tmp_path):
    file, values = radiograph(
        tmp_path,
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter="1000",
        WindowWidth="500",
        PixelSpacing=[0.2, 0.3],
    )
    image = read_image(file)
    np.testing.assert_array_equal(image.voxels, 4095 - values.astype(int))
    assert image.window == (3095.0, 500.0)
    assert image.spacing == (0.2, 0.3)
    assert image.warnings == ()
    assert image.modality == "DX"


def test_monochrome2_stays(tmp_path):
    file, values = radiograph(tmp_path, PixelSpacing=[0.2, 0.3])
    np.testing.assert_array_equal(read_image(file).voxels, values)


def test_spacing_at_the_detector_is_said(tmp_path):
    file, _ = radiograph(tmp_path, ImagerPixelSpacing=[0.14, 0.14])
    image = read_image(file)
    assert image.spacing == (0.14, 0.14)
    assert "at the detector" in image.warnings[0]


@pytest.mark.parametrize("tags", [{}, {"PixelSpacing": [0, 0]}])
def test_without_spacing_lengths_are_pixels(tmp_path, tags):
    file, _ = radiograph(tmp_path, **tags)
    image = read_image(file)
    assert image.spacing is None
    assert "no usable pixel spacing" in image.warnings[0]
    assert list_series(file)[0].shape == (32, 40)
    assert list_series(file)[0].spacing is None


def test_the_detectors_spacing_repeated_is_not_calibrated(tmp_path):
    file, _ = radiograph(tmp_path, ImagerPixelSpacing=[0.14, 0.14], PixelSpacing=[0.14, 0.14])
    assert "at the detector" in read_image(file).warnings[0]
    file, _ = radiograph(
        tmp_path,
        ImagerPixelSpacing=[0.14, 0.14],
        PixelSpacing=[0.14, 0.14],
        PixelSpacingCalibrationType="FIDUCIAL",
    )
    assert read_image(file).warnings == ()
    file, _ = radiograph(tmp_path, ImagerPixelSpacing=[0.14, 0.14], PixelSpacing=[0.12, 0.12])
    assert read_image(file).warnings == ()
    assert read_image(file).spacing == (0.12, 0.12)


OWN, IMAGER = {"PixelSpacing": [0.125, 0.125]}, {"ImagerPixelSpacing": [0.14, 0.14]}
MAGNIFIED = {"EstimatedRadiographicMagnificationFactor": "1.12"}


@pytest.mark.parametrize(
    ("tags", "divisor", "words"),
    [
        (IMAGER, 1.0, "at the detector"),
        (IMAGER | {"PixelSpacing": [0.14, 0.14]}, 1.0, "at the detector"),
        (IMAGER | MAGNIFIED, 1.12, "magnified by 1.12, divided out"),
        (IMAGER | {"PixelSpacing": [0.14, 0.14]} | MAGNIFIED, 1.12, "magnified by 1.12, divided out"),
        (OWN | IMAGER | MAGNIFIED, 1.0, "calibrated"),  # has the magnification in it
        (OWN | {"PixelSpacingCalibrationType": "GEOMETRY"} | MAGNIFIED, 1.0, "calibrated"),
        (OWN, 1.0, "plane not stated"),
        (OWN | MAGNIFIED, 1.0, "plane not stated"),
        ({"NominalScannedPixelSpacing": [0.17, 0.17]}, 1.0, "on the film"),
        ({"NominalScannedPixelSpacing": [0.17, 0.17]} | MAGNIFIED, 1.12, "magnified by 1.12, divided out"),
        (IMAGER | {"EstimatedRadiographicMagnificationFactor": "0.9"}, 1.0, "at the detector"),
        (IMAGER | {"EstimatedRadiographicMagnificationFactor": "1"}, 1.0, "at the detector"),
    ],
)
def test_it_is_known_where_millimetres_hold(tmp_path, tags, divisor, words):
    image = read_image(radiograph(tmp_path, **tags)[0])
    assert Scale.of(image.metadata) == Scale(divisor, words)
    assert any("cannot be" in w for w in image.warnings) == ("0.9" in str(tags))
    assert any("divided by that" in w for w in image.warnings) == (divisor > 1)


def test_digitised_radiograph_is_measured_on_the_radiograph(tmp_path):
    file, _ = radiograph(tmp_path, NominalScannedPixelSpacing=[0.171, 0.172])
    image = read_image(file)
    assert image.spacing == (0.171, 0.172)
    assert "on the film" in image.warnings[0]


def test_a_radiograph_longer_than_any_detector_is_not_believed(tmp_path):
    file, _ = radiograph(tmp_path, PixelSpacing=[100, 100])
    image = read_image(file)
    assert image.spacing is None
    assert "not believed" in image.warnings[0]


def test_raw_detector_values_are_said(tmp_path):
    file, _ = radiograph(tmp_path, PixelSpacing=[0.2, 0.2], PresentationIntentType="FOR PROCESSING")
    assert "raw detector values" in read_image(file).warnings[0]


def test_networks_see_square_pixels_whatever_the_image_has():
    """A chest keeps its shape, and places go to and fro."""
    values = np.zeros((300, 200), np.float32)
    values[100:200, 50:100] = 1  # 60 mm high and wide, in a picture of 180 × 240 mm
    image = Image(values, "DX", (0.6, 1.2))
    radiograph = make_radiograph_input(image, 240)
    assert radiograph.pixel == pytest.approx((1.0, 1.0))
    bright = np.argwhere(radiograph.pixels > 0.5)
    assert np.ptp(bright, axis=0) + 1 == pytest.approx([60, 60], abs=1)
    world = radiograph.to_world(bright.mean(axis=0) + 0.5)
    assert world == pytest.approx(image.to_world((149.5, 74.5)), abs=0.6)
    assert radiograph.from_world(world) == pytest.approx(bright.mean(axis=0) + 0.5)
    assert np.argwhere(radiograph.inside).min(0) == pytest.approx([30, 0])
    assert np.argwhere(radiograph.inside).max(0) == pytest.approx([209, 239])


def test_pixels_that_a_header_rounded_are_square():
    values = np.random.default_rng(0).random((300, 200), np.float32)
    one = make_radiograph_input(Image(values, "DX", (0.1433, 0.1434)))
    other = make_radiograph_input(Image(values, "DX", (0.1434, 0.1434)))
    np.testing.assert_array_equal(one.pixels, other.pixels)
