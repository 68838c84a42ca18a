"""Values of CT that are no plain rescale: padding, modality tables, floats, bits."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_lungmtl.training.imaging import read_image

from ....stand_ins.dicom_containers import EXPLICIT, body, element, part10, slices, split, volume, write_all
from ....stand_ins.dicom_radiographs import table
from ....stand_ins.linear_series import shift_of, stack, write

SHAPE = (4, 40, 44)


def series(tmp_path, stored: np.ndarray, tags: bytes = b"", compress=False, **changed):
    """A series of given stored words."""
    files = []
    for k, ds in enumerate(slices(volume(SHAPE))):
        for name, value in changed.items():
            if value is None:
                del ds[name]
            else:
                setattr(ds, name, value)
        ds.PixelData = stored[k].tobytes()
        if compress:
            from pydicom.uid import RLELossless

            ds.compress(RLELossless, generate_instance_uid=False)
        files.append(part10(ds.file_meta.TransferSyntaxUID, tags + body(ds) if not tags else body(ds) + tags))
    return read_image(write_all(tmp_path, files))


def framed(
    value: int, dtype: str = "<u2", tissue: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored values with a rim of padding, the Hounsfield units that they are, and where the rim is."""
    hounsfield = np.maximum(volume(SHAPE).voxels.astype(int), -1000)
    stored = hounsfield + 1024
    rim = np.ones(SHAPE, bool)
    rim[:, 3:-3, 5:-5] = False
    if tissue is not None:
        stored[:, 20, 20] = tissue
        hounsfield[:, 20, 20] = tissue - 1024
    stored[rim], hounsfield[rim] = value, -1024
    return stored.astype(dtype), hounsfield, rim


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("value", "signed", "vr"),
    [
        (63536, 0, "US"),
        (63536, 0, "SS"),
        (65535, 0, "US"),
        (32767, 1, "SS"),
        (-2000, 1, "SS"),
        (-2000, 1, "US"),
        (0, 0, "US"),
    ],
)
def test_padding_of_any_sign_is_air(tmp_path, value, signed, vr, compress):
    stored, hounsfield, _ = framed(value, "<i2" if signed else "<u2")
    word = (value % 65536).to_bytes(2, "little")
    read = series(tmp_path, stored, element(0x00280120, vr, word), compress, PixelRepresentation=signed)
    np.testing.assert_array_equal(read.voxels, hounsfield)
    assert read.voxels.dtype == np.int16
    assert read.warnings == ()


def test_padding_is_a_range(tmp_path):
    stored, hounsfield, rim = framed(0)
    stored[rim] = np.random.default_rng(0).integers(60000, 60100, rim.sum())
    tags = element(0x00280120, "US", (60099).to_bytes(2, "little")) + element(
        0x00280121, "US", (60000).to_bytes(2, "little")
    )
    np.testing.assert_array_equal(series(tmp_path, stored, tags, PixelRepresentation=0).voxels, hounsfield)


def test_padding_with_a_value_of_tissue_is_padding_at_the_edge_only(tmp_path):
    """Some writers name 0 where 0 HU is water."""
    stored, hounsfield, _ = framed(1064, tissue=1064)
    read = series(
        tmp_path, stored, element(0x00280120, "US", (1064).to_bytes(2, "little")), PixelRepresentation=0
    )
    np.testing.assert_array_equal(read.voxels, hounsfield)
    assert read.voxels[1, 20, 20] == 40


def test_padding_outside_the_stored_bits(tmp_path):
    """63536 is written over all 16 bits of pixels of 12."""
    stored, hounsfield, _ = framed(63536)
    word = (63536).to_bytes(2, "little")
    read = series(
        tmp_path, stored, element(0x00280120, "US", word), PixelRepresentation=0, BitsStored=12, HighBit=11
    )
    np.testing.assert_array_equal(read.voxels, hounsfield)


@pytest.mark.parametrize("compress", [False, True])
def test_padding_with_a_fraction_in_the_slope(tmp_path, compress):
    stored, _, rim = framed(60000)
    read = series(
        tmp_path,
        stored,
        element(0x00280120, "US", (60000).to_bytes(2, "little")),
        compress,
        PixelRepresentation=0,
        RescaleSlope="0.5",
    )
    expected = np.where(rim, -1024, np.maximum(stored * 0.5 - 1024, -1024))
    np.testing.assert_array_equal(read.voxels, expected)


@pytest.mark.parametrize("first", [0, -2048])
def test_a_modality_table_instead_of_a_rescale(tmp_path, first):
    signed = int(first < 0)
    inputs = np.random.default_rng(0).integers(0, 4096, SHAPE)
    entries = np.arange(4096) // 2
    read = series(
        tmp_path,
        ((inputs + first) & 0xFFF).astype("<u2"),
        PixelRepresentation=signed,
        BitsStored=12,
        HighBit=11,
        RescaleSlope=None,
        RescaleIntercept=None,
        ModalityLUTSequence=[table(entries, first, 16)],
    )
    np.testing.assert_array_equal(read.voxels, entries[inputs])
    assert read.warnings == ()


def test_an_empty_modality_table_is_said(tmp_path):
    image = volume(SHAPE)
    stored = (image.voxels + 1024).astype("<i2")
    read = series(tmp_path, stored, ModalityLUTSequence=[Dataset()])
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert "0.dcm and 3 more: its ModalityLUTSequence is empty and was ignored." in read.warnings


def test_a_table_beside_a_rescale_is_said(tmp_path):
    stored = np.random.default_rng(0).integers(0, 4096, SHAPE).astype("<u2")
    read = series(
        tmp_path, stored, PixelRepresentation=0, ModalityLUTSequence=[table(np.arange(4096), 0, 12)]
    )
    np.testing.assert_array_equal(read.voxels, stored)
    assert "the LUT was taken" in read.warnings[0]


def test_values_that_no_ct_has_are_said(tmp_path):
    """Signed values, called unsigned."""
    image = volume(SHAPE)
    stored = (image.voxels.astype("<i2")).view("<u2")
    read = series(tmp_path, stored, PixelRepresentation=0, RescaleIntercept="0")
    assert [w for w in read.warnings if "which no CT has" in w]


@pytest.mark.parametrize(("tag", "vr", "dtype"), [(0x7FE00008, "OF", "<f4"), (0x7FE00009, "OD", "<f8")])
def test_floats_and_what_is_no_number_among_them(tmp_path, tag, vr, dtype):
    image = volume(SHAPE)
    values = image.voxels.astype(dtype)
    values[1, 5, 6], values[2, 7, 8], values[3, 9, 10] = np.nan, np.inf, -np.inf
    files = []
    for k, ds in enumerate(slices(image)):
        del ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.RescaleSlope, ds.RescaleIntercept
        ds.BitsAllocated = 32 if vr == "OF" else 64
        front, _ = split(ds)
        files.append(part10(EXPLICIT, front + element(tag, vr, values[k].tobytes())))
    read = read_image(write_all(tmp_path, files))
    strange = ~np.isfinite(values)
    np.testing.assert_array_equal(read.voxels[strange], -1024)
    np.testing.assert_array_equal(read.voxels[~strange], image.voxels[~strange])
    assert [w for w in read.warnings if w.startswith("3 voxel(s) are no finite numbers")]


@pytest.mark.parametrize("slope", ["1e38", "1e300"])
def test_a_slope_that_overflows(tmp_path, slope):
    image = volume(SHAPE)
    read = series(tmp_path, (image.voxels + 1024).astype("<i2"), RescaleSlope=slope)
    assert np.isfinite(read.voxels).all()
    assert [w for w in read.warnings if "no finite numbers" in w or "no CT has" in w]


def test_colours_are_no_hounsfield_units(tmp_path):
    stored = np.zeros((*SHAPE, 3), np.uint8)
    read = series(
        tmp_path,
        stored,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    assert [w for w in read.warnings if "its pixels are colours (RGB)" in w]


@pytest.mark.parametrize("truly_high", [False, True])
def test_a_high_bit_is_believed_where_the_values_allow_it(tmp_path, truly_high):
    slices = stack(5, BitsStored=12, HighBit=15)
    for ds in slices if truly_high else ():
        words = np.frombuffer(ds.PixelData, "<u2")
        ds.PixelData = (words << 4 | 5).astype("<u2").tobytes()  # an overlay in the low bits
    write(slices, tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 5
    said = (
        ()
        if truly_high
        else ("0000.dcm: HighBit is 15, and its values lie in the lowest 12 bits; these were read.",)
    )
    assert image.warnings == said


@pytest.mark.parametrize(
    ("tag", "text", "said"),
    [
        ("RescaleSlope", b"-1", "RescaleSlope is -1: air would be brighter than bone"),
        (
            "RescaleIntercept",
            b"-1,024",
            "the comma of RescaleIntercept '-1,024' was read as a decimal point: -1.024",
        ),
    ],
)
def test_a_rescale_that_cannot_be_meant_is_said(tmp_path, tag, text, said):
    old = {"RescaleSlope": b"S\x02\x001 ", "RescaleIntercept": b"S\x06\x00-1024 "}[tag]
    for file in write(stack(3), tmp_path):
        data = file.read_bytes()
        start = data.index(
            b"\x28\x00" + {"RescaleSlope": b"\x53\x10D", "RescaleIntercept": b"\x52\x10D"}[tag]
        )
        assert data[start + 5 : start + 5 + len(old)] == old
        file.write_bytes(
            data[: start + 6] + len(text).to_bytes(2, "little") + text + data[start + 5 + len(old) :]
        )
    assert said in " ".join(read_image(tmp_path).warnings)


@pytest.mark.parametrize("vr", [b"??", b"\0\0", b"  ", b"ds"])
def test_a_vr_that_is_none_does_not_hide_the_picture(tmp_path, vr):
    for file in write(stack(4), tmp_path):
        data = file.read_bytes()
        assert data.count(b"\x28\x00\x52\x10DS") == 1
        file.write_bytes(data.replace(b"\x28\x00\x52\x10DS", b"\x28\x00\x52\x10" + vr))
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 4


def test_a_length_beyond_the_file_with_all_pixels_in_it(tmp_path):
    for file in write(stack(3), tmp_path):
        data = file.read_bytes()
        start = data.index(b"\xe0\x7f\x10\x00OW") + 8
        file.write_bytes(data[:start] + b"\xfe\xff\xff\xff" + data[start + 4 :])
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 3
    assert (
        "announce 4294967294 bytes where the file has 240; the 240 that they need were read"
        in image.warnings[0]
    )
