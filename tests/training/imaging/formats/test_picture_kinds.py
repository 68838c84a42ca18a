"""Every kind of PNG, JPEG, TIFF and BMP, upright, in its own depth; and damage that libraries pass over."""

import contextlib
import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from napari_lungmtl.training.imaging import ImageError, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_projection import write_projection
from napari_lungmtl.training.imaging.errors import CorruptFileError, TruncatedFileError, UnsupportedShapeError

from ....stand_ins.dicom_radiographs import radiograph
from ....stand_ins.linear_fields import check as check_field
from ....stand_ins.linear_fields import field, nifti_bytes, stored, write_mhd, write_nrrd

RAMP = np.add.outer(np.arange(40) * 3, np.arange(50) * 2).astype(np.uint8)
TURNS = dict(zip(range(2, 9), [0, 3, 1, 5, 4, 6, 2]))  # Pillow's own transpositions undo each mark


def upright(orientation):
    return RAMP if orientation == 1 else np.asarray(Picture.fromarray(RAMP).transpose(TURNS[orientation]))


def check(path, values, atol=0.0, said=""):
    image = read_image(path)
    np.testing.assert_allclose(image.voxels, values, atol=atol)
    assert list_series(path)[0].shape == image.shape
    more = [sentence for sentence in image.warnings if "pixel size" not in sentence]
    assert said in " ".join(more) if said else not more


@pytest.mark.parametrize("packing", [None, "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_whichever_way_up(tmp_path, orientation, packing):
    if packing is None:
        tifffile.imwrite(tmp_path / "a.tif", RAMP, extratags=[(274, "H", 1, orientation, False)])
    else:
        Picture.fromarray(RAMP).save(tmp_path / "a.tif", compression=packing, tiffinfo={274: orientation})
    check(tmp_path / "a.tif", upright(orientation))


@pytest.mark.parametrize(
    "layout", [{}, {"tile": (16, 16)}, {"compression": "zlib"}, {"bigtiff": True}, {"byteorder": ">"}]
)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_tiff_of_any_number_type(tmp_path, dtype, layout):
    values = RAMP / 255 if dtype[0] == "f" else RAMP // 2
    values = values.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", **layout)
    check(tmp_path / "a.tif", values.astype(np.float32))


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("packing", [None, "zlib"])
def test_sixteen_bit_colours_in_planes(tmp_path, planes, packing):
    colours = np.stack([RAMP.astype(np.uint16) * 257] * 3, -1 if planes == "contig" else 0)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb", planarconfig=planes, compression=packing)
    check(tmp_path / "a.tif", RAMP * 257.0)


def test_tiff_of_inks_lines_and_twelve_bits(tmp_path):
    Picture.fromarray(RAMP).convert("CMYK").save(tmp_path / "c.tif")
    check(tmp_path / "c.tif", RAMP)
    Picture.fromarray(RAMP > 100).save(tmp_path / "g4.tif", compression="group4")
    assert np.array_equal(read_image(tmp_path / "g4.tif").voxels > 0, RAMP > 100)
    values = RAMP.astype(int) * 16
    pairs = values.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], -1)
    packed = packed.astype(np.uint8).tobytes()
    tags = [
        (256, 50),
        (257, 40),
        (258, 12),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 40),
        (279, len(packed)),
    ]
    table = b"".join(struct.pack("<HHII", tag, 4 if value > 9999 else 3, 1, value) for tag, value in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(packed))
    (tmp_path / "t.tif").write_bytes(head + packed + struct.pack("<H", len(tags)) + table + bytes(4))
    check(tmp_path / "t.tif", values)


def test_pages_beyond_the_first_are_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([RAMP, RAMP * 0, RAMP * 0]), photometric="minisblack")
    check(tmp_path / "a.tif", RAMP, said="holds 3 pages: the first was opened")
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:  # with a small copy of the page
        file.write(RAMP, photometric="minisblack")
        file.write(RAMP[::4, ::4], photometric="minisblack", subfiletype=1)
    check(tmp_path / "b.tif", RAMP)


def test_tiff_whose_strips_are_not_there(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RAMP, photometric="minisblack")
    for tag, value in ((273, 10**6), (279, 10**6), (279, 100), (279, 0)):
        tifffile.imwrite(tmp_path / "a.tif", RAMP, photometric="minisblack")
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
            file.pages[0].tags[tag].overwrite(value)
        with pytest.raises(TruncatedFileError, match=r"a\.tif is cut off"):
            read_image(tmp_path / "a.tif")


# -- PNG --------------------------------------------------------------------------------------------------------


def png(values: np.ndarray, colour_type: int, bits: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2" if bits == 16 else "u1"))
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png_of_any_channels(tmp_path, bits, colour_type, channels):
    values = RAMP.astype(np.uint16) * (257 if bits == 16 else 1)
    stack = np.stack([values] * channels, -1)
    if channels in (2, 4):
        stack[..., -1] = 7  # nearly transparent, and no matter
    (tmp_path / "a.png").write_bytes(png(stack[..., 0] if channels == 1 else stack, colour_type, bits))
    check(tmp_path / "a.png", values, atol=1 if bits == 16 and channels > 2 else 0)


def test_png_with_a_palette_and_transparency(tmp_path):
    Picture.fromarray(RAMP).convert("P").save(tmp_path / "a.png", transparency=3)
    check(tmp_path / "a.png", RAMP)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_no_changed_byte_of_a_png_goes_unnoticed(data):
    content = bytearray(_packed("PNG"))
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[at:]
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ImageError):
        (Path(folder) / "a.png").write_bytes(content)
        assert np.array_equal(read_image(Path(folder) / "a.png").voxels, RAMP)


def test_a_changed_byte_is_called_damage(tmp_path):
    content = bytearray(_packed("PNG"))
    content[len(content) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(CorruptFileError, match="checksum of its IDAT chunk"):
        read_image(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(_packed("PNG") + b"more")
    check(tmp_path / "b.png", RAMP, said="4 bytes after its end")


# -- JPEG and BMP -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.5, 0.9, -2, -1])
def test_cut_jpeg(tmp_path, keep):
    content = _packed("JPEG")
    (tmp_path / "a.jpg").write_bytes(content[: int(len(content) * keep) if keep > 0 else keep])
    with pytest.raises(TruncatedFileError, match=r"a\.jpg is cut off"):
        read_image(tmp_path / "a.jpg")


def test_jpeg_that_libjpeg_warns_of(tmp_path):
    content = _packed("JPEG")
    begin = content.index(b"\xff\xda") + 14
    (tmp_path / "a.jpg").write_bytes(content[:begin] + content[begin + 40 :])
    with pytest.raises(ImageError, match=r"a\.jpg is (damaged|cut off)"):
        read_image(tmp_path / "a.jpg")


def test_jpeg_of_twelve_bits_is_named(tmp_path):
    content = bytearray(_packed("JPEG"))
    content[content.index(b"\xff\xc0") + 4] = 12
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UnsupportedShapeError, match="12-bit JPEG"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
@pytest.mark.parametrize("keep", [0.5, -1])
def test_cut_bmp(tmp_path, mode, keep):
    content = _packed("BMP", mode)
    (tmp_path / "a.bmp").write_bytes(content[: int(len(content) * keep) if keep > 0 else keep])
    with pytest.raises(TruncatedFileError, match=r"a\.bmp is cut off"):
        read_image(tmp_path / "a.bmp")


def _packed(kind: str, mode: str = "L") -> bytes:
    file = io.BytesIO()
    Picture.fromarray(RAMP).convert(mode).save(file, kind)
    return file.getvalue()


# -- what a file holds counts more than its name ----------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".nii", ".nii.gz", ".mha", ".nrrd", ".img"])
def test_dicom_under_another_name(tmp_path, suffix):
    image = radiograph(12)
    write_projection(image, tmp_path / "a.dcm").rename(tmp_path / f"a{suffix}")
    read = read_image(tmp_path / f"a{suffix}")
    assert read.shape == image.shape
    assert read.modality in ("CR", "DX")
    assert read_image(tmp_path).shape == image.shape


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mha", ".nii", ".nrrd", ".img", ".xyz", ""])
def test_other_formats_under_another_name(tmp_path, suffix):
    (tmp_path / f"p{suffix}").write_bytes(_packed("PNG"))
    np.testing.assert_array_equal(read_image(tmp_path / f"p{suffix}").voxels, RAMP)
    writers = (lambda p: p.write_bytes(b"".join(nifti_bytes(stored()))), lambda p: write_nrrd(p, stored()))
    for number, write in enumerate((*writers, lambda p: write_mhd(p, stored()))):
        write(tmp_path / f"{number}{suffix}")
        check_field(tmp_path / f"{number}{suffix}")
    assert field().shape == (8, 10, 12)
