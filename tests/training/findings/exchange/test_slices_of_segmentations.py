"""Segmentations on thicker slices than the image's, on some of its slices only, and on uneven ones."""

import highdicom as hd
import numpy as np
import pydicom
import pytest

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Mask, Sphere
from napari_lungmtl.training.findings.formats.dicom.writing.seg import write_seg
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import PATIENT, opened, series
from tests.stand_ins.linear_series import ORIGIN, SPACING, ct_slice, write

AREA = 3 * 4 * SPACING[0] * SPACING[1]


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Slices 2.5 mm apart."""
    return opened(series(tmp_path_factory.mktemp("ct")))


def segmentation(source, path, heights, thickness, distance=None):
    """A SEG of 3 × 4 pixels on frames at some heights, which says how thick they are."""
    frames = np.zeros((len(heights), 10, 12), np.uint8)
    frames[:, 2:5, 3:7] = 1
    hd.seg.Segmentation(
        source_images=list(source.datasets),
        pixel_array=frames,
        segmentation_type="BINARY",
        segment_descriptions=[
            hd.seg.SegmentDescription(
                1,
                "tumour",
                hd.sr.CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure"),
                hd.sr.CodedConcept("27925004", "SCT", "Nodule"),
                "MANUAL",
            )
        ],
        plane_positions=[hd.PlanePositionSequence("PATIENT", (*ORIGIN, z)) for z in heights],
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", (1, 0, 0, 0, 1, 0)),
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
    ).save_as(path)
    dataset = pydicom.dcmread(path)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    for name, value in (("SliceThickness", thickness), ("SpacingBetweenSlices", distance)):
        if name in measures:
            delattr(measures, name)
        if value is not None:
            setattr(measures, name, value)
    dataset.save_as(path)
    return path


def volume(mask: Mask) -> float:
    return float(mask.to_array().sum() * np.prod(mask.spacing))


@pytest.mark.parametrize(
    ("heights", "thickness", "distance", "each"),
    [
        ((32.5, 37.5, 42.5), 5.0, 5.0, 5.0),
        ((32.5, 37.5, 42.5), 5.0, None, 5.0),
        ((32.5, 37.5, 42.5), 4.0, None, 5.0),
        ((32.5, 37.5, 42.5), 4.0, 5.0, 5.0),
        ((31.0, 38.5, 46.0), 7.5, 7.5, 7.5),
        ((32.5, 42.5), 5.0, 5.0, 5.0),
        ((32.5,), 5.0, 5.0, 5.0),
        ((32.5, 37.5, 42.5), 2.5, 2.5, 2.5),
        ((32.5, 37.5, 42.5), 2.5, None, 2.5),
        ((32.5, 37.5, 42.5), 2.5, 5.0, 2.5),
        ((33.0, 38.0, 43.0), 2.5, 5.0, 5.0),
        ((32.5,), 2.5, 1.0, 2.5),
        ((32.5, 37.5, 42.5), 3.0, None, 2.5),
        ((32.5, 37.5, 42.5), 1.25, None, 2.5),
        ((32.5, 37.5, 42.5), 5.0, 2.5, 2.5),
        ((32.5, 35.0, 37.5), 5.0, None, 2.5),
        ((32.5,), 5.0, None, 2.5),
    ],
)
def test_a_segmentation_says_how_thick_its_slices_are(scan, tmp_path, heights, thickness, distance, each):
    """Thick slices fill the space, and some of the image's slices with others left out between stay thin."""
    image, source = scan
    path = segmentation(source, tmp_path / "seg.dcm", heights, thickness, distance)
    (found,), problems = import_findings(path, image)
    assert volume(found.geometry) == pytest.approx(len(heights) * each * AREA)
    assert found.center[0] == pytest.approx(np.mean(heights))
    assert not problems


def test_own_segmentations_say_how_far_apart_slices_lie(scan, tmp_path):
    """Also of marks on every second slice, which come back with the holes that they have."""
    image, source = scan
    inside = np.zeros(image.shape, bool)
    inside[1:6:2, 2:5, 3:7] = True
    mask = Mask.from_voxels(np.argwhere(inside), image.scale, image.origin)
    write_seg(Findings((Finding(mask, number=1),), ImageReference.of(image)), tmp_path / "seg.dcm", source)
    measures = (
        pydicom.dcmread(tmp_path / "seg.dcm").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    )
    assert measures.SpacingBetweenSlices == 2.5
    (back,), _ = import_findings(tmp_path / "seg.dcm", image)
    assert back.geometry == mask


def test_own_segmentations_of_uneven_slices_come_back(tmp_path):
    heights = 30.0 + np.cumsum([0, *[2.0] * 5, *[3.0] * 5])
    slices = [
        ct_slice(0, position=(*ORIGIN, z), InstanceNumber=k + 1, **PATIENT) for k, z in enumerate(heights)
    ]
    write(slices, tmp_path / "ct")
    image, source = opened(tmp_path / "ct")
    assert any("distance of the slices varies" in warning for warning in image.warnings)
    _, y, x = image.to_world(np.array(image.shape) / 2)
    inside = np.zeros(image.shape, bool)
    inside[2:9, 2:5, 3:7] = True
    block = Mask.from_voxels(np.argwhere(inside), image.scale, image.origin)
    items = (Finding(Sphere((42.0, y, x), 13.0), number=1), Finding(block, number=2))
    write_seg(Findings(items, ImageReference.of(image)), tmp_path / "seg.dcm", source)
    back, problems = import_findings(tmp_path / "seg.dcm", image)
    assert not problems
    assert back[0].diameter == pytest.approx(13.0, rel=0.03)
    assert np.abs(np.subtract(back[0].center, items[0].center)).max() < 1.25, "half a slice"
    assert back[1].geometry == block
