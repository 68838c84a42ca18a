"""Grey values of DICOM radiographs mean the same in every file: dark air, full depth, equal radiographs."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from napari_lungmtl.training.imaging import ImageError, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_projection import projection_dataset, write_projection
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ....stand_ins.dicom_radiographs import MARK, radiograph, table, write


@given(
    bits=st.integers(8, 16),
    window=st.none()
    | st.tuples(st.integers(50, 200), st.integers(2, 250)).map(lambda w: tuple(map(float, w))),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
@settings(max_examples=25, deadline=None)
def test_monochrome_1_and_2_are_one_picture(bits, window, function):
    image = radiograph(bits, window=window)
    with tempfile.TemporaryDirectory() as folder:
        two, one = (
            read_image(
                write(image, Path(folder) / f"{air}.dcm", bits=bits, bright_air=air, VOILUTFunction=function)
            )
            for air in (False, True)
        )
    np.testing.assert_allclose(one.voxels, two.voxels, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(
        make_radiograph_input(one).pixels, make_radiograph_input(two).pixels, atol=2e-5
    )
    assert one.voxels.dtype == two.voxels.dtype
    assert one.window == pytest.approx(two.window)
    if window is None or function != "SIGMOID":
        np.testing.assert_array_equal(two.voxels, image.voxels)  # nothing is clipped or rounded
        np.testing.assert_array_equal(make_radiograph_input(one).pixels, make_radiograph_input(two).pixels)
        assert two.window == window
        assert two.voxels.dtype == (np.float32 if bits == 16 else np.int16)
    marked = two.to_world(np.unravel_index(np.argmax(two.voxels), two.shape))
    if function != "SIGMOID":  # which may saturate
        np.testing.assert_allclose(marked, (MARK[0] * 0.2, MARK[1] * 0.3))


def test_monochrome1_and_the_inverse_shape_are_the_same_statement(tmp_path):
    image = radiograph()
    shapes = {None: "MONOCHROME1", "INVERSE": "MONOCHROME1", "IDENTITY": "MONOCHROME1"}
    for shape, photometric in shapes.items():
        file = write(
            image,
            tmp_path / "a.dcm",
            bright_air=True,
            PresentationLUTShape=shape,
            PhotometricInterpretation=photometric,
        )
        np.testing.assert_array_equal(read_image(file).voxels, image.voxels)
    file = write(image, tmp_path / "a.dcm", PresentationLUTShape="INVERSE")
    np.testing.assert_array_equal(read_image(file).voxels, 4095 - image.voxels)


@pytest.mark.parametrize(("bits", "high"), [(10, 9), (12, 15), (14, 13), (15, 15)])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bright_air", [False, True])
def test_bits_at_any_place_with_rubbish_beside_them(tmp_path, bits, high, signed, bright_air):
    values = radiograph(bits).voxels
    low = 2 ** (bits - 1) if signed else 0
    stored = (2**bits - 1 - values if bright_air else values) - low
    words = (stored & (2**bits - 1)).astype(np.uint16) << (high + 1 - bits)
    unused = ~np.uint16(((1 << bits) - 1) << (high + 1 - bits)) & np.uint16(0xFFFF)
    words |= np.random.default_rng(1).integers(0, 65536, words.shape).astype(np.uint16) & unused
    file = write(
        radiograph(bits), tmp_path / "a.dcm", bits=bits, bright_air=bright_air, HighBit=high,
        PixelRepresentation=int(signed), PixelData=words.astype("<u2").tobytes(),
    )  # fmt: skip
    np.testing.assert_array_equal(read_image(file).voxels, values - low)


@pytest.mark.parametrize("bright_air", [False, True])
def test_a_bent_voi_table_is_applied(tmp_path, bright_air):
    entries = np.rint(1023 * np.sqrt(np.arange(4096) / 4095)).astype(int)
    # The table comes before the inversion: for MONOCHROME1 it maps the inverted values to inverted ones.
    items = [table(1023 - entries[::-1] if bright_air else entries, 0, 10)]
    image = radiograph()
    read = read_image(write(image, tmp_path / "a.dcm", bright_air=bright_air, VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, entries[image.voxels])
    assert read.window == (511.5, 1023)


def test_a_straight_voi_table_is_a_window_and_a_window_goes_before_a_table(tmp_path):
    image = radiograph()
    items = [table(np.rint(np.linspace(0, 255, 2001)).astype(int), 1000, 8)]
    read = read_image(write(image, tmp_path / "a.dcm", VOILUTSequence=items))
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.window == (2000, 2000)
    bent = [table(np.arange(4096) ** 2 // 4096, 0, 12)]
    read = read_image(
        write(image, tmp_path / "a.dcm", VOILUTSequence=bent, WindowCenter="2000", WindowWidth="800")
    )
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.window == (2000, 800)


@pytest.mark.parametrize("bright_air", [False, True])
def test_modality_table_with_a_negative_first_value(tmp_path, bright_air):
    entries = np.arange(4096)[::-1] * 2
    values = radiograph().voxels - 2048
    file = write(
        radiograph(), tmp_path / "a.dcm", PixelRepresentation=1, PixelData=(values & 4095).astype("<u2").tobytes(),
        ModalityLUTSequence=[table(entries, -2048, 13)],
        PhotometricInterpretation="MONOCHROME1" if bright_air else "MONOCHROME2", PresentationLUTShape=None,
    )  # fmt: skip
    expected = entries[values + 2048]
    np.testing.assert_array_equal(read_image(file).voxels, 8191 - expected if bright_air else expected)


def test_sigmoid_bends_the_greys_as_the_standard_says(tmp_path):
    image = radiograph(window=(1500.0, 600.0))
    read = read_image(write(image, tmp_path / "a.dcm", VOILUTFunction="SIGMOID"))
    expected = 4095 / (1 + np.exp(-4 * (image.voxels - 1500) / 600))
    np.testing.assert_allclose(read.voxels, expected, rtol=1e-5, atol=1e-2)


def test_rescale_and_its_window(tmp_path):
    image = radiograph(window=(100.0, 50.0))
    read = read_image(write(image, tmp_path / "a.dcm", RescaleSlope="0.5", RescaleIntercept="-10"))
    np.testing.assert_allclose(read.voxels, image.voxels * 0.5 - 10)
    assert read.window == (100, 50)


@pytest.mark.parametrize("bright_air", [False, True])
def test_padding_is_as_dark_as_air_but_a_saturated_pixel_stays(tmp_path, bright_air):
    image = radiograph()
    values = np.maximum(image.voxels, 7)
    values[:, :12] = values[:9] = 4095
    values[50, 60] = 4095
    framed = type(image)(values, spacing=image.spacing)
    file = write(framed, tmp_path / "a.dcm", bright_air=bright_air)
    ds = dcmread(file)
    ds.add_new("PixelPaddingValue", "US", 0 if bright_air else 4095)
    ds.save_as(file)
    read = read_image(file).voxels
    assert np.all(read[:, :12] == 7)
    assert np.all(read[:9] == 7)
    assert read[50, 60] == 4095
    np.testing.assert_array_equal(read[9:, 12:], values[9:, 12:])


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_grey_secondary_captures_in_colour(tmp_path, photometric):
    ds = projection_dataset(radiograph(8), bits=8)
    gray = radiograph(8).voxels.astype(np.uint8)
    chroma = np.full_like(gray, 128)
    channels = [gray, gray, gray] if photometric == "RGB" else [gray, chroma, chroma]
    ds.Modality, ds.SamplesPerPixel, ds.PlanarConfiguration = "OT", 3, 0
    ds.PhotometricInterpretation = photometric
    ds.PixelData = np.stack(channels, -1).tobytes()
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    image = read_image(tmp_path / "a.dcm")
    np.testing.assert_allclose(image.voxels, gray, atol=1)
    assert image.modality == ""
    assert "color_fraction" not in image.metadata


@pytest.mark.parametrize("modality", ["DR", "RG"])
def test_older_names_of_radiography_are_dx(tmp_path, modality):
    assert read_image(write(radiograph(), tmp_path / "a.dcm", Modality=modality)).modality == "DX"


@pytest.mark.parametrize("syntax", ["JPEG2000Lossless", "RLELossless"])
def test_compressed_radiographs(tmp_path, syntax):
    import pydicom.uid

    ds = projection_dataset(radiograph(), bright_air=True)
    ds.compress(getattr(pydicom.uid, syntax))
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.dcm").voxels, radiograph().voxels)


def test_frames_are_radiographs_to_choose_from(tmp_path):
    ds = projection_dataset(radiograph())
    ds.NumberOfFrames = 2
    ds.PixelData = ds.PixelData + bytes(len(ds.PixelData))
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    first, second = list_series(tmp_path)
    np.testing.assert_array_equal(read_image(tmp_path, series=first.uid).voxels, radiograph().voxels)
    assert read_image(tmp_path, series=second.uid).voxels.max() == 0


def test_an_incomplete_table_names_the_file(tmp_path):
    items = [table(np.arange(4096), 0, 12)]
    items[0].LUTData = items[0].LUTData[:100]
    file = write(radiograph(), tmp_path / "broken.dcm", VOILUTSequence=items)
    with pytest.raises(ImageError, match=r"broken\.dcm.*50 of 4096"):
        read_image(file)


@pytest.mark.parametrize("keep", [0, 100, 700, -1000])
def test_cut_off_files(tmp_path, keep):
    file = write_projection(radiograph(), tmp_path / "short.dcm")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ImageError, match=r"short\.dcm"):
        read_image(file)


def test_all_of_one_value(tmp_path):
    image = type(radiograph())(np.full((90, 90), 5), spacing=(0.2, 0.2))
    read = read_image(write_projection(image, tmp_path / "a.dcm", bright_air=True))
    assert np.all(read.voxels == 5)
    assert np.all(make_radiograph_input(read).pixels == 0)


def test_what_does_not_fit_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not 8 bits"):
        write_projection(radiograph(12), tmp_path / "a.dcm", bits=8)
