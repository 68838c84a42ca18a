"""One CT slice in every transfer syntax that scanners and archives use."""

import shutil

import numpy as np
import pytest

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.dicom.pixels import _lacks_decoder
from napari_lungmtl.training.imaging.errors import NoPixelDataError, UnsupportedTransferSyntaxError

LOSSLESS = {
    "LittleEndianImplicit": "1.2",
    "LittleEndianExplicit": "1.2.1",
    "BigEndianExplicit": "1.2.2",
    "DeflatedExplicitVRLittleEndian": "1.2.1.99",
    "RLELossless": "1.2.5",
    "JPEGProcess14": "1.2.4.57",
    "JPEGProcess14SV1": "1.2.4.70",
    "JPEGLSLossless": "1.2.4.80",
    "JPEG2000LosslessOnly": "1.2.4.90",
}
# Mean and largest error in HU; the JPEG files store 12 or 8 bits with a slope to match.
LOSSY = {
    "JPEGLSLossy": ("1.2.4.81", 1.0, 2),
    "JPEG2000": ("1.2.4.91", 1.0, 8),
    "JPEGProcess2_4": ("1.2.4.51", 4.0, 40),
    "JPEGProcess6_8": ("1.2.4.53", 4.0, 40),
    "JPEGProcess10_12": ("1.2.4.55", 4.0, 40),
    "JPEGProcess1": ("1.2.4.50", 15.0, 70),
}


@pytest.fixture
def folder(lungmtl_data):
    return lungmtl_data / "ct" / "transfer_syntaxes"


def alone(folder, name, tmp_path):
    """The file in a folder of its own, where nothing else belongs to its series."""
    return shutil.copy(folder / name, tmp_path / "slice.dcm")


@pytest.fixture
def reference(folder, tmp_path):
    return read_image(alone(folder, "CTImage.dcm", tmp_path)).voxels.astype(float)


def path_name(name, uid):
    return f"CTImage.dcm_{name}TransferSyntax_1.2.840.10008.{uid}.dcm"


def test_the_folder_holds_what_is_tested_here(folder):
    names = {path_name(n, u) for n, u in LOSSLESS.items()} | {path_name(n, u[0]) for n, u in LOSSY.items()}
    others = {"CTImage.dcm", "CT2_J2KR", "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm", "no-pixel-data.dcm"}
    assert {f.name for f in folder.iterdir() if not f.name.endswith(".lungmtl.json")} == names | others


def test_reference_is_what_pydicom_reads(folder, reference):
    from pydicom import dcmread

    ds = dcmread(folder / "CTImage.dcm")
    hounsfield = np.maximum(ds.pixel_array.astype(int) + int(ds.RescaleIntercept), -1024)
    np.testing.assert_array_equal(reference[0], hounsfield)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless(folder, tmp_path, reference, name):
    image = read_image(alone(folder, path_name(name, LOSSLESS[name]), tmp_path))
    np.testing.assert_array_equal(image.voxels, reference)
    assert image.voxels.dtype == np.int16


@pytest.mark.parametrize("name", LOSSY)
def test_lossy(folder, tmp_path, reference, name):
    uid, mean, largest = LOSSY[name]
    error = np.abs(read_image(alone(folder, path_name(name, uid), tmp_path)).voxels - reference)
    assert 0 < error.mean() < mean
    assert error.max() < largest


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_file_among_duplicates_is_the_one_that_is_read(folder, reference, name):
    path = folder / path_name(name, LOSSLESS[name])
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, reference)
    assert image.source == path
    assert any("15 duplicate" in w and path.name not in w for w in image.warnings)


def test_fragmented_frames_without_offset_table(folder, tmp_path):
    import SimpleITK as sitk

    path = alone(folder, "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm", tmp_path)
    image = read_image(path)
    # Its two frames lie at z = -159 and -149, with rows that run to the patient's right.
    hounsfield = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[:, :, ::-1]
    assert image.shape == (2, 512, 512)
    np.testing.assert_array_equal(image.voxels, hounsfield)
    assert image.spacing == (10.0, 0.388672, 0.388672)
    assert image.origin == pytest.approx((-159.0, -301.5, 99.5 - 511 * 0.388672))


def test_other_jpeg2000(folder, tmp_path):
    image = read_image(alone(folder, "CT2_J2KR", tmp_path))
    assert image.shape == (1, 512, 512)
    assert (image.voxels.min(), image.voxels.max()) == (-1024, 1433)


def test_structured_report_has_no_picture(folder):
    with pytest.raises(NoPixelDataError, match=r"no-pixel-data\.dcm is DICOM without a picture"):
        read_image(folder / "no-pixel-data.dcm")


def test_unknown_syntax_is_named_with_a_way_out(folder, tmp_path):
    from pydicom import dcmread

    ds = dcmread(folder / path_name("JPEG2000", "1.2.4.91"))
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # MPEG-4
    ds.save_as(tmp_path / "film.dcm")
    with pytest.raises(UnsupportedTransferSyntaxError, match=r"film\.dcm.*MPEG-4.*pip install"):
        read_image(tmp_path / "film.dcm")


def test_missing_decoder_is_told_from_damaged_pixels(folder, tmp_path, monkeypatch):
    from pydicom.pixels.decoders.base import Decoder

    path = alone(folder, path_name("JPEG2000", "1.2.4.91"), tmp_path)
    monkeypatch.setattr(Decoder, "is_available", False)
    monkeypatch.setattr(Decoder, "iter_array", lambda *a, **k: iter(()), raising=True)
    monkeypatch.setattr(Decoder, "as_array", _no_plugin)
    with pytest.raises(UnsupportedTransferSyntaxError, match=r"JPEG 2000.*pylibjpeg"):
        read_image(path)


def _no_plugin(*args, **kwargs):
    raise RuntimeError("all plugins are missing dependencies")


def test_lacks_decoder_says_no_for_what_is_installed(folder):
    from napari_lungmtl.training.imaging.dicom.header import read_header
    from napari_lungmtl.training.imaging.dicom.slices import slices_of

    for name, uid in LOSSLESS.items():
        header = read_header(folder / path_name(name, uid))
        assert header is not None
        if header.syntax not in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"):
            assert not _lacks_decoder(slices_of(header)[0])
