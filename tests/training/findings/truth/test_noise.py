"""A segmentation of noise is refused before anything is made of its parts."""

import copy

import highdicom as hd
import numpy as np
import pytest

from napari_lungmtl.training.findings import Mask
from napari_lungmtl.training.findings.formats.dicom import seg, seg_frames
from napari_lungmtl.training.findings.formats.dicom.read import read_dicom_findings
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.imaging.dicom.write_series import identity_of, slice_dataset
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.others.container.card import ContainerSettings
from napari_lungmtl.training.inference.others.container.files import read_output

LESION = hd.sr.CodedConcept("86049000", "SCT", "Malignant neoplasm, primary (morphologic abnormality)")
SETTINGS = ContainerSettings("docker", "a", "0" * 64, "default", "*.dcm", frozenset({"86049000"}))


@pytest.fixture
def ct():
    return Image(np.full((12, 64, 64), -800, np.int16), "CT", (2.0, 1.0, 1.0), (-40.0, 3.0, 5.0))


def write(path, ct, *masks):
    """A BINARY SEG with a segment for each mask."""
    identity = identity_of(ct)
    slices = [slice_dataset(ct, index, identity=identity) for index in range(len(ct.voxels))]
    category = hd.sr.CodedConcept("49755003", "SCT", "Morphologically Altered Structure")
    who = hd.AlgorithmIdentificationSequence(
        "A", hd.sr.CodedConcept("123109", "DCM", "Artificial Intelligence"), "1"
    )
    segments = [
        hd.seg.SegmentDescription(n, f"Lesion {n}", category, LESION, "AUTOMATIC", who)
        for n in range(1, len(masks) + 1)
    ]
    made = {"series_number": 2, "instance_number": 1, "device_serial_number": "0"}
    words = {"manufacturer": "M", "manufacturer_model_name": "S", "software_versions": "1"}
    uids = {"series_instance_uid": hd.UID(), "sop_instance_uid": hd.UID()}
    pixels = np.stack(masks, -1).astype(np.uint8)
    made_seg = hd.seg.Segmentation(slices, pixels, "BINARY", segments, **uids, **made, **words)
    made_seg.save_as(path)
    return made_seg


def noise(shape):
    return np.random.default_rng(5).random(shape) < 0.06


def balls(shape, *places):
    z, y, x = np.indices(shape)
    return np.any([(z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2 <= 9 for a, b, c in places], 0)


def test_noise_of_a_container_is_counted_before_parts_are_made(ct, tmp_path, monkeypatch):
    path = tmp_path / "a.dcm"
    write(path, ct, balls(ct.shape, (4, 20, 20), (6, 40, 44)), balls(ct.shape, (5, 50, 9)))
    assert len(read_output(path, ct, SETTINGS).nodules) == 3
    write(path, ct, noise(ct.shape))
    made = []

    def from_array(mask, *rest, real=Mask.from_array):
        made.append(mask.shape)
        return real(mask, *rest)

    monkeypatch.setattr(Mask, "from_array", from_array)
    with pytest.raises(FindingsFileError, match=r"has \d{4} separate marks"):
        read_output(path, ct, SETTINGS)
    assert len(made) == 1, "the segment itself, and none of its parts"
    monkeypatch.setattr(seg_frames, "MOST_RUNS", 1500)
    for read in (load_truth, read_dicom_findings, lambda path, ct: read_output(path, ct, SETTINGS)):
        with pytest.raises(
            FindingsFileError, match=r"segment 1 \(Lesion 1\) is noise .* more than 1,500 pieces"
        ):
            read(path, ct)
    assert len(made) == 1, "of noise not even the segment's mask"


def test_too_many_segments_are_refused_before_a_pixel_is_unpacked(ct, tmp_path, monkeypatch):
    path = tmp_path / "a.dcm"
    one = write(path, ct, balls(ct.shape, (4, 20, 20)))
    many = []
    for number in range(1, seg.MOST_SEGMENTS + 2):
        many.append(copy.deepcopy(one.SegmentSequence[0]))
        many[-1].SegmentNumber = number
    one.SegmentSequence = many
    one.save_as(path)
    monkeypatch.setattr(hd.seg.Segmentation, "from_dataset", pytest.fail)
    for read in (load_truth, read_dicom_findings, lambda path, ct: read_output(path, ct, SETTINGS)):
        with pytest.raises(FindingsFileError, match="1,001 segments"):
            read(path, ct)
    one.SegmentSequence = many[:1]
    one.NumberOfFrames = 2**31 - 1
    one.save_as(path)
    with pytest.raises(FindingsFileError, match="pixels, more than"):
        read_output(path, ct, SETTINGS)
