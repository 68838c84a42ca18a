"""What reviewed scans say, the file of a calibration, and its bond to the weights."""

import json
from dataclasses import replace

import pytest

from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.operating_point.calibration import (
    Calibration,
    CalibrationFileError,
    CalibrationScan,
    read_calibration,
    write_calibration,
)
from napari_lungmtl.training.operating_point.reviewed import ReviewedCase, reviewed_case, weights_of

MODELS = (
    {"name": "finder", "version": "1.0", "sha256": "ab"},
    {"name": "mtmr", "version": "0.1", "sha256": "cd"},
)
FOUND = Provenance("finder", "1.0")


def mark(score, status="unreviewed", **fields):
    fields.setdefault("provenance", FOUND)
    return Finding(Sphere((0.0, 0.0, 0.0), 6.0), score, status=status, **fields)


@pytest.fixture
def review():
    moved = replace(FOUND, person="ann")
    drawn = Finding(Sphere((0.0, 0.0, 0.0), 6.0), status="accepted", provenance=Provenance(person="ann"))
    marks = (mark(0.9, "rejected"), mark(0.8, "accepted"), mark(0.7), mark(0.6, provenance=moved), drawn)
    return Findings(marks, models=MODELS, done_by="ann")


def test_what_nobody_accepted_counts_as_false(review):
    assert reviewed_case(review) == ReviewedCase((0.9, 0.7), (0.8, 0.6))


def test_unread_scans_and_mixed_weights_count_nothing(review):
    assert reviewed_case(replace(review, done_by="")) is None
    assert reviewed_case(replace(review, models=())) is None
    assert (
        reviewed_case(replace(review, models=({"name": "finder", "version": "2.0", "sha256": "ef"},))) is None
    )


def test_weights_are_those_that_find():
    assert weights_of(MODELS) == ("finder ab",), "a characteriser changes no mark"
    assert weights_of([{"name": "finder", "version": "1.0"}]) == ("finder 1.0",)


@pytest.fixture
def calibration():
    scans = tuple(
        CalibrationScan(f"case {i}", ReviewedCase((0.9,) * (i % 2), (0.8, 0.3)), {"slice": 1.0 + i / 10})
        for i in range(12)
    )
    return Calibration(("finder ab",), scans, "2026-01-01T12:00:00")


def test_another_hash_voids_it(calibration):
    assert calibration.fits(MODELS)
    assert not calibration.fits([{**MODELS[0], "sha256": "ac"}])
    assert not calibration.fits([])
    assert calibration.fits([{**MODELS[0], "version": "2"}])
    other = {**MODELS[0], "file": "net.onnx", "version": "1.0+0123456"}
    voided = replace(calibration, weights=weights_of([other]))
    assert voided.fits([other])
    assert not voided.fits([{**other, "version": "1.0+abcdef0"}]), "the same weights with another card"


def test_its_threshold_is_that_of_its_false_marks(calibration):
    assert calibration.threshold(2.0) == 0.0
    assert 0.9 < calibration.threshold(0.1) < 0.9 + 1e-9
    assert calibration.kept(0.5) == (12, 24)
    assert replace(calibration, scans=calibration.scans[:9]).threshold(2.0) is None
    assert calibration.likeness({"slice": 9.0}).unlike


def test_its_file_comes_back_as_it_was(calibration, tmp_path):
    write_calibration(calibration, tmp_path / "c.json")
    assert read_calibration(tmp_path / "c.json") == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"weights": "finder"},
        {"scans": [{"name": "a", "false": ["x"], "true": [], "features": {}}]},
        {"scans": [{"name": "a"}]},
        {"scans": 5},
    ],
)
def test_a_damaged_file_says_so(calibration, tmp_path, change):
    path = tmp_path / "c.json"
    write_calibration(calibration, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CalibrationFileError, match=r"c\.json holds no reviewed scans"):
        read_calibration(path)
