"""Contours of structure sets as voxels, whatever the distance and the direction of their planes, and which regions are nodules."""

import numpy as np
import pydicom
import pytest

from napari_lungmtl.training.findings import Mask
from napari_lungmtl.training.findings.formats.dicom.roi_kinds import kind_of_roi
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging import Image
from tests.stand_ins.structure_set import circles, structure_set

CENTER, RADIUS = np.array([-100.3, 30.2, -40.1]), 10.0
"""Of a ball, off the slices."""


def ct(step: float, side: float = 0.8) -> Image:
    """A CT of 60 mm around the ball."""
    spacing = (step, side, side)
    shape = tuple(round(60 / s) + 1 for s in spacing)
    return Image(np.zeros(shape, np.int16), modality="CT", spacing=spacing, origin=(-130.0, 0.0, -70.0))


def volume(mask: Mask) -> float:
    return float(mask.to_array().sum() * np.prod(mask.spacing))


def voxels(mask: Mask, image: Image) -> np.ndarray:
    """A mask in the whole image."""
    whole = np.zeros(image.shape, bool)
    start = np.rint(image.to_index(mask.origin)).astype(int)
    whole[tuple((np.argwhere(mask.to_array()) + start).T)] = True
    return whole


def ball_in(image: Image) -> np.ndarray:
    places = image.to_world(np.moveaxis(np.indices(image.shape), 0, -1))
    return np.linalg.norm(places - CENTER, axis=-1) < RADIUS


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def square(z: float, side: float) -> np.ndarray:
    """A square around the image's middle, whose edges lie between pixels 1 mm wide."""
    low, high = -side / 2 + 0.5, side / 2 + 0.5
    corners = [(low, low), (low, high), (high, high), (high, low)]
    return np.array([(z, 30.0 + y, -40.0 + x) for y, x in corners])


@pytest.mark.parametrize(
    ("slices", "planes"),
    [(2.5, 1.0), (2.5, 1.25), (5.0, 1.0), (5.0, 1.25), (5.0, 3.0), (1.0, 5.0), (2.5, 5.0), (1.0, 1.25)],
)
def test_a_ball_keeps_its_size_on_finer_and_on_coarser_contours(tmp_path, slices, planes):
    heights = np.arange(-RADIUS + planes / 2, RADIUS, planes)
    rings = circles(CENTER, RADIUS, heights)
    (found,), problems = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), ct(slices))
    assert found.diameter == pytest.approx(20, abs=0.3)
    assert np.abs(np.subtract(found.center, CENTER)).max() < max(slices, planes) / 2
    assert not problems


def test_slices_between_coarse_contours_are_filled(tmp_path):
    image = ct(1.0, 1.0)
    rings = [square(-110.0 + 5 * k, 10.0) for k in range(4)]
    (found,), _ = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), image)
    assert volume(found.geometry) == 4 * 5 * 100
    assert found.geometry.shape == (20, 10, 10)


def test_contours_of_uneven_slices_meet_in_the_middle(tmp_path):
    image = ct(0.5, 1.0)
    heights = [-110.0, -108.0, -106.0, -103.0, -100.0]
    rings = [square(z, 10.0) for z in heights]
    (found,), problems = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), image)
    assert volume(found.geometry) == pytest.approx((10 + 1 + 1.5) * 100)
    assert not problems


def test_what_lies_far_apart_is_not_joined_and_told(tmp_path):
    rings = [square(-120.0 + z, 10.0) for z in (0.0, 1.0, 2.0, 12.0, 13.0, 14.0)]
    (found,), problems = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), ct(1.0, 1.0))
    assert volume(found.geometry) == 600
    assert "has contours that lie far apart: nothing was filled between them" in problems[0]


@pytest.mark.parametrize("z", [-100.0, -98.4, -97.5])
def test_a_single_contour_fills_the_nearest_slice(tmp_path, z):
    image = ct(5.0, 1.0)
    (found,), _ = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": [square(z, 10.0)]}), image)
    assert found.geometry.shape == (1, 10, 10)
    assert abs(found.center[0] - z) <= 2.5


def test_a_region_between_two_slices_takes_one(tmp_path):
    rings = [square(z, 10.0) for z in (-98.5, -97.9)]
    (found,), _ = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), ct(5.0, 1.0))
    assert found.geometry.shape == (1, 10, 10)


@pytest.mark.parametrize(
    "normal",
    [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (np.cos(0.35), np.sin(0.35), 0),
        (np.cos(0.52), 0, np.sin(0.52)),
        (1, 1, 1),
    ],
    ids=["axial", "coronal", "sagittal", "tilted", "oblique", "diagonal"],
)
@pytest.mark.parametrize("hole", [False, True])
def test_contours_are_filled_in_their_own_planes(tmp_path, normal, hole):
    image = ct(1.0)
    heights = np.arange(-RADIUS + 1.25, RADIUS, 2.5)
    rings = circles(CENTER, RADIUS, heights, normal)
    if hole:
        rings += circles(CENTER, RADIUS / 2, heights[2:-2], normal)
    (found,), problems = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), image)
    disks = [RADIUS**2 - h**2 for h in heights]
    if hole:
        disks += [h**2 - RADIUS**2 / 4 for h in heights[2:-2] if abs(h) < RADIUS / 2]
    assert volume(found.geometry) == pytest.approx(2.5 * np.pi * sum(disks), rel=0.02)
    assert np.abs(np.subtract(found.center, CENTER)).max() < 0.5
    assert hole or dice(voxels(found.geometry, image), ball_in(image)) > 0.95
    assert not problems


def test_contours_of_several_directions_are_one_region(tmp_path):
    image = ct(1.0)
    rings = circles(CENTER, RADIUS, [0.0]) + circles(CENTER, RADIUS, [0.0], (0, 1, 0))
    (found,), _ = import_findings(structure_set(tmp_path / "rt.dcm", {"GTV": rings}), image)
    area = np.pi * RADIUS**2
    assert volume(found.geometry) == pytest.approx(area * 1.0 + area * 0.8 - 2 * RADIUS * 0.8, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "lesion",
            "Lung nodule 1|GTV lung RUL|Tumor_Lt_Lung|Nodule 2 subpleural rib|LungNodule1|lungtumour|GTVp|IGTV_Lung|"
            "Lung-nodule-1|lung_ca|Lung met 3|mass left lung|ITV|Nodule-lung|GTV-1|Lung - nodule 1|Lung-tumor|GTV minus lung|"
            "Lung nodule 1 - GTV|Lung sub-solid nodule|Lung sub pleural nodule|LungSubsolidNodule|Lungentumor|SubGTV lung",
        ),
        ("margin", "PTV distribution|CTV_Lung|PTV1|PTV_60_RibSparing|PTV-GTV Lung"),
        (
            "anatomy",
            "Lung_L|LungL|LLung|lungs|Lungs-GTV|LUNGS_minus_GTV|Lung - ITV|Lung-PTV|SpinalCord|spinal_cord|Ribs|ribcage|BODY|"
            "External|Bronchus|Bronchial tree|Heart|Lungs - Tumor|Lungs-Tumor|Lungs_sub_GTV|Lung minus tumor|Lung w/o GTV|"
            "LungsLessGTV|LungsSubGTVp|LUNGSminusGTV|lungsminusgtv|Lungs-iGTV|Lung_L - nodule|Lung ohne Tumor|Lunge ohne Tumor|"
            "Lung not cancer|Lungs without the lesion|Lung less L mass|Both lungs minus mets|Lung excluding PTV|Body-PTV",
        ),
        ("unknown", "Distribution|Contribution 1|Segment_1|accord|Target|"),
    ],
)
def test_whole_words_tell_what_a_region_is(kind, names):
    assert {name: kind_of_roi(name) for name in names.split("|")} == dict.fromkeys(names.split("|"), kind)


@pytest.mark.parametrize(
    ("name", "stated", "kind"),
    [
        ("Lung", "GTV", "lesion"),
        ("Lung nodule 1", "ORGAN", "lesion"),
        ("Target", "ORGAN", "anatomy"),
        ("Target", "organ ", "anatomy"),
        ("Target", "PTV", "margin"),
        ("Nodule box", "EXTERNAL", "anatomy"),
        ("Nodule 3", "SOMETHING_NEW", "lesion"),
        ("Lungs - Tumor", "ORGAN", "anatomy"),
        ("Lungs_sub_GTV", "AVOIDANCE", "anatomy"),
        ("Nodule 3", "AVOIDANCE", "anatomy"),
    ],
)
def test_the_type_tells_what_a_region_is(name, stated, kind):
    assert kind_of_roi(name, stated) == kind


def test_what_is_left_out_is_told(tmp_path):
    image, ring = ct(1.0, 1.0), [square(-100.0, 10.0)]
    regions = dict.fromkeys(("Lung nodule 1", "PTV 1", "Lung_L", "ROI 7"), ring)
    path = structure_set(tmp_path / "rt.dcm", regions, {"ROI 7": "ORGAN"})
    findings, problems = import_findings(path, image)
    assert [f.note for f in findings] == ["Lung nodule 1"]
    assert [p.partition("region ")[2] for p in problems] == [
        "2 (PTV 1) is the margin of a treatment, and the lesions are drawn beside it, and is left out.",
        "3 (Lung_L) is anatomy and no nodule, and is left out.",
        "4 (ROI 7) is anatomy and no nodule, and is left out.",
    ]


def test_a_margin_without_its_lesion_is_read(tmp_path):
    ring = [square(-100.0, 10.0)]
    path = structure_set(tmp_path / "rt.dcm", {"PTV lung": ring, "Lungs-PTV": ring})
    findings, problems = import_findings(path, ct(1.0, 1.0))
    assert [f.note for f in findings] == ["PTV lung"]
    assert "(Lungs-PTV) is anatomy" in problems[0]
    only = structure_set(tmp_path / "organs.dcm", {"Lung_L": ring})
    with pytest.raises(FindingsFileError, match=r"shows no nodule.*\(Lung_L\) is anatomy"):
        import_findings(only, ct(1.0, 1.0))


@pytest.mark.parametrize("kind", ["OPEN_PLANAR", "POINT"])
def test_lines_and_points_enclose_nothing(tmp_path, kind):
    path = structure_set(tmp_path / "rt.dcm", {"GTV": [square(-100.0, 10.0)]})
    dataset = pydicom.dcmread(path)
    dataset.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = kind
    dataset.save_as(path)
    with pytest.raises(FindingsFileError, match=r"\(GTV\) encloses no voxel of the image"):
        import_findings(path, ct(1.0, 1.0))
