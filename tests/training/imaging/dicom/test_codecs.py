"""Every codec on files that come with pydicom: proven where no real data are, whole files and such as are cut off."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, get_frame

from napari_lungmtl.training.imaging.dicom.header import read_header
from napari_lungmtl.training.imaging.dicom.pixels import stored_values
from napari_lungmtl.training.imaging.dicom.slices import slices_of
from napari_lungmtl.training.imaging.errors import CorruptFileError


def bundled(name: str) -> Path:
    """A file of pydicom's wheel."""
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    return Path(str(path))


def stored(path: Path, *, colors: bool = False) -> np.ndarray:
    header = read_header(path)
    assert header is not None
    return stored_values(slices_of(header)[0], colors=colors)


@pytest.mark.parametrize("name", ["RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "expb", "implicit"])
def test_lossless_codecs_give_the_plain_pixels(name):
    plain, decoded = stored(bundled("MR_small.dcm")), stored(bundled(f"MR_small_{name}.dcm"))
    np.testing.assert_array_equal(decoded, plain)
    assert decoded.dtype.kind == "i"


def test_jpeg_lossless_in_color():
    plain = stored(bundled("SC_rgb_rle.dcm"), colors=True)
    np.testing.assert_array_equal(stored(bundled("SC_rgb_jpeg_gdcm.dcm"), colors=True), plain)


def test_deflated():
    assert stored(bundled("image_dfl.dcm")).shape == (512, 512)


def test_twelve_bit_jpeg():
    values = stored(bundled("JPGExtended.dcm"))
    assert values.dtype == np.uint16
    assert values.shape == (1024, 256)
    assert (values.min(), values.max()) == (0, 264)


@pytest.mark.parametrize("bits", [8, 16])
def test_near_lossless_jpeg_ls(bits):
    values = stored(bundled(f"JPEGLSNearLossless_{bits:02d}.dcm"))
    assert (values.min(), values.max()) == (0, 2**bits - 1)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk", "SC_rgb_dcmtk_+eb+cr", "examples_ybr_color"])
def test_baseline_jpeg_in_color(name):
    values = stored(bundled(f"{name}.dcm"), colors=True)
    assert values.dtype == np.uint8
    assert values.shape[-1] == 3
    assert np.ptp(values) > 200


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_jpeg_ls_lossless",
        "MR_small_jp2klossless",
        "JPGExtended",
        "SC_rgb_jpeg_gdcm",
        "SC_rgb_jpeg_dcmtk",
    ],
)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_frame_that_is_cut_off_is_never_taken_for_whole(tmp_path, name, keep):
    """The container is whole here: only the decoder can tell."""
    ds = dcmread(bundled(f"{name}.dcm"))
    frame = get_frame(ds.PixelData, 0, number_of_frames=1)
    ds.PixelData = encapsulate([frame[: int(keep * len(frame))]])
    ds.save_as(tmp_path / "cut.dcm")
    with pytest.raises(CorruptFileError, match=r"cut\.dcm: the pixels cannot be decoded"):
        stored(tmp_path / "cut.dcm")


def test_damaged_twelve_bit_jpeg_ends_in_a_sentence(tmp_path):
    """GDCM's own Python package ends the process on some of these."""
    ds = dcmread(bundled("JPGExtended.dcm"))
    frame = np.frombuffer(get_frame(ds.PixelData, 0, number_of_frames=1), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(30):
        damaged = frame.copy()
        damaged[rng.integers(0, len(frame), 100)] = rng.integers(0, 256, 100)
        ds.PixelData = encapsulate([damaged.tobytes()])
        ds.save_as(tmp_path / "damaged.dcm")
        try:
            stored(tmp_path / "damaged.dcm")
        except CorruptFileError:
            refused += 1
    assert refused > 15


@pytest.mark.parametrize("claimed", [12, 13, 16])
def test_jpeg_goes_by_the_bits_that_count(tmp_path, claimed):
    ds = dcmread(bundled("JPGExtended.dcm"))
    plain = stored(bundled("JPGExtended.dcm"))
    ds.BitsStored, ds.HighBit = claimed, claimed - 1
    ds.save_as(tmp_path / "claims.dcm")
    np.testing.assert_array_equal(stored(tmp_path / "claims.dcm"), plain)
