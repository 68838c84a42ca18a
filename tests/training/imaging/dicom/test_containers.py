"""Containers that break the rules and are read all the same, by their bytes rather than by their labels."""

import zlib

import numpy as np
import pytest

from napari_lungmtl.training.imaging import ImageError, read_image
from napari_lungmtl.training.imaging.errors import (
    CorruptFileError,
    TruncatedFileError,
    UnsupportedTransferSyntaxError,
)

from ....stand_ins.dicom_containers import (
    BIG_ENDIAN,
    DEFLATED,
    END,
    EXPLICIT,
    IMPLICIT,
    body,
    element,
    item,
    part10,
    slices,
    split,
    volume,
    write_all,
)


def deflate(data: bytes, bits: int = -15) -> bytes:
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(data) + packer.flush()


def stray(tag: str, inside: bytes = b"", length: int | None = None):
    """Something of a sequence at top level, before the pixels."""

    def build(ds):
        front, pixels = split(ds)
        empty = element(0x00400275, "SQ", b"")
        head = {"item": b"\xfe\xff\x00\xe0", "item end": b"\xfe\xff\x0d\xe0", "end": b"\xfe\xff\xdd\xe0"}[tag]
        size = len(inside) if length is None else length
        odd = head + size.to_bytes(4, "little") + inside
        return part10(EXPLICIT, front + empty + odd + element(0x7FE00010, "OW", pixels))

    return build


def with_pixels(head: str, tail: bytes = b"", label: str = EXPLICIT, length: int | None = None):
    def build(ds):
        front, pixels = split(ds)
        return part10(label, front + element(0x7FE00010, head, pixels, length=length) + tail)

    return build


def fragmented(ds, label: str) -> bytes:
    front, pixels = split(ds)
    value = item(b"") + item(pixels[:500]) + item(pixels[500:]) + END
    return part10(label, front + element(0x7FE00010, "OB", value, length=0xFFFFFFFF))


INSIDE = element(0x0020000E, "UI", b"9.9.9.9.") + element(0x00280010, "US", b"\x07\0")
CONTAINERS = {
    "explicit": lambda ds: part10(EXPLICIT, body(ds)),
    "implicit": lambda ds: part10(IMPLICIT, body(ds, implicit=True)),
    "big endian": lambda ds: part10(BIG_ENDIAN, body(ds, little=False)),
    "deflated": lambda ds: part10(DEFLATED, deflate(body(ds))),
    "deflated with zlib's header": lambda ds: part10(DEFLATED, deflate(body(ds), 15)),
    "labelled explicit, implicit": lambda ds: part10(EXPLICIT, body(ds, implicit=True)),
    "labelled implicit, explicit": lambda ds: part10(IMPLICIT, body(ds)),
    "labelled explicit, big endian": lambda ds: part10(EXPLICIT, body(ds, little=False)),
    "labelled big endian, explicit": lambda ds: part10(BIG_ENDIAN, body(ds)),
    "labelled big endian, implicit": lambda ds: part10(BIG_ENDIAN, body(ds, implicit=True)),
    "labelled deflated, explicit": lambda ds: part10(DEFLATED, body(ds)),
    "labelled JPEG 2000, explicit": lambda ds: part10("1.2.840.10008.1.2.4.90", body(ds)),
    "labelled RLE, explicit": lambda ds: part10("1.2.840.10008.1.2.5", body(ds)),
    "labelled JPEG, implicit": lambda ds: part10("1.2.840.10008.1.2.4.50", body(ds, implicit=True)),
    "no meta, explicit": lambda ds: part10(None, body(ds)),
    "no meta, implicit": lambda ds: part10(None, body(ds, implicit=True)),
    "no meta, big endian": lambda ds: part10(None, body(ds, little=False)),
    "empty transfer syntax": lambda ds: part10("", body(ds, implicit=True)),
    "no preamble": lambda ds: part10(EXPLICIT, body(ds))[132:],
    "no preamble, no meta": lambda ds: body(ds),
    "no preamble, no meta, implicit": lambda ds: body(ds, implicit=True),
    "no preamble, no meta, big endian": lambda ds: body(ds, little=False),
    "preamble without the magic word": lambda ds: bytes(128) + part10(EXPLICIT, body(ds))[132:],
    "magic word overwritten": lambda ds: bytes(132) + part10(EXPLICIT, body(ds))[132:],
    "magic word first": lambda ds: part10(EXPLICIT, body(ds))[128:],
    "junk in front": lambda ds: b"HTTP/1.1 200 OK\r\n\r\n" + part10(EXPLICIT, body(ds)),
    "junk behind": lambda ds: part10(EXPLICIT, body(ds)) + b"\x99" * 333,
    "zeros behind": lambda ds: part10(EXPLICIT, body(ds)) + bytes(4096),
    "trailing padding": with_pixels("OW", element(0xFFFCFFFC, "OB", bytes(600))),
    "signature behind": with_pixels("OW", element(0xFFFAFFFA, "SQ", b"")),
    "private group before the pixels": lambda ds: (
        part10(EXPLICIT, split(ds)[0] + element(0x7FE11010, "OB", bytes(20)) + element(0x7FE00010, "OW", ds.PixelData))
    ),
    "wrong group length": lambda ds: part10(None, element(0x00020000, "UL", b"\xff\xff\0\0") + part10(EXPLICIT, body(ds))[132:]),
    "pixels of undefined length": with_pixels("OW", length=0xFFFFFFFF),
    "pixels longer than the file": with_pixels("OW", length=0x7FFFFFFE),
    "pixels in UN": with_pixels("UN"),
    "plain pixels in fragments": lambda ds: fragmented(ds, "1.2.840.10008.1.2.1.98"),
    "plain pixels in fragments, labelled explicit": lambda ds: fragmented(ds, EXPLICIT),
    "stray empty item": stray("item"),
    "stray item": stray("item", INSIDE),
    "stray item of undefined length": stray("item", INSIDE + b"\xfe\xff\x0d\xe0\0\0\0\0", 0xFFFFFFFF),
    "stray end of an item": stray("item end"),
    "stray end of a sequence": stray("end"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_odd_containers_are_read(tmp_path, name):
    image = volume()
    folder = write_all(tmp_path / "in", [CONTAINERS[name](ds) for ds in slices(image)])
    read = read_image(folder)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.spacing == pytest.approx(image.spacing)
    assert read.origin == pytest.approx(image.origin)
    np.testing.assert_array_equal(read_image(folder / "1.dcm").voxels, image.voxels)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("intercept", ["-1000", "-1000,0"])
def test_rescale_behind_the_pixels(tmp_path, compress, intercept):
    image = volume()
    files = []
    for ds in slices(image):
        if compress:
            from pydicom.uid import RLELossless

            ds.compress(RLELossless, generate_instance_uid=False)
        late = element(0x00281052, "DS", intercept.encode() + b" " * (len(intercept) % 2))
        del ds.RescaleIntercept
        files.append(part10(ds.file_meta.TransferSyntaxUID, body(ds) + late))
    read = read_image(write_all(tmp_path, files))
    np.testing.assert_array_equal(read.voxels, np.maximum(image.voxels + 24, -1024))


CODECS = {"JPEG2000Lossless": "1.2.840.10008.1.2.4.90", "RLELossless": "1.2.840.10008.1.2.5"}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "label", [EXPLICIT, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"]
)
@pytest.mark.parametrize("defined", [False, True])
def test_the_codec_is_told_by_the_bitstream(tmp_path, codec, label, defined):
    import pydicom.uid
    from pydicom.encaps import get_frame

    image = volume()
    files = []
    for ds in slices(image):
        ds.compress(getattr(pydicom.uid, codec), generate_instance_uid=False)
        stream = get_frame(ds.PixelData, 0, number_of_frames=1)
        value = item(b"\0\0\0\0") + item(stream)
        front, _ = split(ds)
        length = len(value) if defined else 0xFFFFFFFF
        files.append(
            part10(
                label,
                front
                + element(0x7FE00010, "OB", value, length=length)
                + b"" * defined
                + (b"" if defined else END),
            )
        )
    np.testing.assert_array_equal(read_image(write_all(tmp_path, files)).voxels, image.voxels)


def test_compressed_by_nobody_knows_what(tmp_path):
    front, _ = split(slices(volume())[0])
    value = item(b"") + item(b"\x12\x34\x56\x78" * 50) + END
    (tmp_path / "a.dcm").write_bytes(
        part10(EXPLICIT, front + element(0x7FE00010, "OB", value, length=0xFFFFFFFF))
    )
    with pytest.raises(
        CorruptFileError, match=r"a\.dcm: .*compressed although the header says that they are not"
    ):
        read_image(tmp_path / "a.dcm")


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.3.46.670589.33.1.4.1"])
def test_private_transfer_syntaxes_are_named(tmp_path, syntax):
    (tmp_path / "a.dcm").write_bytes(part10(syntax, body(slices(volume())[0], implicit=True)))
    with pytest.raises(
        UnsupportedTransferSyntaxError, match=rf"a\.dcm is in the private transfer syntax {syntax}"
    ):
        read_image(tmp_path / "a.dcm")


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_deflated_files(tmp_path, damage):
    data = bytearray(part10(DEFLATED, deflate(body(slices(volume())[0]))))
    if damage == "cut":
        del data[-200:]
    else:
        data[1200] ^= 0x55
        data[1600] ^= 0xFF
    (tmp_path / "a.dcm").write_bytes(data)
    with pytest.raises(TruncatedFileError if damage == "cut" else ImageError, match=r"a\.dcm"):
        read_image(tmp_path / "a.dcm")


def test_plain_pixels_that_are_too_long_are_said(tmp_path):
    image = volume()
    files = []
    for ds in slices(image):
        ds.PixelData = ds.PixelData + bytes(500)
        files.append(part10(EXPLICIT, body(ds)))
    read = read_image(write_all(tmp_path, files))
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert "0.dcm and 2 more: the pixels are 500 bytes longer than 1 frame(s) of 34 × 36" in read.warnings[0]


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, DEFLATED])
@pytest.mark.parametrize(
    ("allocated", "stored", "high"), [(8, 8, 7), (16, 12, 15), (16, 12, 11), (32, 32, 31), (32, 20, 19)]
)
@pytest.mark.parametrize("signed", [0, 1])
def test_words_of_any_size_and_order(tmp_path, syntax, allocated, stored, high, signed):
    low = -(2 ** (min(stored, 14) - 1)) if signed else 0
    values = np.random.default_rng(0).integers(low, low + 2 ** min(stored, 14), (3, 34, 36))
    words = (values & (2**stored - 1)) << (high + 1 - stored)
    order = ">" if syntax == BIG_ENDIAN else "<"
    files = []
    for k, ds in enumerate(slices(volume())):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, stored, high, signed
        ds.RescaleIntercept = "0"
        data = words[k].astype(f"{order}u{allocated // 8}").tobytes()
        if allocated == 8 and order == ">":  # bytes in words are swapped
            data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
        del ds.PixelData
        front = body(ds, little=order == "<")
        pixels = element(0x7FE00010, "OW", data)
        if order == ">":
            pixels = b"\x7f\xe0\x00\x10OW\0\0" + len(data).to_bytes(4, "big") + data
        whole = front + pixels
        files.append(part10(syntax, deflate(whole) if syntax == DEFLATED else whole))
    read = read_image(write_all(tmp_path, files))
    np.testing.assert_array_equal(read.voxels, np.maximum(values, -1024))
