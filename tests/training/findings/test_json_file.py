import errno
import json
import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings

from napari_lungmtl.training.findings import (
    SCHEMA_VERSION,
    Finding,
    Findings,
    ImageReference,
    Opinion,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.formats import atomic, json_file
from napari_lungmtl.training.findings.formats.errors import FindingsFileError, NewerSchemaError, SaveError
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings

from ...stand_ins.findings_strategies import all_findings

SAID = Opinion(
    *("mtmr", "0.1", 0.81, 0.12),
    view_scores=(0.7, 0.9),
    view_names=("−1 mm", "0 mm"),
    fold_scores=(0.8, 0.82),
    attributes={"spiculation": 4.1},
    attribute_spread={"spiculation": 0.3},
    notes=("At the edge of the scan.",),
)
ONE = Findings(
    (
        Finding(
            Sphere((-190.46, 76.9, 72.29), 21.45),
            score=0.97,
            members=(Sphere((-190.46, 76.9, 72.29), 17.0), Sphere((-184.0, 76.9, 70.0), 9.5)),
            malignancy=0.81,
            malignancy_spread=0.12,
            opinions=(SAID,),
            note="größer?",
            id="a1",
        ),
    ),
    ImageReference("1.2.840.0001", "folder", "CT", (11, 512, 512), (2.5, 0.8, 0.8), (-200, 0, 0)),
    ({"name": "ag3d", "version": "0.1", "sha256": "00ff"},),
)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(all_findings)
def test_round_trip_keeps_everything(tmp_path, findings):
    write_findings(findings, tmp_path / "case.lungmtl.json")
    assert read_findings(tmp_path / "case.lungmtl.json") == findings


def test_layout_is_what_the_documentation_says(tmp_path):
    path = tmp_path / "case.lungmtl.json"
    write_findings(ONE, path)
    document = json.loads(path.read_text("utf-8"))
    assert document["format"] == "lungmtl-findings"
    assert document["schema_version"] == SCHEMA_VERSION
    # x, y, z outside, z, y, x inside.
    assert document["findings"][0]["sphere"] == {
        "center_lps_mm": [72.29, 76.9, -190.46],
        "diameter_mm": 21.45,
    }
    assert document["findings"][0]["malignancy_spread"] == 0.12
    assert document["findings"][0]["opinions"] == [
        {
            "model": "mtmr",
            "version": "0.1",
            "malignancy": 0.81,
            "spread": 0.12,
            "parts": [0.7, 0.9],
            "places": ["−1 mm", "0 mm"],
            "folds": [0.8, 0.82],
            "attributes": {"spiculation": 4.1},
            "attribute_spread": {"spiculation": 0.3},
            "notes": ["At the edge of the scan."],
        }
    ]
    assert "größer?" in path.read_text("utf-8")
    assert path.read_text("utf-8").count("\n") > 20


VERSION_1 = """{"format": "lungmtl-findings", "schema_version": 1,
 "image": {"series_uid": "1.2", "source": "", "modality": "CT", "units": "mm",
           "shape_zyx": [2, 3, 4], "spacing_zyx": [1, 1, 1], "origin_zyx": [0, 0, 0]},
 "models": [], "findings": [
 {"id": "a", "kind": "sphere", "sphere": {"center_lps_mm": [1, 2, 3], "diameter_mm": 4}, "score": 0.5,
  "malignancy": null, "attributes": {"margin": 3}, "scores": {}, "status": "accepted", "note": "",
  "origin": {"model": "ag3d", "version": "0.1", "person": ""}}]}"""


def test_version_1_stays_readable(tmp_path):
    """This text never changes: it is what people have on their discs."""
    path = tmp_path / "old.lungmtl.json"
    path.write_text(VERSION_1)
    finding = read_findings(path)["a"]
    assert finding.center == (3, 2, 1)
    assert finding.attributes == {"margin": 3}
    assert (finding.malignancy, finding.malignancy_spread, finding.opinions) == (None, None, ())


VERSION_2 = """{"format": "lungmtl-findings", "schema_version": 2,
 "image": {"series_uid": "1.2", "source": "", "modality": "CT", "units": "mm",
           "shape_zyx": [2, 3, 4], "spacing_zyx": [1, 1, 1], "origin_zyx": [0, 0, 0]},
 "models": [], "findings": [
 {"id": "a", "kind": "sphere", "sphere": {"center_lps_mm": [1, 2, 3], "diameter_mm": 4}, "score": 0.5,
  "malignancy": 0.7, "malignancy_spread": 0.1, "attributes": {"margin": 3}, "scores": {}, "status": "accepted",
  "note": "", "origin": {"model": "ag3d", "version": "0.1", "person": ""},
  "opinions": [{"model": "mtcnn", "version": "0.1", "malignancy": 0.6, "spread": 0.2, "parts": [0.5, 0.7],
    "places": ["axial", "coronal"], "folds": [], "attributes": {}, "attribute_spread": {}, "notes": []}]}]}"""


def test_version_2_stays_readable(tmp_path):
    """Neither does this one."""
    path = tmp_path / "old.lungmtl.json"
    path.write_text(VERSION_2)
    (opinion,) = read_findings(path)["a"].opinions
    assert (opinion.model, opinion.view_scores, opinion.view_names) == (
        "mtcnn",
        (0.5, 0.7),
        ("axial", "coronal"),
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"malignancy": 0.6', '"malignancy": 1.6'), "finding 1: probabilities lie between"),
        (('"malignancy": 0.6', '"malignancy": "high"'), "finding 1: expected a number"),
        (('"places": ["axial", "coronal"]', '"places": ["axial"]'), "finding 1: 2 parts need as many places"),
        (('"places": ["axial", "coronal"]', '"places": ["axial", 3]'), "finding 1: expected text"),
        (('"spread": 0.2', '"spread": -1'), "finding 1: a spread is not negative"),
        (('"notes": []', '"notes": {}'), "finding 1: expected a list"),
        (('"folds": [], ', ""), "finding 1: 'folds' is missing"),
        (('"malignancy_spread": 0.1, ', ""), "finding 1: 'malignancy_spread' is missing"),
    ],
)
def test_damaged_opinions_name_the_place(tmp_path, change, says):
    path = tmp_path / "bad.lungmtl.json"
    path.write_text(VERSION_2.replace(*change))
    with pytest.raises(FindingsFileError, match=says):
        read_findings(path)


VERSION_3 = """{"format": "lungmtl-findings", "schema_version": 3,
 "image": {"series_uid": "radiograph", "source": "", "modality": "DX", "units": "pixel",
           "shape_zyx": [3, 4], "spacing_zyx": null, "origin_zyx": [0, 0]},
 "models": [], "image_scores": [{"model": "dhn", "version": "0.1", "probability": 0.8, "threshold": 0.5}],
 "regions": [{"name": "left lung", "origin": {"model": "mosegnet", "version": "0.1", "person": ""},
              "mask": {"shape": [2, 2], "spacing": [1, 1], "origin": [0, 0], "runs": [[1, 2]]}}], "findings": [
 {"id": "a", "kind": "box", "box": {"low_yx": [1, 2], "high_yx": [2, 3]}, "score": 0.5, "malignancy": null,
  "malignancy_spread": null, "attributes": {}, "scores": {}, "status": "accepted", "note": "", "opinions": [],
  "origin": {"model": "dhn", "version": "0.1", "person": ""}}]}"""


def test_version_3_stays_readable(tmp_path):
    path = tmp_path / "old.lungmtl.json"
    path.write_text(VERSION_3)
    findings = read_findings(path)
    (score,) = findings.image_scores
    assert (score.model, score.probability, findings["a"].kind) == ("dhn", 0.8, "box")
    assert findings.region("left lung").mask.to_array().tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"probability": 0.8', '"probability": 8'), "image_scores: probability lies between"),
        (('"threshold": 0.5', '"limit": 0.5'), "image_scores: 'threshold' is missing"),
        (('"runs": [[1, 2]]', '"runs": [[1, 9]]'), "regions: a mask's runs"),
        (('"regions": [{', '"regions": [3, {'), "regions: expected"),
    ],
)
def test_damaged_scores_and_regions_name_the_place(tmp_path, change, says):
    path = tmp_path / "bad.lungmtl.json"
    path.write_text(VERSION_3.replace(*change))
    with pytest.raises(FindingsFileError, match=says):
        read_findings(path)


def test_what_a_person_drew_has_no_score_and_everything_keeps_its_number(tmp_path):
    path = tmp_path / "drawn.lungmtl.json"
    drawn = Finding(Sphere((1.0, 2.0, 3.0), 4.0), provenance=Provenance(person="ann"), id="a", number=7)
    found = Finding(Sphere((1.0, 2.0, 9.0), 4.0), score=1.0, provenance=Provenance("ag3d", "0.1"), id="b")
    write_findings(Findings((drawn, found)), path)
    first, second = json.loads(path.read_text("utf-8"))["findings"]
    assert (first["score"], first["number"], second["score"]) == (None, 7, 1.0)
    assert "number" not in second
    assert read_findings(path).items == (drawn, found)
    assert (drawn.network_score, found.network_score) == (None, 1.0)


def test_older_versions_go_through_the_migrations(tmp_path, monkeypatch):
    path = tmp_path / "old.lungmtl.json"
    old = json.loads(VERSION_3)
    for finding in old["findings"]:
        finding["remark"] = finding.pop("note")
    path.write_text(json.dumps(old | {"schema_version": SCHEMA_VERSION}))

    def rename(document):
        return document | {"findings": [{**f, "note": f["remark"]} for f in document["findings"]]}

    monkeypatch.setattr(json_file, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setitem(json_file.MIGRATIONS, SCHEMA_VERSION, rename)
    assert read_findings(path)["a"].note == ""


def test_every_older_version_has_a_migration():
    assert sorted(json_file.MIGRATIONS) == list(range(1, SCHEMA_VERSION))


def test_a_newer_version_is_a_clear_error(tmp_path):
    path = tmp_path / "new.lungmtl.json"
    path.write_text(VERSION_1.replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(NewerSchemaError, match=r"new\.lungmtl\.json.*newer.*99.*pip install -U"):
        read_findings(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t[: len(t) // 2], "no valid JSON"),
        (lambda t: "", "no valid JSON"),
        (lambda t: "[1, 2]", "no findings file"),
        (lambda t: "{}", "no findings file"),
        (lambda t: t.replace('"schema_version": 1', '"schema_version": "1"'), "no findings file"),
        (lambda t: t.replace('"schema_version": 1', '"schema_version": 0'), "unknown file version 0"),
        (lambda t: t.replace("lungmtl-findings", "other"), "no findings file"),
        (lambda t: t.replace('"score": 0.5', '"score": "high"'), "finding 1: expected a number"),
        (lambda t: t.replace('"score": 0.5', '"score": 1.5'), "finding 1: a score lies between"),
        (lambda t: t.replace('"score": 0.5', '"score": NaN'), "finding 1: expected a number"),
        (lambda t: t.replace('"score": 0.5,', ""), "finding 1: 'score' is missing"),
        (lambda t: t.replace("[1, 2, 3]", "[1, 2]"), "finding 1"),
        (lambda t: t.replace('"diameter_mm": 4', '"diameter_mm": 0'), "diameter is positive"),
        (lambda t: t.replace('"kind": "sphere"', '"kind": "cone"'), "unknown kind 'cone'"),
        (lambda t: t.replace('"accepted"', '"maybe"'), "unknown status"),
        (lambda t: t.replace('"models": []', '"models": 3'), "models: expected a list"),
        (lambda t: json.dumps(json.loads(t) | {"findings": 3}), "findings: expected a list"),
        (lambda t: t.replace('"findings"', '"found"'), "findings: 'findings' is missing"),
        (
            lambda t: t.replace(
                '"origin": {"model": "ag3d", "version": "0.1", "person": ""}', '"origin": []'
            ),
            "an object",
        ),
    ],
)
def test_damaged_files_name_the_place(tmp_path, change, says):
    path = tmp_path / "bad.lungmtl.json"
    path.write_text(change(VERSION_1))
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_findings(path)
    assert str(path) in str(caught.value)


def test_mask_runs_must_lie_in_the_mask(tmp_path):
    path = tmp_path / "mask.lungmtl.json"
    mask = '"kind": "mask", "mask": {"shape": [2, 2], "spacing": [1, 1], "origin": [0, 0], "runs": [[3, 2]]}'
    path.write_text(
        VERSION_1.replace('"kind": "sphere", "sphere": {"center_lps_mm": [1, 2, 3], "diameter_mm": 4}', mask)
    )
    with pytest.raises(FindingsFileError, match="runs"):
        read_findings(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FindingsFileError, match="does not exist"):
        read_findings(tmp_path / "none.lungmtl.json")
    with pytest.raises(FindingsFileError, match="cannot be read"):
        read_findings(tmp_path)
    with pytest.raises(SaveError, match="could not be saved"):
        write_findings(ONE, tmp_path / "no" / "folder.lungmtl.json")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disc_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "case.lungmtl.json"
    write_findings(ONE, path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, step, full)
    with pytest.raises(SaveError, match=r"case\.lungmtl\.json.*No space left") as caught:
        write_findings(ONE.with_items(()), path)
    assert "unchanged" in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["case.lungmtl.json"]


def test_file_names_in_an_old_encoding_can_be_saved(tmp_path):
    path = tmp_path / "case.lungmtl.json"
    source = os.fsdecode(b"/cd/Th\xf6rax")
    findings = Findings((), ImageReference("1", source))
    write_findings(findings, path)
    assert read_findings(path).image.source == source


def test_links_and_permissions_survive_a_save(tmp_path):
    real = tmp_path / "real.lungmtl.json"
    write_findings(ONE, real)
    real.chmod(0o640)
    link = tmp_path / "link.lungmtl.json"
    link.symlink_to(real)
    write_findings(ONE.with_items(()), link)
    assert link.is_symlink()
    assert len(read_findings(real)) == 0
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
