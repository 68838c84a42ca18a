"""What a person drew has no score, in whichever format; where one asks for it, it is said to be 1."""

import json

import pytest

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.export import FILE_NAMES, export
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.formats.luna16 import read_submission

CT = ImageReference("1.2", "", "CT", (40, 60, 60), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0))
FILM = ImageReference("a.png", "a.png", "DX", (100, 90), (1.0, 1.0), (0.0, 0.0))
PERSON = Provenance(person="somebody")


def ct() -> Findings:
    """One that a detector found, one that a person drew."""
    found = Finding(Sphere((10.0, 20.0, 30.0), 8.0), 0.9, provenance=Provenance("ag3d", "0.1"))
    return Findings((found, Finding(Sphere((40.0, 20.0, 30.0), 6.0), provenance=PERSON)), CT)


def film() -> Findings:
    """The same with boxes."""
    found = Finding(Box((10.0, 10.0), (20.0, 20.0)), 0.7, provenance=Provenance("dhn", "0.1"))
    return Findings((found, Finding(Box((30.0, 10.0), (40.0, 20.0)), provenance=PERSON)), FILM)


@pytest.mark.parametrize("findings", [ct(), film()], ids=["ct", "film"])
def test_tables_and_json_bring_no_score_back(tmp_path, findings):
    for format_ in (Format.CSV, Format.JSON):
        export([findings], tmp_path / FILE_NAMES[format_], format_)
    table = read_csv(tmp_path / "findings.csv", [findings.image])[findings.image.series_uid]
    for again in (table, read_findings(tmp_path / FILE_NAMES[Format.JSON])):
        assert [f.network_score for f in again] == [findings[0].score, None]
        assert [f.geometry for f in again] == [f.geometry for f in findings]


def test_coco_has_a_score_only_of_what_a_network_found(tmp_path):
    export([film()], tmp_path / "c.json", Format.COCO)
    first, second = json.loads((tmp_path / "c.json").read_text())["annotations"]
    assert first["score"] == 0.7
    assert "score" not in second


def test_a_findings_csv_with_drawings_is_a_submission_of_the_network_s_marks(tmp_path, caplog):
    export([ct(), film()], tmp_path / "findings.csv", Format.CSV)
    marks = read_submission(tmp_path / "findings.csv")
    assert {uid: list(spots.value) for uid, spots in marks.items()} == {"1.2": [0.9]}
    assert "2 findings drawn by hand have no probability" in caplog.text


def test_a_submission_asks_for_a_probability(tmp_path):
    export([ct()], tmp_path / "submission.csv", Format.LUNA16)
    assert list(read_submission(tmp_path / "submission.csv")["1.2"].value) == [0.9, 1.0]
