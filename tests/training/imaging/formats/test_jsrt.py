"""JSRT's radiographs: dark air, 0.175 mm, and nothing else under their suffix."""

import numpy as np
import pytest

from napari_lungmtl.training.imaging import ImageError, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_projection import write_projection
from napari_lungmtl.training.imaging.errors import CorruptFileError, EmptyFileError, TruncatedFileError

from ....stand_ins.dicom_radiographs import radiograph


@pytest.fixture
def jsrt(tmp_path):
    """A radiograph with air (stored high) and one pixel of dense tissue (stored 0)."""
    stored = np.random.default_rng(0).integers(1, 4096, (2048, 2048)).astype(">u2")
    stored[300, 1500] = 0
    stored.tofile(tmp_path / "JPCLN001.IMG")
    return tmp_path / "JPCLN001.IMG", stored


def test_air_is_dark_and_a_mark_is_where_it_was(jsrt):
    path, stored = jsrt
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, 4095 - stored.astype(int))
    assert image.spacing == (0.175, 0.175)
    assert image.series_uid == "JPCLN001"
    mark = image.to_world(np.unravel_index(np.argmax(image.voxels), image.shape))
    np.testing.assert_allclose(mark, (300 * 0.175, 1500 * 0.175))
    assert list_series(path.parent)[0].shape == (2048, 2048)
    np.testing.assert_array_equal(read_image(path.parent).voxels, image.voxels)


@pytest.mark.parametrize(
    ("length", "error", "words"),
    [
        (0, EmptyFileError, "empty"),
        (8_000_000, TruncatedFileError, "8,388,608"),
        (9_000_000, CorruptFileError, "no radiograph"),
    ],
)
def test_another_length(tmp_path, length, error, words):
    (tmp_path / "JPCLN002.IMG").write_bytes(bytes(length))
    with pytest.raises(error, match=rf"JPCLN002\.IMG.*{words}"):
        read_image(tmp_path / "JPCLN002.IMG")


def test_the_other_byte_order(jsrt):
    path, stored = jsrt
    stored.astype("<u2").tofile(path)
    with pytest.raises(CorruptFileError, match="most significant byte first"):
        read_image(path)


def test_dicom_named_img_is_dicom(tmp_path):
    file = write_projection(radiograph(), tmp_path / "export.img")
    np.testing.assert_array_equal(read_image(file).voxels, radiograph().voxels)


def test_no_radiograph(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "JPCLN003.IMG")
