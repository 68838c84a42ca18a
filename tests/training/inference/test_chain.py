"""Chains of small stand-ins: order, progress, what fails and what is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.findings import (
    Box,
    Finding,
    Findings,
    ImageReference,
    Opinion,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress, finish
from napari_lungmtl.training.inference.suitability import sort_out
from napari_lungmtl.training.inference.weights import ModelCard, WeightsError

from ...stand_ins.fresh_models import fresh_model_store


def ball(z, id, diameter=8.0, **fields):
    return Finding(Sphere((z, 20.0, 30.0), diameter), id=id, **fields)


class Detector:
    def __init__(self, zs=(10.0, 20.0, 30.0)):
        self.zs = zs

    def run(self, image):
        yield Progress(0.5, "detecting")
        items = tuple(
            ball(z, f"d{z:g}", score=0.9 - k / 10, provenance=Provenance("ag3d", "0.1"))
            for k, z in enumerate(self.zs)
        )
        return Findings(items, ImageReference(image.series_uid), ({"name": "ag3d", "version": "0.1"},))


class Halver:
    """A reduction: halves the score of everything but the last, which it lifts."""

    def run(self, image, findings):
        yield Progress(0.5, "looking again")
        *others, last = findings
        return findings.with_items((*(f.with_(score=f.score / 2) for f in others), last.with_(score=0.99)))


class Judge:
    """Says of each sphere what `says` holds, or fails where that is an exception; one after the other."""

    def __init__(self, name, malignancy=0.7, spread=0.1, refuses=None, batch=False, attributes=None):
        self.name, self.malignancy, self.spread = name, malignancy, spread
        self.refuses, self.batch, self.attributes = refuses, batch, attributes or {}
        self.failing: set[str] = set()
        self.asked: list[list[str]] = []
        self.closed = 0

    def run(self, image, findings):
        self.asked.append([f.id for f in findings])
        items = list(findings)
        try:
            if self.refuses:
                raise self.refuses
            for k, finding in enumerate(items):
                if finding.id in self.failing:
                    raise RuntimeError("no memory")
                said = Opinion(self.name, "0.1", self.malignancy, self.spread, attributes=self.attributes)
                items[k] = finding.with_(opinions=(*finding.opinions, said))
                known = None if self.batch else findings.with_items(tuple(items))
                yield Progress((k + 1) / len(items), "judging", known)
            return findings.with_items(tuple(items))
        finally:
            self.closed += 1


TASKS = {
    "ag3d": "detection",
    "mtcnn_fpr": "reduction",
    "mtmr": "characterisation",
    "mtcnn": "characterisation",
}


class Hand:
    """The models at hand, for a test to change."""

    def __init__(self):
        self.models = {
            "ag3d": Detector(),
            "mtcnn_fpr": Halver(),
            "mtmr": Judge("mtmr", 0.9, 0.3, attributes={"spiculation": 4.0}),
            "mtcnn": Judge("mtcnn", 0.6, 0.1),
        }
        self.metrics: dict[str, dict] = {}
        self.loaded: list[str] = []

    def infos(self):
        return tuple(
            ModelInfo(n, n.upper(), f"{n}.", ("CT",), "0.1", 0.4, TASKS[n]) for n in TASKS if n in self.models
        )

    def load(self, name, device="auto", weights=None):
        self.loaded.append(name)
        if isinstance(self.models[name], Exception):
            raise self.models[name]
        return self.models[name]

    def card(self, name):
        return ModelCard(
            *(name, "0.1", name.upper(), "", ("CT",), {}),
            sha256=f"hash of {name}",
            metrics=self.metrics.get(name, {}),
            training={"folds": {"trained": 3}} if name == "mtmr" else {},
            task=TASKS.get(name, "detection"),
        )


@pytest.fixture
def hand(monkeypatch):
    hand = Hand()
    monkeypatch.setattr(registry, "models", hand.infos)
    monkeypatch.setattr(registry, "load_predictor", hand.load)
    monkeypatch.setattr(registry, "card", hand.card)
    fresh_model_store(monkeypatch)
    return hand


@pytest.fixture
def image():
    return Image(np.full((50, 60, 70), -900, np.int16), "CT", (1.0, 1.0, 1.0), series_uid="1.2")


def steps(run):
    """All progress, and what the run returned."""
    seen = []
    while True:
        try:
            seen.append(next(run))
        except StopIteration as stop:
            return seen, stop.value


def test_one_run_detects_and_characterises(hand, image):
    seen, findings = steps(choose(image).run(image))
    assert [f.id for f in findings] == ["d10", "d20", "d30"]
    assert all(f.opinion("mtmr") and f.opinion("mtcnn") for f in findings)
    # The mean of the log odds of 0.9 and 0.6.
    odds = (9 * 1.5) ** 0.5
    assert findings[0].malignancy == pytest.approx(odds / (1 + odds))
    assert findings[0].malignancy_spread == pytest.approx((0.3**2 / 2 + 0.1**2 / 2) ** 0.5)
    assert findings[0].attributes == {"spiculation": 4.0}
    assert [(m["name"], m["version"], m["sha256"]) for m in findings.models] == [
        ("ag3d", "0.1", "hash of ag3d"),
        ("mtmr", "0.1", "hash of mtmr"),
        ("mtcnn", "0.1", "hash of mtcnn"),
    ]
    # A reduction takes part only where its card says that it helps.
    assert hand.loaded == ["ag3d", "mtmr", "mtcnn"]
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    stages = [step.stage for step in seen]
    for stage in (
        "loading AG3D",
        "detecting",
        "MTMR: judging malignancy 2 of 3",
        "MTCNN: judging malignancy 3 of 3",
    ):
        assert stage in stages
    known = [s.findings for s in seen if s.findings is not None]
    # What was detected is said before anybody judges it.
    assert [sum(f.opinion("mtmr") is not None for f in k) for k in known[:4]] == [0, 1, 2, 3]
    assert all(len(k) == 3 for k in known)


def test_models_are_loaded_once(hand, image):
    for _ in range(2):
        finish(choose(image).run(image))
    assert hand.loaded == ["ag3d", "mtmr", "mtcnn"]


def test_a_reduction_that_helps_takes_part(hand, image):
    hand.metrics["mtcnn_fpr"] = {"helps": True}
    findings = finish(choose(image).run(image))
    assert [(f.id, round(f.score, 2)) for f in findings] == [("d30", 0.99), ("d10", 0.45), ("d20", 0.4)]
    assert [m["name"] for m in findings.models][:2] == ["ag3d", "mtcnn_fpr"]


def test_names_choose_stages(hand, image):
    findings = finish(choose(image, ["mtcnn", "mtcnn_fpr", "ag3d"]).run(image))
    assert findings[0].id == "d30"
    assert findings[0].malignancy == 0.6  # one network alone: its own word
    assert hand.loaded == ["ag3d", "mtcnn_fpr", "mtcnn"]
    assert [m["name"] for m in findings.models] == ["ag3d", "mtcnn_fpr", "mtcnn"]
    only = finish(choose(image, ["ag3d"]).run(image))
    assert all(f.malignancy is None and not f.opinions for f in only)


def test_names_that_cannot_be_used_are_refused(hand, image):
    with pytest.raises(PredictorError, match=r"no model .other.*ag3d, mtcnn_fpr, mtmr, mtcnn"):
        choose(image, ["other"])
    with pytest.raises(PredictorError, match="name a detector too"):
        finish(choose(image, ["mtmr"]).run(image))
    with pytest.raises(PredictorError, match=r"is MR, and the models take CT\. Open a chest CT"):
        choose(replace(image, modality="MR"))
    hand.models.clear()
    with pytest.raises(PredictorError, match="no weights are at hand"):
        choose(image)


def test_drawn_spheres_are_judged_and_not_touched_otherwise(hand, image):
    hand.metrics["mtcnn_fpr"] = {"helps": True}
    mine = ball(40, "mine", 11.0, status="accepted", note="new", provenance=Provenance(person="me"))
    findings = finish(choose(image).run(image, [mine]))
    judged = findings["mine"]
    assert (judged.geometry, judged.score, judged.status, judged.note, judged.provenance) == (
        *(mine.geometry, 1.0, "accepted", "new"),
        Provenance(person="me"),
    )
    assert judged.malignancy is not None
    assert len(findings) == 4


def test_what_was_outlined_keeps_its_malignancy_and_that_is_said(image):
    boxes = [Finding(Box((1, 2), (3, 4)), id=id, malignancy=0.9) for id in "ab"]
    assert sort_out(image, boxes[:1]) == (
        [],
        "One finding is no sphere and keeps the malignancy of before, not judged anew.",
    )
    assert sort_out(image, boxes)[1].startswith("2 findings are no sphere and keep the malignancy")


def test_what_is_there_is_judged_in_place(hand, image):
    old = Opinion("mtmr", "0.0", 0.1)
    given = Findings(
        (
            ball(10, "a", opinions=(old,)),
            Finding(Box((1, 2), (3, 4)), id="box"),
            ball(500, "far", opinions=(old,)),
            ball(20, "b", 40.0),
        ),
        models=({"name": "ag3d"}, {"name": "mtmr", "version": "0.0"}),
    )
    seen, findings = steps(choose(image, ["mtmr", "mtcnn"]).characterise(image, given))
    assert [f.id for f in findings] == ["a", "box", "far", "b"]
    assert [f.geometry for f in findings] == [f.geometry for f in given]
    assert findings["box"] == given["box"]
    assert findings["far"] == given["far"]
    assert [(o.model, o.version) for o in findings["a"].opinions] == [("mtmr", "0.1"), ("mtcnn", "0.1")]
    assert findings["b"].malignancy is not None
    (note,) = [step.note for step in seen if step.note]
    assert note == (
        "Sphere at z 500.0 mm: not judged, because outside the scan. Move it onto a nodule. "
        "One finding is no sphere and not judged: draw a sphere around the nodule."
    )
    assert [m["name"] for m in findings.models] == ["ag3d", "mtmr", "mtcnn"]
    assert hand.models["mtmr"].asked == [["a", "b"]]
    again = finish(choose(image, ["mtmr", "mtcnn"]).characterise(image, findings))
    assert again == findings


def test_a_sphere_outside_alone_is_an_error_that_says_so(hand, image):
    with pytest.raises(PredictorError, match="outside the scan"):
        finish(choose(image).characterise(image, Findings((ball(-30, "far"),))))


@pytest.mark.parametrize("batch", [True, False])
def test_a_characteriser_that_fails_on_one_keeps_the_others(hand, image, batch):
    hand.models["mtmr"].batch = batch
    hand.models["mtmr"].failing = {"d20"}
    seen, findings = steps(choose(image).run(image))
    assert [f.opinion("mtmr") is not None for f in findings] == [True, False, True]
    assert all(f.opinion("mtcnn") for f in findings)
    assert findings["d20"].malignancy == 0.6
    (note,) = [step.note for step in seen if step.note]
    assert note == (
        "Sphere at z 20.0 mm: not judged. MTMR stopped (RuntimeError: no memory). The log has the details."
    )
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize(
    "error", [PredictorError("no CT: open a CT."), WeightsError("w is damaged: get it again.")]
)
def test_a_characteriser_that_cannot_work_is_left_out_and_said(hand, image, error):
    if isinstance(error, WeightsError):
        hand.models["mtmr"] = error
    else:
        hand.models["mtmr"].refuses = error
    seen, findings = steps(choose(image).run(image))
    assert [step.note for step in seen if step.note] == [str(error)]
    assert [f.malignancy for f in findings] == [0.6] * 3
    assert [m["name"] for m in findings.models] == ["ag3d", "mtcnn"]
    hand.models["mtcnn"].refuses = PredictorError("nor this.")
    with pytest.raises(type(error), match=str(error)):
        finish(choose(image).characterise(image, Findings((ball(10, "a"),))))


def test_a_failing_reduction_keeps_what_was_found(hand, image):
    hand.metrics["mtcnn_fpr"] = {"helps": True}
    hand.models["mtcnn_fpr"] = WeightsError("f is damaged: get it again.")
    seen, findings = steps(choose(image).run(image))
    assert len(findings) == 3
    assert "f is damaged: get it again." in [step.note for step in seen]


def test_a_detector_that_fails_ends_the_run(hand, image):
    hand.models["ag3d"] = WeightsError("a is damaged.")
    with pytest.raises(WeightsError, match="a is damaged"):
        finish(choose(image).run(image))


def test_closing_stops_the_model_that_is_at_work(hand, image):
    run = choose(image).run(image)
    for step in run:
        if step.stage.startswith("MTMR: judging"):
            break
    run.close()
    assert hand.models["mtmr"].closed == 1
    assert hand.models["mtcnn"].asked == []


def test_nothing_found_asks_nobody(hand, image):
    hand.models["ag3d"] = Detector(())
    seen, findings = steps(choose(image).run(image))
    assert len(findings) == 0
    assert seen[-1].fraction == 1
    assert hand.loaded == ["ag3d"]
