"""DICOM objects lie where the findings do, however the series is sorted, turned or tilted."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.sr.codedict import codes

from napari_lungmtl.training.findings import Finding, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.formats.dicom.writing.identity import algorithm
from napari_lungmtl.training.findings.formats.dicom.writing.presentation_state import write_presentation_state
from napari_lungmtl.training.findings.formats.dicom.writing.seg import write_seg
from napari_lungmtl.training.findings.formats.dicom.writing.sr import write_sr
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import (
    FLIPPED,
    TILTED,
    TURNED,
    enhanced,
    findings_on,
    opened,
    pixels_of,
    same_points,
    segment_pixels,
    series,
)

KINDS = {
    "straight": lambda folder: series(folder),
    "shuffled": lambda folder: series(folder, shuffled=True),
    "flipped": lambda folder: series(folder, FLIPPED, shuffled=True),
    "tilted": lambda folder: series(folder, TILTED, shuffled=True),
    "turned in its plane": lambda folder: series(folder, TURNED, shuffled=True),
    "multi-frame": enhanced,
}


RESAMPLED = ("tilted", "turned in its plane")
"""Series whose voxels are not the pixels: masks do not come back voxel by voxel."""


@pytest.fixture(scope="module", params=KINDS)
def study(request, tmp_path_factory):
    folder = KINDS[request.param](tmp_path_factory.mktemp("series"))
    return request.param, *opened(folder)


def truth_pixels(study) -> np.ndarray:
    """World positions of the pixels of the stored series, from its headers."""
    kind, _, source = study
    if kind != "multi-frame":
        return pixels_of(source.datasets)
    return np.concatenate([p.to_xyz(np.arange(10), np.arange(12)).reshape(-1, 3) for p in source.planes])


@pytest.mark.parametrize("labelmap", [False, True])
def test_segments_hold_exactly_the_pixels_whose_centres_lie_inside(study, tmp_path, labelmap):
    kind, image, source = study
    findings = findings_on(image)
    if labelmap:  # the spheres overlap
        findings = findings.with_items(findings.items[:2])
    said = write_seg(findings, tmp_path / "seg.dcm", source, labelmap=labelmap)
    assert said == ["the lungs are in seg_lungs.dcm"]
    written = dict(segment_pixels(tmp_path / "seg.dcm"))
    xyz = truth_pixels(study)
    for finding in findings:
        geometry = finding.geometry
        if isinstance(geometry, Sphere):
            inside = np.linalg.norm(xyz[:, ::-1] - geometry.center, axis=1) <= geometry.diameter / 2
            assert inside.sum() > 10
            assert same_points(written[f"Nodule {finding.number}"], xyz[inside])
        elif kind not in RESAMPLED:
            voxels = np.argwhere(geometry.to_array()) * geometry.spacing + geometry.origin
            assert same_points(written[f"Nodule {finding.number}"], voxels[:, ::-1])


def test_highdicom_and_simpleitk_read_the_same_voxels(study, tmp_path):
    _, image, source = study
    write_seg(findings_on(image), tmp_path / "seg.dcm", source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    frames = hd.seg.segread(tmp_path / "seg.dcm").get_stored_frames()
    assert np.array_equal(frames, dataset.pixel_array)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "seg.dcm")) > 0, frames > 0)


def test_own_segmentations_come_back(study, tmp_path):
    kind, image, source = study
    findings = findings_on(image)
    write_seg(findings, tmp_path / "seg.dcm", source)
    back, problems = import_findings(tmp_path / "seg.dcm", image)
    assert not problems
    assert [(f.id, f.number, f.provenance.model) for f in back] == [
        (f.id, f.number, f.provenance.model) for f in findings
    ]
    assert back[2].provenance.person, "a person corrected it"
    apart = [np.linalg.norm(np.subtract(a.center, b.center)) for a, b in zip(back, findings, strict=True)]
    assert max(apart) < 1.0
    if kind not in RESAMPLED:
        assert back[1].geometry == findings[1].geometry
    lungs, _ = import_findings(tmp_path / "seg_lungs.dcm", image)
    assert lungs.region("right lung") is not None
    assert not len(lungs)


def test_reports_and_marks_keep_places_within_a_tenth_of_a_millimetre(study, tmp_path):
    kind, image, source = study
    findings = findings_on(image)
    said = write_sr(findings, tmp_path / "sr.dcm", source)
    assert said == ["the masks that it refers to are in sr_seg.dcm: keep both together"]
    write_presentation_state(findings, tmp_path / "pr.dcm", source)
    for name, spheres in (("sr.dcm", [0, 2]), ("pr.dcm", [0, 2])):
        back, problems = import_findings(tmp_path / name, image)
        assert not problems
        for place in spheres:
            known = findings[place]
            (own,) = [f for f in back if f.id == known.id]
            assert np.abs(np.subtract(own.center, known.center)).max() < 0.1
            assert own.diameter == pytest.approx(known.diameter, abs=0.1)
    report, _ = import_findings(tmp_path / "sr.dcm", image)
    (mask,) = [f for f in report if f.id == findings[1].id]
    assert isinstance(mask.geometry, Mask)
    assert kind in RESAMPLED or mask.geometry == findings[1].geometry


def test_a_nodule_is_one_in_all_files(tmp_path):
    image, source = opened(series(tmp_path / "ct"))
    findings = findings_on(image)
    uids = []
    for name, write in (("a", write_seg), ("b", write_sr), ("c", write_presentation_state)):
        write(findings, tmp_path / f"{name}.dcm", source)
        back, _ = import_findings(tmp_path / f"{name}.dcm", image)
        uids.append({f.id: f.tracking_uid for f in back})
    assert uids[0] == uids[1] == uids[2]
    assert len(set(uids[0].values())) == 3


def test_a_small_sphere_between_pixels_takes_the_nearest_one(study, tmp_path):
    _, image, source = study
    between = tuple(image.to_world(np.asarray(image.shape) // 2 + 0.4))
    findings = findings_on(image)
    one = findings.with_items((findings[0].with_(geometry=Sphere(between, 0.2)),))
    write_seg(one, tmp_path / "seg.dcm", source)
    ((_, written),) = segment_pixels(tmp_path / "seg.dcm")
    xyz = truth_pixels(study)
    assert len(written) == 1
    assert (
        np.linalg.norm(written[0][::-1] - between)
        <= np.linalg.norm(xyz[:, ::-1] - between, axis=1).min() + 1.0
    )


def test_overlapping_marks_in_a_label_map(tmp_path):
    image, source = opened(series(tmp_path / "ct"))
    with pytest.raises(SaveError, match=r"some marks overlap.*choose dicom-seg"):
        write_seg(findings_on(image), tmp_path / "seg.dcm", source, labelmap=True)


@pytest.mark.filterwarnings("error")
def test_a_network_of_another_make_may_have_any_name():
    """DICOM has room for 64 letters, and a backslash would make two names of one."""
    finding = Finding(Sphere((1, 2, 3), 4), provenance=Provenance("ü\\" * 60, "9" * 100))
    name, version = algorithm(finding, ({"name": finding.provenance.model, "sha256": "0a" * 32},))
    assert version.endswith(" sha256:0a0a0a0a0a0a")
    said = hd.AlgorithmIdentificationSequence(name, codes.DCM.ArtificialIntelligence, version)[0]
    assert (said.AlgorithmName, said.AlgorithmVersion) == ("ü/" * 32, version)


@pytest.mark.parametrize(
    ("votes", "grade"),
    [
        ({}, "1 out of 5 (Highly Unlikely for Cancer)"),
        ({"malignancy": (0.1, 0.3, 0.5, 0.1, 0.0)}, "3 out of 5 (Indeterminate Likelihood)"),
    ],
)
def test_a_reports_grade_of_malignancy_is_what_readers_would_say(votes, grade, tmp_path):
    image, source = opened(series(tmp_path / "series"))
    center = findings_on(image)[0].center
    found = Finding(Sphere(center, 8.0), 0.9, malignancy=0.1, votes=votes, id="a")
    write_sr(findings_on(image).with_items((found,)), tmp_path / "sr.dcm", source)
    said = [
        item.ConceptCodeSequence[0].CodeMeaning
        for item in pydicom.dcmread(tmp_path / "sr.dcm").iterall()
        if item.tag == (0x0040, 0xA730)
        for item in item.value
        if item.ValueType == "CODE" and item.ConceptNameCodeSequence[0].CodeMeaning == "Malignancy"
    ]
    assert said == [grade]
    (back,), _ = import_findings(tmp_path / "sr.dcm", image)
    assert back.malignancy == pytest.approx(0.1)
