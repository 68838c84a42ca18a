"""Stored values and frames of CT slices: rescale, bits, padding, multi-frame files."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.imaging.dicom.write_series import slice_dataset, write_series
from napari_lungmtl.training.imaging.errors import TruncatedFileError

from ....stand_ins.marked_volumes import brightest, change, marked

# -- values -----------------------------------------------------------------------------------------------------


def test_rescale_of_each_slice(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    for k, file in enumerate(files):
        ds = dcmread(file)
        ds.RescaleIntercept = str(-1024 + 10 * k)
        ds.PixelData = (ds.pixel_array - 10 * k).astype("<i2").tobytes()
        ds.save_as(file)
    read = read_image(tmp_path)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.voxels.dtype == np.int16


def test_slopes_with_fractions(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    change(files, RescaleSlope=lambda k, ds: "0.5" if k % 2 else "1")
    read = read_image(tmp_path)
    assert read.voxels.dtype == np.float32
    halved = np.maximum((image.voxels[1::2] + 1024) * 0.5 - 1024, -1024)
    np.testing.assert_allclose(read.voxels[1::2], halved)
    np.testing.assert_array_equal(read.voxels[::2], image.voxels[::2])


@pytest.mark.parametrize(("stored", "signed"), [(12, 0), (12, 1), (16, 0), (16, 1), (15, 0)])
def test_bits_and_signs(tmp_path, stored, signed):
    """Unused high bits hold rubbish; 16-bit unsigned values pass what int16 holds."""
    rng = np.random.default_rng(0)
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1)) if signed else (0, 2**stored)
    values = rng.integers(low, high, (4, 16, 16))
    files = write_series(marked(shape=(4, 16, 16)), tmp_path)
    for k, file in enumerate(files):
        ds = dcmread(file)
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = stored, stored - 1, signed
        raw = values[k] & (2**stored - 1)
        if stored < 16:
            raw |= rng.integers(0, 2 ** (16 - stored), raw.shape) << stored
        ds.PixelData = raw.astype("<u2").tobytes()
        ds.save_as(file)
    read = read_image(tmp_path)
    np.testing.assert_array_equal(read.voxels, np.maximum(values - 1024, -1024))
    assert read.voxels.dtype == (np.float32 if values.max() > 33791 else np.int16)


@pytest.mark.parametrize("padding", [-32768, -2000])
def test_padding_becomes_air(tmp_path, padding):
    image = marked()
    files = write_series(image, tmp_path)
    for file in files:
        ds = dcmread(file)
        pixels = ds.pixel_array.copy()
        pixels[0] = padding
        ds.add_new("PixelPaddingValue", "SS", padding)
        ds.PixelData = pixels.tobytes()
        ds.save_as(file)
    read = read_image(tmp_path)
    assert np.all(read.voxels[:, 0] == -1024)
    np.testing.assert_array_equal(read.voxels[:, 1:], image.voxels[:, 1:])


def test_other_modalities_stay_readable(tmp_path):
    image = marked()
    change(write_series(image, tmp_path), Modality="MR", RescaleIntercept="-3000", RescaleSlope="1")
    read = read_image(tmp_path)
    assert read.modality == "MR"
    np.testing.assert_array_equal(read.voxels, image.voxels.astype(int) + 1024 - 3000)  # nothing is clipped


# -- multi-frame ------------------------------------------------------------------------------------------------


def enhanced(image: Image, order: list[int]) -> Dataset:
    """An enhanced CT whose frames are the image's slices in the given order, each with its own intercept."""
    ds = slice_dataset(image, 0)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    for name in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(ds, name)
    ds.NumberOfFrames = len(order)
    plane, measures = Dataset(), Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = list(image.spacing[1:])
    measures.SliceThickness = 1
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, pixels = [], []
    for k in order:
        z, y, x = image.to_world((k, 0, 0))
        place, values, group = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [x, y, z]
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 1, -1024 - k, "HU"
        group.PlanePositionSequence, group.PixelValueTransformationSequence = (
            Sequence([place]),
            Sequence([values]),
        )
        frames.append(group)
        pixels.append((image.voxels[k].astype(int) + 1024 + k).astype("<i2").tobytes())
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.PixelData = b"".join(pixels)
    return ds


@pytest.mark.parametrize("compress", [False, True])
def test_multi_frame(tmp_path, compress):
    from pydicom.uid import RLELossless

    image = marked(shape=(5, 32, 33), index=(3, 5, 2), origin=(-120.0, 10.0, -33.0))
    ds = enhanced(image, [3, 0, 4, 1, 2])
    if compress:
        ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(tmp_path / "enhanced.dcm", enforce_file_format=True)
    for path in (tmp_path, tmp_path / "enhanced.dcm"):
        read = read_image(path)
        np.testing.assert_array_equal(read.voxels, image.voxels)
        np.testing.assert_allclose(brightest(read), brightest(image), atol=0.01)
        assert read.warnings == ()


def test_multi_frame_cut_off_is_refused(tmp_path):
    # It is the whole scan: the frames before the cut would look like one.
    image = marked(shape=(5, 32, 33), index=(3, 5, 2))
    enhanced(image, [0, 1, 2, 3, 4]).save_as(tmp_path / "enhanced.dcm", enforce_file_format=True)
    data = (tmp_path / "enhanced.dcm").read_bytes()
    (tmp_path / "enhanced.dcm").write_bytes(data[:-100])
    with pytest.raises(TruncatedFileError, match="is cut off"):
        read_image(tmp_path)
