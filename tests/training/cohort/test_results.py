"""Nodules of a folder of results: which count, which image they lead to, and what a bad folder says."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.cohort import CohortError, load_cohort, read_nodule
from napari_lungmtl.training.findings import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    ImageReference,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image, write_volume

MODEL = Provenance("ag3d", "0.1")
RATED = dict.fromkeys(ATTRIBUTES, 2.0)


def sphere(id: str, score: float, **fields) -> Finding:
    return Finding(Sphere((-100.0, 20.0, 30.0), 8.0), score=score, id=id, **{"provenance": MODEL, **fields})


def results(path, *items: Finding, case: str = "1.2.3", source: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_findings(Findings(items, ImageReference(series_uid=case, source=source, modality="CT")), path)


def test_findings_above_the_score_count_and_what_a_person_says(tmp_path):
    results(
        tmp_path / "a.lungmtl.json",
        sphere("sure", 0.9, malignancy=0.7, attributes=RATED),
        sphere("unsure", 0.2),
        sphere("agreed", 0.3, status="accepted"),
        sphere("drawn", 0.1, provenance=Provenance(person="me")),
        sphere("no", 0.95, status="rejected"),
        Finding(Box((1.0, 1.0), (5.0, 5.0)), score=0.9, provenance=MODEL),
    )
    cohort = load_cohort(tmp_path)
    assert [n.id for n in cohort.nodules] == ["sure", "agreed", "drawn"]
    assert not cohort.has_cubes
    np.testing.assert_allclose(cohort.values("malignancy"), [0.7, np.nan, np.nan])
    np.testing.assert_allclose(cohort.attributes()[0], 2)
    assert len(load_cohort(tmp_path, min_score=0.1).nodules) == 4


def test_folders_below_are_read_and_the_newer_of_two_files_counts(tmp_path):
    old, new = tmp_path / "out" / "a.lungmtl.json", tmp_path / "studies" / "1" / "a.lungmtl.json"
    results(old, sphere("f", 0.9, malignancy=0.1))
    results(new, sphere("f", 0.9, malignancy=0.8))
    results(tmp_path / "out" / "b.lungmtl.json", sphere("f", 0.9), case="4.5.6")
    os.utime(old, (1, 1))
    cohort = load_cohort(tmp_path)
    assert cohort.nodules[0].value("malignancy") == 0.8
    assert [n.case for n in cohort.nodules] == ["1.2.3", "4.5.6"]


def test_a_nodule_leads_to_its_image_and_all_its_findings(tmp_path):
    image = Image(np.full((4, 9, 9), -800, np.int16), "CT", (2.0, 1.0, 1.0), (-100.0, 20.0, 30.0))
    (tmp_path / "scans").mkdir()
    write_volume(image, tmp_path / "scans" / "p1.nii.gz")
    results(
        tmp_path / "out" / "p1.lungmtl.json",
        sphere("one", 0.9),
        sphere("two", 0.1),
        case="p1",
        source="scans/p1.nii.gz",  # relative to where predict ran
    )
    read, findings = read_nodule(load_cohort(tmp_path / "out"), 0)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    np.testing.assert_allclose(read.origin, image.origin)
    assert [f.id for f in findings] == ["one", "two"]


def test_an_image_that_has_gone_is_named(tmp_path):
    results(tmp_path / "a.lungmtl.json", sphere("f", 0.9), source=str(tmp_path / "gone.mhd"))
    results(tmp_path / "b.lungmtl.json", sphere("f", 0.9), case="4.5.6")
    cohort = load_cohort(tmp_path)
    with pytest.raises(CohortError, match=r"not there any more: .*gone\.mhd"):
        read_nodule(cohort, 0)
    with pytest.raises(CohortError, match="does not say which image"):
        read_nodule(cohort, 1)


def test_a_result_that_changed_since(tmp_path):
    scan = tmp_path / "a.nii.gz"
    write_volume(Image(np.zeros((3, 4, 4), np.int16), "CT", (1.0, 1.0, 1.0)), scan)
    file = tmp_path / "a.lungmtl.json"
    results(file, sphere("f", 0.9), source=str(scan))
    cohort = load_cohort(tmp_path)
    results(file, sphere("g", 0.9), source=str(scan))
    with pytest.raises(CohortError, match="no longer holds this nodule"):
        read_nodule(cohort, 0)


def test_a_damaged_file_is_left_out_and_said(tmp_path):
    results(tmp_path / "a.lungmtl.json", sphere("f", 0.9))
    (tmp_path / "b.lungmtl.json").write_text("{")
    cohort = load_cohort(tmp_path)
    assert len(cohort) == 1
    assert "b.lungmtl.json is damaged" in cohort.problems[0]


def test_folders_without_nodules_give_sentences(tmp_path):
    with pytest.raises(CohortError, match="does not exist"):
        load_cohort(tmp_path / "nowhere")
    with pytest.raises(CohortError, match="holds no results"):
        load_cohort(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(CohortError, match="neither a folder nor"):
        load_cohort(tmp_path / "a.txt")
    (tmp_path / "a.lungmtl.json").write_text("{")
    with pytest.raises(CohortError, match="None of the 1 result files can be read"):
        load_cohort(tmp_path)
    results(tmp_path / "a.lungmtl.json", sphere("f", 0.2))
    with pytest.raises(CohortError, match=r"no nodule on a CT with a score of 0\.50"):
        load_cohort(tmp_path)
    with pytest.raises(CohortError, match="belong to a folder of nodule cubes"):
        load_cohort(tmp_path, tmp_path / "oof.csv")


def test_one_result_file_is_a_cohort_too(tmp_path):
    results(tmp_path / "a.lungmtl.json", sphere("f", 0.9))
    results(tmp_path / "b.lungmtl.json", replace(sphere("g", 0.9)))
    assert [n.id for n in load_cohort(tmp_path / "b.lungmtl.json").nodules] == ["g"]
