"""Learning from reviews: who teaches, what moves, what the guard lets through, and that a stopped run goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.weights import read_card, seen_cases
from napari_lungmtl.training.learning.candidates import Candidates, LearningError, Outcome
from napari_lungmtl.training.learning.guard import Verdict, compare
from napari_lungmtl.training.learning.learn import learn, learners
from napari_lungmtl.training.learning.places import hits, judged_rows
from napari_lungmtl.training.learning.reviewed import find_reviewed

from ...stand_ins.learning_network import (
    LOOK_ALIKE,
    NAME,
    NODULE,
    OTHER,
    learning_network,
    reviewed_scan,
    scan_of,
)


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with learning_network(tmp_path / "networks", monkeypatch):
        yield


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    folder = tmp_path / "studies"
    for i in range(10):
        reviewed_scan(folder, f"s{i}", (NODULE, LOOK_ALIKE, OTHER))
    return folder


def scores(weights: Path | None = None) -> dict[int, float]:
    """Scores of the three kinds."""
    kinds = (NODULE, LOOK_ALIKE, OTHER)
    findings = finish(registry.load_predictor(NAME, "cpu", weights).run(scan_of(kinds)))
    return dict(zip(kinds, (f.score for f in findings), strict=True))


def test_what_is_rejected_falls_and_what_is_accepted_stays(studies, tmp_path):
    assert NAME in learners()
    learned = finish(learn(NAME, [studies], tmp_path / "out", device="cpu"))
    before, after = scores(), scores(learned.weights)
    assert after[LOOK_ALIKE] < 0.5 < before[LOOK_ALIKE]
    assert after[NODULE] >= before[NODULE] - 0.02
    assert learned.choice.helps
    assert (len(learned.studies), len(learned.held_back)) == (7, 3)
    assert learned.verdict.recommended
    held, dev = learned.verdict.comparisons
    assert (held.before.found, held.after.found) == (3, 3)
    assert held.before.other == 6, "what nobody judged counts as another mark, before and after"
    assert held.after.other == 3
    assert dev.name == "the shipped dev set"
    card = read_card(learned.weights)
    assert card.metrics["learned"]["recommended"]
    assert registry.card(NAME).sha256 in card.training["log"]["started_from"]
    assert seen_cases(card) == set(learned.studies)
    assert set(card.training["held_back"]) == set(learned.held_back)
    assert "research only" in card.limits[0]


def test_what_a_network_must_not_forget_holds_it_back(studies, tmp_path):
    """The dev set's nodule looks like what is rejected here."""
    (tmp_path / "networks" / "kinds.txt").write_text(f"{NODULE} {LOOK_ALIKE}")
    learned = finish(learn(NAME, [studies], tmp_path / "out", device="cpu"))
    assert learned.choice.share < 1, "a part of the step that forgets nothing is taken"
    assert not learned.verdict.comparisons[1].lost
    assert not learned.verdict.recommended
    assert "No gain shown on the held-back studies: keep the weights that you have." in learned.sentence
    assert learned.weights.is_file()
    assert not read_card(learned.weights).metrics["learned"]["recommended"]


def test_a_stopped_run_goes_on_and_comes_to_the_same(studies, tmp_path):
    whole = finish(learn(NAME, [studies], tmp_path / "whole", device="cpu"))
    looked = import_module(f"napari_lungmtl.training.networks.{NAME}.learning").LOOKED
    looked.clear()
    steps = learn(NAME, [studies], tmp_path / "out", device="cpu")
    for _ in range(5):
        next(steps)
    steps.close()
    before = list(looked)
    assert 0 < len(before) < 7
    again = finish(learn(NAME, [studies], tmp_path / "out", device="cpu"))
    assert len(looked) == len(set(looked)) == 7, "nothing is looked at twice"
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    assert again.sentence == whole.sentence


def test_few_studies_teach_but_nothing_is_recommended(tmp_path):
    for i in range(3):
        reviewed_scan(tmp_path / "few", f"s{i}")
    learned = finish(learn(NAME, [tmp_path / "few"], tmp_path / "out", device="cpu"))
    assert not learned.held_back
    assert "No gain shown because no study could be held back" in learned.sentence
    assert not learned.verdict.recommended


def test_a_lost_lesion_or_a_figure_that_falls_is_worse_and_a_gain_alone_is_better():
    found = Outcome({"a": 0.9, "b": 0.6}, {"x": (0.7,), "y": ()})
    exchanged = Outcome({"a": 0.9, "b": 0.4, "c": 0.9}, {"x": (0.2,), "y": ()})
    one = compare("set", found, exchanged, 0.5)
    assert one.lost == ("b",)
    assert one.worse[0] == "b, found before, is lost (set)."
    assert one.better
    worse = Verdict((one,), held_back=True)
    assert not worse.recommended
    assert worse.headline.startswith("Not better: b, found before, is lost (set).")
    more_marks = compare("set", found, Outcome(found.lesions, {"x": (0.7, 0.6), "y": ()}), 0.5)
    assert more_marks.worse[-1] == "other marks an image at the default threshold 0.500 → 1.000 (set)."
    fewer = compare("set", found, Outcome(found.lesions, {"x": (), "y": ()}), 0.5)
    assert Verdict((fewer,), held_back=True).recommended
    assert not Verdict((fewer, more_marks), held_back=True).recommended
    assert not Verdict((fewer,), held_back=False).recommended


def test_who_teaches(studies, tmp_path):
    infos = [registry.info_of(registry.card(NAME))]
    found, passed_over = find_reviewed([studies], infos)
    assert [s.name for s in found] == [f"s{i}" for i in range(10)]
    assert (len(found[0].nodules), len(found[0].rejected)) == (1, 1), "what nobody judged is neither"
    assert not passed_over
    others = (studies / "s0.lungmtl.json").read_text().replace("accepted", "rejected")
    (studies / "s0-20260101-120000.lungmtl.json").write_text(others)
    assert len(find_reviewed([studies], infos)[0][0].nodules) == 1, "a copy that others saved does not count"
    moved = tmp_path / "moved"
    shutil.move(studies, moved)
    assert find_reviewed([moved], infos)[0][0].path == moved / "s0.nrrd", (
        "the image is found beside its findings"
    )
    reviewed_scan(moved / "again", "s0")
    twice = [s.name for s in find_reviewed([moved], infos)[0] if s.name.endswith("s0")]
    assert twice == ["again/s0", "moved/s0"], "films of one name are two studies"
    (moved / "s1.nrrd").unlink()
    sidecar = moved / "s2.lungmtl.json"
    document = json.loads(sidecar.read_text())
    document["image"]["spacing_zyx"] = [2.0, 1.0, 1.0]
    sidecar.write_text(json.dumps(document))
    (moved / "s3.lungmtl.json").write_text("{")
    learned = finish(learn(NAME, [moved], tmp_path / "out", device="cpu"))
    said = "\n".join(learned.passed_over)
    assert "The image of" in said
    assert "s1.lungmtl.json is missing" in said
    assert "has the spacing (1.0, 1.0, 1.0)" in said
    assert "s3.lungmtl.json is damaged" in said


def test_one_image_is_one_study_wherever_it_lies(tmp_path):
    """Films of one name differ in the folder that tells them apart; a copied DICOM series would tell of itself when held back."""
    for patient in "ab":
        reviewed_scan(tmp_path / "films" / patient / "today", "1")
    infos = [registry.info_of(registry.card(NAME))]
    films = find_reviewed([tmp_path / "films"], infos)[0]
    assert [film.name for film in films] == ["a/today/1", "b/today/1"]
    assert len({film.key for film in films}) == 2
    turned = replace(films[0], findings=replace(films[0].findings, orientation=Orientation(1)))
    assert turned.key != films[0].key, "what a network saw of a film that lay otherwise is not taken"
    series = tmp_path / "series" / "1.2.840.7"
    write_series(replace(scan_of((NODULE,)), series_uid="1.2.840.7"), series)
    accepted = Finding(Sphere((2.0, 4.0, 5.0), 6.0), status="accepted", provenance=Provenance(NAME, "0.1"))
    findings = Findings((accepted,), ImageReference.of(read_image(series)))
    write_findings(findings, series / "1.2.840.7.lungmtl.json")
    shutil.copytree(series, tmp_path / "copies" / "1.2.840.7")
    shutil.move(series, tmp_path / "copies" / "moved" / "1.2.840.7")
    found, passed_over = find_reviewed([tmp_path / "copies"], infos)
    assert [study.path for study in found] == [tmp_path / "copies" / "1.2.840.7"], (
        "whose last number is no suffix"
    )
    assert "is not taken twice" in passed_over[0]


def test_weights_that_are_learnt_from_are_not_overwritten(studies, tmp_path):
    shipped = registry.weights_path(NAME)
    learned = finish(learn(NAME, [studies], tmp_path / "out", device="cpu"))
    for out, weights in ((shipped.parent, None), (learned.weights.parent, learned.weights)):
        before = (weights or shipped).read_bytes()
        with pytest.raises(LearningError, match="choose another --out"):
            finish(learn(NAME, [studies], out, weights=weights, device="cpu"))
        assert (weights or shipped).read_bytes() == before


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((NODULE,), "nothing is rejected"),
        ((LOOK_ALIKE,), "nothing is accepted"),
        ((OTHER,), "no reviewed study"),
    ],
)
def test_what_cannot_teach_gets_a_sentence(kinds, words, tmp_path):
    reviewed_scan(tmp_path / "one", "s0", kinds)
    with pytest.raises(LearningError, match=words):
        finish(learn(NAME, [tmp_path / "one"], tmp_path / "out", device="cpu"))


def test_what_touches_a_nodule_is_no_negative():
    places = np.array([[0.0, 0, 10, 10], [9.0, 9, 19, 19], [30.0, 30, 40, 40], [50.0, 50, 60, 60]])
    candidates = Candidates(places, np.eye(4), np.zeros(4), np.zeros(4, bool))
    rows = judged_rows(candidates, places[:1], places[1:3], planar=True)
    assert rows.features.argmax(1).tolist() == [0, 2], (
        "the second overlaps the nodule, the fourth nobody judged"
    )
    assert rows.label.tolist() == [1, 0]


def test_boxes_hit_by_overlap_or_by_their_centre():
    target = np.array([[0.0, 0, 10, 10]])
    marks = np.array([[1.0, 1, 9, 9], [4.0, 4, 6, 6], [8.0, 8, 20, 20]])
    assert hits(marks, target, planar=True)[:, 0].tolist() == [True, True, False]


def test_the_commands(studies, tmp_path):
    run = CliRunner().invoke
    out = tmp_path / "out"
    reviewed = ["train", NAME, "--reviewed", str(studies), "--out", str(out), "--device", "cpu"]
    told = run(app, [*reviewed, "--json", str(tmp_path / "told.json")])
    assert told.exit_code == 0, told.output
    assert "Better. held-back reviewed studies (3 images): 3 → 3 of 3 found" in told.output.replace("\n", " ")
    values = json.loads((tmp_path / "told.json").read_text())
    assert values["recommended"]
    assert Path(values["weights"]) == out / f"{NAME}.safetensors"
    neither = run(app, ["train", NAME, "--out", str(out)])
    assert neither.exit_code == 1
    assert "either --data" in neither.output
