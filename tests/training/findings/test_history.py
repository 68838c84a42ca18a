"""Who gave a finding which value, and when: kept by the files, out of comparisons, and hidden with names."""

from __future__ import annotations

import csv
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import (
    Change,
    Finding,
    Findings,
    ImageReference,
    Opinion,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.formats.csv_file import read_csv, write_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.findings.history import begun, last_by_person, recorded

AT = "2026-11-29T07:40:00+01:00"
NET = Provenance("ag3d", "0.1")


def ball(**fields) -> Finding:
    return Finding(Sphere((-180.0, 10.0, 20.0), 8.0), score=0.9, **{"provenance": NET, **fields})


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
changes = st.builds(Change, *(texts,) * 4)


@given(st.lists(changes, max_size=4), texts, texts, st.none() | st.floats(0, 1))
def test_the_json_file_keeps_all_of_it(tmp_path_factory, history, reason, label, confidence):
    path = tmp_path_factory.mktemp("h") / "a.lungmtl.json"
    finding = ball(history=tuple(history), reason=reason, label=label, confidence=confidence)
    write_findings(Findings((finding,)), path)
    (back,) = read_findings(path)
    assert back == finding
    assert back.history == finding.history


def test_values_are_recorded_by_who_gave_them():
    found = begun(ball(), AT)
    assert found.history == (Change("found", "-180.0, 10.0, 20.0; 8.0", "ag3d 0.1", AT),)
    judged = recorded(
        found, found.with_(malignancy=0.81, opinions=(Opinion("mtmr", "0.3", 0.81),)), "ann", AT
    )
    assert judged.history[-1] == Change("malignancy", "0.81", "mtmr 0.3", AT)
    assert last_by_person(judged) is None
    noted = recorded(judged, judged.with_(note="near the fissure", confidence=0.5), "ann", AT)
    assert [(c.what, c.value, c.by) for c in noted.history[2:]] == [
        ("confidence", "0.5", "ann"),
        ("note", "near the fissure", "ann"),
    ]
    assert last_by_person(noted).what == "note"
    drawn = begun(Finding(Sphere((1, 2, 3), 4), provenance=Provenance(person="bob")), AT)
    assert (drawn.history[0].what, drawn.history[0].by) == ("drawn", "bob")


def test_findings_are_equal_whatever_their_histories():
    assert ball(id="a") == begun(ball(id="a"), AT)
    assert ball(id="a") != ball(id="a", reason="vessel")


def test_the_table_says_who_and_why(tmp_path):
    finding = begun(
        ball(status="rejected", reason="vessel", confidence=0.75, label="branching", note="a, b"), AT
    )
    finding = recorded(finding, finding.with_(note="c"), "ann", AT)
    write_csv([Findings((finding,), ImageReference("1"))], tmp_path / "f.csv")
    (row,) = csv.DictReader((tmp_path / "f.csv").open())
    assert (row["reason"], row["described_as"], row["confidence"], row["remark"]) == (
        "vessel",
        "branching",
        "0.75",
        "c",
    )
    assert row["changed_at"] == AT
    assert row["history"].endswith(f"{AT} ann: note c")
    (back,) = read_csv(tmp_path / "f.csv")["1"]
    assert (back.reason, back.label, back.confidence, back.note) == ("vessel", "branching", 0.75, "c")


def test_histories_go_where_names_are_hidden():
    finding = recorded(begun(ball(), AT), ball(label="as Dr Ann says"), "Dr Ann", AT)
    (hidden,) = Deidentifier().findings(Findings((finding,), ImageReference("1.2")))
    assert hidden.history == ()
    assert "Ann" not in str(replace(hidden))
