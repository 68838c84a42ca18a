"""PNG by hand: rows that are missing, palettes, sizes; and what JPEG and TIFF state oddly."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from napari_lungmtl.training.imaging import ImageError, list_series, read_image
from napari_lungmtl.training.imaging.errors import (
    CorruptFileError,
    NoImagesError,
    TruncatedFileError,
    UnsupportedShapeError,
)

GRAY = (np.add.outer(np.arange(40) * 3, np.arange(60) * 2) % 256).astype(np.uint8)
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def rows(values):
    return b"".join(b"\0" + row.tobytes() for row in values)


def write_png(path, pixels, bits=8, color=0, size=(60, 40), interlaced=0, before=()):
    header = struct.pack(">IIBBBBB", *size, bits, color, 0, 0, interlaced)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    return path


@pytest.mark.parametrize("bits", [8, 16])
def test_whole_pictures_interlaced_or_not(tmp_path, bits):
    values = GRAY.astype(">u2") * 200 if bits == 16 else GRAY
    values = values.astype(">u2") if bits == 16 else values
    plain = write_png(tmp_path / "a.png", rows(values), bits)
    passes = b"".join(rows(np.ascontiguousarray(values[y::dy, x::dx])) for y, x, dy, dx in _PASSES)
    woven = write_png(tmp_path / "b.png", passes, bits, interlaced=1)
    for path in (plain, woven):
        np.testing.assert_array_equal(read_image(path).voxels, values)
    for path, pixels, interlaced in ((plain, rows(values), 0), (woven, passes, 1)):
        write_png(path, pixels[:-1], bits, interlaced=interlaced)
        with pytest.raises(TruncatedFileError, match="is cut off: it holds"):
            read_image(path)


def test_rows_that_are_missing_are_not_black(tmp_path):
    with pytest.raises(TruncatedFileError, match="holds 1,220 of 2,440 bytes of pixels"):
        read_image(write_png(tmp_path / "a.png", rows(GRAY[:20])))


def test_png_that_is_no_picture(tmp_path):
    path = tmp_path / "a.png"
    for kwargs, kind, says in (
        ({"color": 3}, CorruptFileError, "its palette is missing"),
        ({"size": (0, 0)}, CorruptFileError, "states 0 × 0 pixels"),
        ({"size": (100_000, 100_000)}, UnsupportedShapeError, "more pixels than any radiograph"),
        ({"before": [(b"CgBI", b"\x50\0\x20\2")]}, UnsupportedShapeError, "as Xcode packs them"),
    ):
        write_png(path, rows(GRAY), **kwargs)
        with pytest.raises(kind, match=says):
            read_image(path)


def test_pixels_that_are_not_square_are_said(tmp_path):
    aspect = [(b"pHYs", struct.pack(">IIB", 2, 1, 0))]
    paths = [write_png(tmp_path / "a.png", rows(GRAY), before=aspect), tmp_path / "a.tif", tmp_path / "a.jpg"]
    tifffile.imwrite(paths[1], GRAY, resolution=(50, 100), resolutionunit="CENTIMETER")
    Picture.fromarray(GRAY).save(paths[2], dpi=(50, 100))
    for path in paths:
        assert "pixels that are not square" in " ".join(read_image(path).warnings)
    tifffile.imwrite(paths[1], GRAY, resolution=(50, 50), resolutionunit="CENTIMETER")
    assert len(read_image(paths[1]).warnings) == 1


def test_an_orientation_that_is_none_turns_nothing(tmp_path):
    exif = Picture.Exif()
    exif[0x112] = 9
    Picture.fromarray(GRAY).save(tmp_path / "a.jpg", exif=exif)
    assert list_series(tmp_path / "a.jpg")[0].shape == read_image(tmp_path / "a.jpg").shape == GRAY.shape


def test_jpeg_that_states_its_height_later(tmp_path):
    Picture.fromarray(GRAY).save(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 7] = b"\0\0"
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(UnsupportedShapeError, match="DNL"):
        read_image(tmp_path / "a.jpg")


def test_tiff_without_a_picture(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0" + bytes(6))
    assert list_series(tmp_path) == []
    with pytest.raises(ImageError, match="its table of pixels is not there"):
        read_image(tmp_path / "a.tif")


def test_a_folder_of_pictures_is_said_to_be_one(tmp_path):
    write_png(tmp_path / "a.png", rows(GRAY))
    with pytest.raises(
        NoImagesError, match=r"It holds 1 picture\(s\), such as a\.png: open such a file itself"
    ):
        read_image(tmp_path)
