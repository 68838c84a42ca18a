"""Whole scans: lesions found, extra marks on them, other marks by region, at the default and over thresholds."""

from pathlib import Path

import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.whole_scans import (
    holds_whole_scans,
    load_whole_scans,
    scan_name,
)
from napari_lungmtl.training.evaluation.whole_scans import evaluate_whole_scans
from napari_lungmtl.training.inference.weights import ModelCard
from tests.stand_ins.whole_scans_folder import EXCLUDED, LESION, PLACES, Marker, write_whole_scans

CARD = ModelCard("marker", "1", "Marker", "for tests", ("CT",), {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_whole_scans(tmp_path_factory.mktemp("data"))


def beside(z=0.0, y=0.0, x=0.0, score=0.8):
    return LESION[0] + z, LESION[1] + y, LESION[2] + x, 6.0, score


def run(folder, marks, **options):
    return evaluate_whole_scans(Marker(marks), CARD, folder, **options)


def test_the_folder_is_read(folder):
    assert holds_whole_scans(folder)
    assert not holds_whole_scans(folder.parent)
    a, b = load_whole_scans(folder)
    assert (a.name, a.series_uid, a.complete, b.complete) == ("A", "1.2.3", True, False)
    assert a.nodules.tolist() == [list(LESION)]
    assert a.excluded.tolist() == [list(EXCLUDED)]
    assert len(b.nodules) == len(b.excluded) == 0
    assert [scan_name(n) for n in ("x.nii.gz", "x.mha", "dicom")] == ["x", "x", "dicom"]
    with pytest.raises(DatasetError, match="no scan named C"):
        load_whole_scans(folder, names=["C"])


def test_marks_are_counted_as_what_they_are(folder):
    # The best on the lesion, a second in it, one beside it, one far above it, one excluded, one below the default.
    marks = [
        beside(score=0.9),
        beside(x=5),
        beside(x=8),
        beside(z=25),
        (*EXCLUDED[:3], 5.0, 0.7),
        beside(y=20, score=0.2),
    ]
    result = run(folder, marks, folds=["A"])
    at = result["metrics"]["at_threshold"]
    assert {k: at["0.5"][k] for k in ("lesions", "found", "other", "extra", "in_lungs", "outside_lungs")} == {
        "lesions": 1,
        "found": 1,
        "other": 1,
        "extra": 2,
        "in_lungs": 1,
        "outside_lungs": 0,
    }
    assert at["0.9"]["found"] == 1
    assert at["0.9"]["other"] == at["0.99"]["found"] == 0
    assert at["0.5"]["litres"] == pytest.approx(2 * 4 / 3 * 3.1416 * 0.040 * 0.040 * 0.030 * 1000, rel=0.05)
    assert at["0.5"]["other_per_litre"] == pytest.approx(1 / at["0.5"]["litres"])
    assert [row["kind"] for row in result["marks"]] == [
        "lesion",
        "lesion",
        "beside a lesion",
        "other",
        "excluded",
        "other",
    ]
    (lesion,) = result["metrics"]["lesions"]
    assert lesion == {"scan": "A", "diameter_mm": 12.0, "score": 0.9, "marked_diameter_mm": 6.0}
    sizes = result["metrics"]["by_diameter_mm"]
    assert sizes["10-20"] == {"lesions": 1, "found": 1, "other": 0}
    assert sizes["6-10"] == {"lesions": 0, "found": 0, "other": 1}
    assert result["table"][-3][:3] == ["10-20 mm", "1 of 1", "0"]
    # LUNA16 takes the mark beside the lesion for a false positive, too: two of them, then three.
    assert result["metrics"]["sensitivity_at"]["0.125"] == 1
    assert not result["warnings"]


@pytest.mark.parametrize("region", PLACES)
def test_regions(folder, region):
    result = run(folder, [(*PLACES[region], 6.0, 0.9)], folds=["A"])
    assert result["marks"][0]["region"] == region
    counts = result["metrics"]["by_scan"]["A"]
    assert counts["regions"][region] == counts["other"] == 1
    assert counts["outside_lungs"] == (region != "lung")
    assert counts["in_lungs"] == (region == "lung")
    row = dict(zip(*result["table"][:2], strict=True))
    assert row["where"] == f"1 {region}"
    assert (row["in lungs"], row["outside lungs"]) == (("1", "0") if region == "lung" else ("0", "1"))


def test_scans_seen_in_training_are_left_out_unless_asked_for(folder):
    seen = ModelCard("marker", "1", "Marker", "for tests", ("CT",), {}, training={"series": ["1.2.3"]})
    only = evaluate_whole_scans(Marker([]), seen, folder)
    assert list(only["metrics"]["by_scan"]) == ["B"]
    assert only["metrics"]["sensitivity_at"]["1"] is None
    assert "Not every nodule of B is known" in only["warnings"][0]
    every = evaluate_whole_scans(Marker([]), seen, folder, folds=["all"])
    assert list(every["metrics"]["by_scan"]) == ["A", "B"]
    assert "A took part" in every["warnings"][1]
    assert [row[:2] for row in every["table"][1:4]] == [
        ["A", "0 of 1"],
        ["B", "0 of 0"],
        ["all at 0.5 (default)", "0 of 1"],
    ]
    with pytest.raises(DatasetError, match="--folds all"):
        evaluate_whole_scans(
            Marker([]), ModelCard("m", "1", "M", "t", ("CT",), {}, training={"cases": ["A", "B"]}), folder
        )


class InScanA(Marker):
    """Marks nothing in the other scan."""

    def run(self, image):
        findings = yield from super().run(image)
        return findings if Path(image.source).name.startswith("A") else findings.with_items(())


@pytest.mark.parametrize(("marker", "expected"), [(Marker, 0.0), (InScanA, 1.0)])
def test_true_negative_patients_are_scans_known_to_have_no_nodule(tmp_path, marker, expected):
    whole = write_whole_scans(tmp_path)
    nobody_looked = evaluate_whole_scans(marker([beside(score=0.9)]), CARD, whole)
    assert nobody_looked["metrics"]["true_negative_patients"]["patients"] == 0
    assert "no scan is known to be without a nodule" in nobody_looked["table"][-1]
    table = (whole / "scans.csv").read_text()
    (whole / "scans.csv").write_text(table.replace("none: nobody looked", "all: four readers"))
    result = evaluate_whole_scans(marker([beside(score=0.9)]), CARD, whole)
    score = result["metrics"]["true_negative_patients"]
    assert (score["value"], score["patients"], score["threshold"]) == (expected, 1, 0.9)
    assert result["table"][-1][1].startswith(f"{expected:.3f}")
    missed = evaluate_whole_scans(marker([beside(x=30)]), CARD, whole)
    assert missed["metrics"]["true_negative_patients"]["value"] is None
    assert "no threshold finds 95%" in missed["table"][-1][-1]
