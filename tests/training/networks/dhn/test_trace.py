"""DHN's reasons: every box is found again at its place, and without the named causes every other place has one."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch

from napari_lungmtl.training.explain.answer import NOTHING, UNSEEN, Place
from napari_lungmtl.training.findings import Box
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import ModelInfo
from napari_lungmtl.training.networks.dhn.config import SHIPPED
from napari_lungmtl.training.networks.dhn.network import Dhn
from napari_lungmtl.training.networks.dhn.predictor import DhnPredictor

INFO = ModelInfo("dhn", "DHN", "", ("CR", "DX"), "0.1")
SMALL = dataclasses.replace(SHIPPED, width=8, pyramid_channels=16, roi_hidden=16, boxes=20)


@pytest.fixture(scope="module", params=[(0.0, 20), (-4.0, 20), (0.0, 5)], ids=["many", "low", "few"])
def traced(request):
    """An untrained network, whose scores are about half, low, or of which only few boxes stay."""
    bias, boxes = request.param
    torch.manual_seed(0)
    net = Dhn(dataclasses.replace(SMALL, boxes=boxes, calibration=(1.0, bias)))
    torch.nn.init.normal_(net.local_head.score.weight, std=1.0)
    picture = np.random.default_rng(0).uniform(0, 1000, (300, 400))
    image = Image(picture, "DX", (0.5, 0.5), (10.0, -20.0), "case")
    steps, findings = [], None
    run = DhnPredictor(net, INFO, torch.device("cpu")).run(image)
    for step in run:
        steps.append(step)
        findings = step.findings or findings
    (trace,) = [s.trace for s in steps if s.trace is not None]
    return trace, findings, image


def test_every_box_is_the_mark_of_its_place(traced):
    trace, findings, _ = traced
    for finding in findings:
        answer = trace.answer(Place(finding.center, finding.geometry))
        assert answer.mark == finding.geometry
        assert answer.score == pytest.approx(finding.score)
        at_point = trace.answer(Place(finding.center))
        assert at_point.mark is not None
        assert at_point.score >= finding.score - 1e-9, "the surest of those that hold the point"
    assert [(b, pytest.approx(s)) for b, s in trace.marks_without(trace.answer(Place((0.0, 0.0))))]


def test_without_the_causes_a_box_appears(traced):
    trace, _, image = traced
    rng, causes = np.random.default_rng(0), Counter()
    low, high = image.extent
    for k in range(60):
        point = rng.uniform(low, high)
        half = rng.uniform(3, 40, 2)
        nodule = Box(tuple(point - half), tuple(point + half)) if k % 3 else None
        answer = trace.answer(Place(tuple(point), nodule))
        causes["+".join(c.kind for c in answer.causes) or "mark"] += 1
        if answer.mark is not None or answer.causes[0].kind == NOTHING:
            continue
        there = [s for box, s in trace.marks_without(answer) if trace.is_here(box, answer.place)]
        assert any(score == pytest.approx(answer.score, abs=1e-5) for score in there), answer
        assert any(stage.passed is False for stage in answer.stages)
    assert len(causes) > 1


def test_beside_the_picture_nothing_was_looked_at(traced):
    trace, *_ = traced
    assert [c.kind for c in trace.answer(Place((-500.0, 0.0))).causes] == [UNSEEN]
