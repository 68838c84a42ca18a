"""Pictures of every kind become grey values, with the mark where it was."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Picture

from napari_lungmtl.training.imaging import ImageError, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_projection import write_projection
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ....stand_ins.dicom_radiographs import MARK, radiograph


def gray(bits=8):
    """Values up to 192, or their 16-bit likes, with one pixel at the top."""
    return radiograph(bits).voxels.astype(np.uint8 if bits == 8 else np.uint16)


def check(path, values, atol=0):
    image = read_image(path)
    np.testing.assert_allclose(image.voxels, values, atol=atol)
    assert image.spacing is None
    assert image.warnings == (f"{path.name} does not state its pixel size: lengths are in pixels.",)
    assert np.unravel_index(np.argmax(image.voxels), image.shape) == MARK
    assert list_series(path)[0].shape == image.shape
    assert list_series(path)[0].spacing is None
    return image


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.bmp", mode) for mode in ("L", "RGB", "P")]
    + [(name, mode) for name in ("a.png", "a.tif", "a.TIFF") for mode in ("L", "RGB", "RGBA", "P", "LA")],
)
def test_eight_bits_in_any_dress(tmp_path, name, mode):
    Picture.fromarray(gray()).convert(mode).save(tmp_path / name, dpi=(72, 72))
    check(tmp_path / name, gray())


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path, mode):
    smooth = np.add.outer(np.arange(90), np.arange(110)).astype(np.uint8)
    Picture.fromarray(smooth).convert(mode).save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").voxels, smooth, atol=3)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("bits", [12, 16])
def test_sixteen_bits_are_kept(tmp_path, name, bits):
    Picture.fromarray(gray(bits)).save(tmp_path / name)
    image = check(tmp_path / name, gray(bits))
    assert image.voxels.dtype == (np.float32 if bits == 16 else np.int16)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bit_colours_that_are_grey(tmp_path, name):
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([gray(16)] * 3, -1), isVector=True), str(tmp_path / name))
    check(tmp_path / name, gray(16), atol=1)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_tiff_whose_white_is_zero(tmp_path, compression):
    import tifffile

    Picture.fromarray(gray()).save(tmp_path / "packed.tif", compression=compression)
    check(tmp_path / "packed.tif", gray())
    tifffile.imwrite(tmp_path / "white.tif", 65535 - gray(16), photometric="miniswhite")
    check(tmp_path / "white.tif", gray(16))
    tifffile.imwrite(tmp_path / "white8.tif", 255 - gray(), photometric="miniswhite")
    check(tmp_path / "white8.tif", gray())


def test_floating_point_tiff(tmp_path):
    Picture.fromarray(gray().astype(np.float32) / 7).save(tmp_path / "a.tif")
    check(tmp_path / "a.tif", gray() / 7, atol=1e-5)


def test_one_bit(tmp_path):
    for name in ("a.png", "a.tif", "a.bmp"):
        Picture.fromarray(gray() > 100).save(tmp_path / name)
        voxels = read_image(tmp_path / name).voxels
        np.testing.assert_array_equal(voxels > voxels.min(), gray() > 100)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 1), (3, 2), (8, 3)])
def test_the_cameras_orientation_mark_is_followed(tmp_path, orientation, turns):
    exif = Picture.Exif()
    exif[0x0112] = orientation
    upright = np.add.outer(2 * np.arange(90), np.arange(60)).astype(np.uint8)
    Picture.fromarray(np.rot90(upright, turns)).save(tmp_path / "a.jpg", quality=100, exif=exif)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").voxels, upright, atol=4)
    assert list_series(tmp_path / "a.jpg")[0].shape == (90, 60)


def test_the_resolution_of_print_is_no_pixel_size(tmp_path):
    Picture.fromarray(gray()).save(tmp_path / "a.png", dpi=(254, 254))
    check(tmp_path / "a.png", gray())


def test_png_and_dicom_of_one_picture_give_one_radiograph(tmp_path):
    image = radiograph(12, spacing=(0.2, 0.2))  # as square as the picture's, which does not say
    Picture.fromarray(gray(12)).save(tmp_path / "a.png")
    files = [write_projection(image, tmp_path / f"{air}.dcm", bright_air=air) for air in (False, True)]
    radiographs = [make_radiograph_input(read_image(file)).pixels for file in (tmp_path / "a.png", *files)]
    np.testing.assert_array_equal(radiographs[0], radiographs[1])
    np.testing.assert_array_equal(radiographs[0], radiographs[2])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp"])
@pytest.mark.parametrize("keep", [0, 3, 60, 3000])
def test_damaged_pictures_name_the_file(tmp_path, name, keep):
    Picture.fromarray(gray()).save(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
    with pytest.raises(ImageError, match=name):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp"])
def test_something_else_under_a_pictures_name(tmp_path, name):
    (tmp_path / name).write_text("no picture " * 500)
    with pytest.raises(ImageError, match=name):
        read_image(tmp_path / name)
