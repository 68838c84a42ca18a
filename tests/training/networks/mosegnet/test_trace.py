"""MO-SegNet's reasons on a map that is known: marks, fused peaks, what is too low, the rim of a mark, beside the picture."""

import numpy as np
import pytest

from napari_lungmtl.training.explain.answer import EDGE, FLOOR, NOTHING, OVERLAP, UNSEEN, Place
from napari_lungmtl.training.findings import Box, Finding
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.inference.predictor import SCORE_FLOOR, ModelInfo
from napari_lungmtl.training.networks.mosegnet.components import components
from napari_lungmtl.training.networks.mosegnet.predictor import placed
from napari_lungmtl.training.networks.mosegnet.trace import MosegnetTrace

INFO = ModelInfo("mosegnet", "MO-SegNet", "", ("DX",), "0.1")
SIDE = 128


def hill(y, x, height, width):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))


@pytest.fixture
def trace():
    """A sure hill with a lower one on its slope, and a faint one far away; one unit a pixel."""
    image = Image(np.random.default_rng(0).uniform(0, 1, (SIDE, SIDE)), "DX", None, (0.0, 0.0))
    radiograph = make_radiograph_input(image, SIDE)
    probability = np.maximum.reduce([hill(40, 40, 0.9, 6), hill(40, 51, 0.7, 4), hill(100, 100, 0.04, 5)])
    probability[probability < 1e-3] = 0
    probability = probability.astype(np.float32)
    found = [
        (part, Finding(placed(part.mask, radiograph, (part.top, part.left)), score=part.peak))
        for part in components(probability, SCORE_FLOOR)
    ]
    assert len(found) == 1
    return MosegnetTrace(INFO, probability, radiograph, found, (1.0, 0.0)), found[0][1]


def kinds(answer):
    return [cause.kind for cause in answer.causes]


def test_a_point_in_a_mask_is_marked_and_its_fused_peaks_are_counted(trace):
    trace, finding = trace
    for point in ((40.0, 40.0), (40.0, 51.0)):
        answer = trace.answer(Place(point))
        assert answer.mark == finding.geometry
        assert not answer.causes
        assert answer.stages[-1].limit == "2 peaks"


def test_what_is_too_low_would_be_a_mark_under_its_score(trace):
    trace, _ = trace
    answer = trace.answer(Place((102.0, 98.0)))
    assert kinds(answer) == [FLOOR]
    assert answer.score == pytest.approx(0.04, abs=1e-3)
    lower = components(trace._probability, answer.score * 0.99)
    assert any(part.place == (100, 100) for part in lower), "without the floor it is one"


def test_a_point_on_the_slope_lies_beyond_the_rim(trace):
    trace, _ = trace
    answer = trace.answer(Place((40.0, 29.0)))
    assert kinds(answer) == [EDGE]
    assert "ends before it" in answer.sentence


def test_a_nodule_fused_with_a_surer_mark_is_said_to_be(trace):
    trace, _ = trace
    answer = trace.answer(Place((40.0, 51.0), Box((36.0, 48.0), (44.0, 56.0))))
    assert kinds(answer) == [OVERLAP]
    assert "fused with a surer mark" in answer.sentence


def test_nothing_and_beside_the_picture(trace):
    trace, _ = trace
    assert kinds(trace.answer(Place((10.0, 110.0)))) == [NOTHING]
    assert kinds(trace.answer(Place((-5.0, 10.0)))) == [UNSEEN]
