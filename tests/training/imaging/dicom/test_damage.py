"""Damage of compressed pixels is noticed before anything is drawn, for every codec; and whole files stay whole."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from napari_lungmtl.training.imaging import Image, ImageError, read_image
from napari_lungmtl.training.imaging.dicom.header import read_header
from napari_lungmtl.training.imaging.dicom.pixels import stored_values
from napari_lungmtl.training.imaging.dicom.slices import slices_of
from napari_lungmtl.training.imaging.dicom.write_projection import projection_dataset
from napari_lungmtl.training.imaging.errors import CorruptFileError, TruncatedFileError

from ....stand_ins.dicom_containers import (
    END,
    EXPLICIT,
    body,
    element,
    item,
    part10,
    slices,
    split,
    volume,
    write_all,
)

COMPRESSED = [
    "MR_small_RLE",
    "MR_small_jp2klossless",
    "MR_small_jpeg_ls_lossless",
    "JPGExtended",
    "SC_rgb_jpeg_gdcm",
    "SC_rgb_jpeg_dcmtk",
    "SC_rgb_small_odd_jpeg",
    "JPEGLSNearLossless_08",
    "JPEG2000",
    "image_dfl",
    "MR_small",
    "MR_small_bigendian",
]


def bundled(name: str) -> Path:
    """A file of pydicom's wheel."""
    path = get_testdata_file(f"{name}.dcm", download=False)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    return Path(str(path))


def stored(path: Path, frame: int = 0) -> np.ndarray:
    header = read_header(path)
    assert header is not None
    return stored_values(slices_of(header)[frame], colors=True)


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_file_cut_anywhere_is_refused_or_whole(name):
    path = bundled(name)
    data, whole, header = path.read_bytes(), stored(path), read_header(path)
    start = header.pixel_offset if header.deflated_at is None else header.deflated_at

    @settings(max_examples=15, deadline=None)
    @given(st.integers(start, len(data)))
    def check(keep):
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder) / "cut.dcm"
            cut.write_bytes(data[:keep])
            try:
                values = stored(cut)
            except ImageError:
                return
            np.testing.assert_array_equal(values, whole)  # what was lost was padding

    check()


def jpeg_radiograph(quality: int = 90):
    """A smooth 8-bit radiograph in JPEG baseline, with its bitstream."""
    import io

    from PIL import Image as Picture
    from scipy.ndimage import gaussian_filter

    gray = gaussian_filter(np.random.default_rng(0).random((160, 192)), 3)
    gray = np.rint(255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)
    stream = io.BytesIO()
    Picture.fromarray(gray).save(stream, "JPEG", quality=quality)
    ds = projection_dataset(Image(gray.astype(np.int32), modality="DX", spacing=(0.2, 0.2)), bits=8)
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return ds, stream.getvalue(), gray


def save_stream(ds, stream: bytes, path: Path) -> Path:
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].VR = "OB"
    ds.save_as(path, enforce_file_format=True)
    return path


def test_jpeg_codes_that_do_not_add_up(tmp_path):
    """Pillow alone shows nearly all of these without a word."""
    ds, stream, gray = jpeg_radiograph()
    assert np.abs(read_image(save_stream(ds, stream, tmp_path / "a.dcm")).voxels - gray).max() < 20
    rng, refused = np.random.default_rng(1), 0
    for _ in range(40):
        damaged = bytearray(stream)
        for place in rng.integers(700, len(stream) - 2, 20):
            damaged[place] ^= 1 << rng.integers(0, 8)
        try:
            read_image(save_stream(ds, bytes(damaged), tmp_path / "a.dcm"))
        except CorruptFileError:
            refused += 1
    assert refused > 30


def test_jpeg_cut_in_half_within_a_whole_container(tmp_path):
    ds, stream, _ = jpeg_radiograph()
    with pytest.raises(CorruptFileError, match="without its end marker"):
        read_image(save_stream(ds, stream[: len(stream) // 2], tmp_path / "a.dcm"))
    for tail in (b"\0", b"\0\0\0", b"\xff" * 7):
        read_image(save_stream(ds, stream + tail, tmp_path / "a.dcm"))


@pytest.mark.parametrize("name", ["JPGExtended", "SC_rgb_jpeg_gdcm"])
def test_complaints_of_the_decoder_are_overheard(tmp_path, capfd, name):
    """GDCM prints them, and draws on."""
    ds = dcmread(bundled(name))
    stream = get_frame(ds.PixelData, 0, number_of_frames=1)
    middle = len(stream) // 2 if name == "JPGExtended" else 800
    damaged = stream[:middle] + b"\x55\xaa" * 20 + stream[middle + 40 :]
    save_stream(ds, damaged, tmp_path / "a.dcm")
    with pytest.raises(CorruptFileError, match=r"a\.dcm: the pixels cannot be decoded \(Corrupt JPEG data"):
        stored(tmp_path / "a.dcm")
    assert capfd.readouterr().err == ""


# -- run-length encoding ----------------------------------------------------------------------------------------


FIVE = (5, 34, 36)


def rle_files(folder: Path, change) -> Path:
    files = []
    for k, ds in enumerate(slices(volume(FIVE))):
        ds.compress(RLELossless, generate_instance_uid=False)
        stream = get_frame(ds.PixelData, 0, number_of_frames=1)
        front, _ = split(ds)
        stream = change(bytearray(stream)) if k == 1 else stream
        pixels = element(0x7FE00010, "OB", item(b"") + item(bytes(stream)) + END, length=0xFFFFFFFF)
        files.append(part10(RLELossless, front + pixels))
    return write_all(folder, files)


def overwritten(place: int, value: bytes):
    def change(stream: bytearray) -> bytearray:
        stream[place : place + len(value)] = value
        return stream

    return change


@pytest.mark.parametrize(
    "change",
    [
        overwritten(64, b"\x81" * 60),  # 60 runs of 128 values each
        overwritten(0, b"\x05"),  # segments
        overwritten(8, b"\xff\xff\xff\x7f"),  # where the second segment begins
        overwritten(4, b"\x00\x00\x00\x00"),
        lambda stream: stream[:100],
        lambda stream: stream[:30],
        lambda stream: bytearray(),
    ],
)
def test_a_damaged_rle_slice_is_left_out_with_a_word(tmp_path, change):
    image = volume(FIVE)
    read = read_image(rle_files(tmp_path, change))
    np.testing.assert_array_equal(read.voxels[[0, 2, 3, 4]], image.voxels[[0, 2, 3, 4]])
    assert any(w.startswith("A slice was left out") and "1.dcm" in w for w in read.warnings)


def test_a_panic_of_a_decoder_is_an_image_error(tmp_path, monkeypatch):
    """Exceptions of Rust are no `Exception`s: nothing that catches those catches them."""
    from pydicom.pixels.decoders.base import Decoder

    class PanicException(BaseException):
        pass

    def panic(*args, **kwargs):
        raise PanicException("index out of bounds")

    ds = slices(volume())[0]
    ds.compress(RLELossless)
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    monkeypatch.setattr(Decoder, "as_array", panic)
    with pytest.raises(CorruptFileError, match=r"a\.dcm: .*index out of bounds"):
        read_image(tmp_path / "a.dcm")


# -- fragments of several frames --------------------------------------------------------------------------------


def multi_frame(
    path: Path, parts: list[bytes], table: list[int] | None, frames: int = 3, tail: bytes = END
) -> Path:
    """A multi-frame file of given fragments."""
    ds = slices(volume())[0]
    del ds.ImagePositionPatient
    ds.NumberOfFrames = frames
    from pydicom.dataset import Dataset

    groups = []
    for k in range(frames):
        group, place = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 2 * k]
        group.PlanePositionSequence = [place]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    front, _ = split(ds)
    offsets = b"".join(t.to_bytes(4, "little") for t in table or [])
    value = item(offsets) + b"".join(item(part) for part in parts) + tail
    path.write_bytes(part10(JPEG2000Lossless, front + element(0x7FE00010, "OB", value, length=0xFFFFFFFF)))
    return path


@pytest.fixture(scope="module")
def streams() -> list[bytes]:
    found = []
    for ds in slices(volume()):
        ds.compress(JPEG2000Lossless)
        found.append(get_frame(ds.PixelData, 0, number_of_frames=1))
    return found


def halves(streams: list[bytes]) -> list[bytes]:
    return [part for s in streams for part in (s[:200], s[200:])]


def places(parts: list[bytes], step: int) -> list[int]:
    starts = np.cumsum([0, *[len(p) + 8 for p in parts]])[:-1]
    return [int(s) for s in starts[::step]]


def test_frames_are_told_apart(tmp_path, streams):
    parts = halves(streams)
    ways = {
        "no table": (streams, None),
        "table": (streams, places(streams, 1)),
        "wrong table": (streams, [0, 7, 9]),
        "table of another length": (streams, [0, 100]),
        "fragmented, table": (parts, places(parts, 2)),
        "fragmented, no table": (parts, None),
        "fragmented, wrong table": (parts, [0, 1, 2]),
    }
    for name, (fragments, table) in ways.items():
        path = multi_frame(tmp_path / "a.dcm", fragments, table)
        np.testing.assert_array_equal(read_image(path).voxels, volume().voxels, err_msg=name)


@pytest.mark.parametrize("table", [None, "right"])
def test_fewer_frames_than_announced(tmp_path, streams, table):
    path = multi_frame(tmp_path / "a.dcm", streams[:2], places(streams, 1) if table else None)
    with pytest.raises(CorruptFileError, match="3 frames are announced, and 2 fragments cannot be divided"):
        read_image(path)


@pytest.mark.parametrize("table", [None, "right"])
@pytest.mark.parametrize("fragmented", [False, True])
def test_a_file_cut_within_its_last_frame_is_refused(tmp_path, streams, table, fragmented):
    parts, step = (halves(streams), 2) if fragmented else (streams, 1)
    path = multi_frame(tmp_path / "a.dcm", parts, places(parts, step) if table else None)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(TruncatedFileError, match=r"cut off within its pixels \(2 of 3 frames are there\)"):
        read_image(path)


def test_without_the_end_of_the_sequence(tmp_path, streams):
    path = multi_frame(tmp_path / "a.dcm", streams, places(streams, 1), tail=b"")
    np.testing.assert_array_equal(read_image(path).voxels, volume().voxels)


# -- uncompressed -----------------------------------------------------------------------------------------------


def test_a_short_pixel_element(tmp_path):
    ds = slices(volume())[0]
    ds.PixelData = ds.PixelData[:-10]
    (tmp_path / "a.dcm").write_bytes(part10(EXPLICIT, body(ds)))
    with pytest.raises(
        TruncatedFileError, match=r"a\.dcm is cut off .*they need 2448 bytes and 2438 are there"
    ):
        read_image(tmp_path / "a.dcm")


def test_the_padding_byte_may_be_lacking(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (91, 111)).astype(np.int32)
    ds = projection_dataset(Image(values, modality="DX", spacing=(0.2, 0.2)), bits=8)
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[:-1])  # an odd number of pixels, and the even length announced
    np.testing.assert_array_equal(read_image(tmp_path / "a.dcm").voxels, values)


def test_failed_slices_hold_no_rubbish(tmp_path):
    from napari_lungmtl.training.imaging.dicom.pixels import read_hounsfield

    folder = rle_files(tmp_path, lambda stream: stream[:30])
    headers = [read_header(f) for f in sorted(folder.iterdir())]
    voxels, failures = read_hounsfield([s for h in headers if h for s in slices_of(h)], clip=True)
    assert [index for index, _ in failures] == [1]
    assert not voxels[1].any()
