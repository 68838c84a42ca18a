"""DHN on images: places come back in mm, whatever the shape of the picture, and what cannot be done is said."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.inference.predictor import SCORE_FLOOR, ModelInfo, PredictorError, finish
from napari_lungmtl.training.networks.dhn.config import SHIPPED
from napari_lungmtl.training.networks.dhn.local_head import Found
from napari_lungmtl.training.networks.dhn.network import Dhn
from napari_lungmtl.training.networks.dhn.predictor import DhnPredictor

INFO = ModelInfo("dhn", "DHN", "", ("CR", "DX"), "0.1")
SMALL = dataclasses.replace(SHIPPED, width=8, pyramid_channels=16, roi_hidden=16)
CPU = torch.device("cpu")


class Brightest(torch.nn.Module):
    """Stands for the network: one box around everything that is nearly white."""

    def __init__(self, score: float = 0.9) -> None:
        super().__init__()
        self.config, self.score = SMALL, score

    def forward(self, radiographs):
        found = []
        for radiograph in radiographs:
            rows, columns = torch.where(radiograph > 0.7)
            box = torch.tensor([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]).float()
            found.append(Found(box, torch.tensor([self.score]), torch.tensor([0.4])))
        return torch.full((len(radiographs),), 0.7), found


def radiograph(shape, spacing, origin, low, high, dtype=np.float32):
    """A dark picture with one white rectangle over the pixels low … high (exclusive)."""
    rng = np.random.default_rng(0)
    voxels = rng.uniform(100, 300, shape)
    voxels[low[0] : high[0], low[1] : high[1]] = 1000
    return Image(voxels.astype(dtype), "DX", spacing, origin, "case")


@given(
    shape=st.tuples(st.integers(200, 900), st.integers(200, 900)),
    spacing=st.one_of(
        st.none(), st.tuples(st.floats(0.1, 1.5), st.floats(0.5, 2.0)).map(lambda s: (s[0], s[0] * s[1]))
    ),
    origin=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
    where=st.tuples(st.floats(0.1, 0.6), st.floats(0.1, 0.6)),
)
@settings(max_examples=40, deadline=None)
def test_a_box_comes_back_where_it_is(shape, spacing, origin, where):
    low = [round(w * n) for w, n in zip(where, shape)]
    high = [a + n // 4 for a, n in zip(low, shape)]
    image = radiograph(shape, spacing, origin, low, high)
    findings = finish(DhnPredictor(Brightest(), INFO, CPU).run(image))
    (finding,) = findings
    step = np.array(spacing or (1.0, 1.0))
    expected = (
        np.array(origin) + (np.array([low, high]) - 0.5) * step
    )  # through the outer edges of the pixels
    # Pixels of a radiograph, which are square, are the grain; half of one for the threshold.
    radiograph_pixel = max(np.array(shape) * step) / 512
    np.testing.assert_array_less(
        np.abs(np.array(finding.geometry.low) - expected[0]), 1.1 * radiograph_pixel + 0.6 * step
    )
    np.testing.assert_array_less(
        np.abs(np.array(finding.geometry.high) - expected[1]), 1.1 * radiograph_pixel + 0.6 * step
    )
    assert finding.score == pytest.approx(0.9)
    assert finding.scores == {"rpn": pytest.approx(0.4)}
    assert finding.provenance.label == "dhn 0.1"
    (whole,) = findings.image_scores
    assert (whole.model, whole.version, whole.threshold) == ("dhn", "0.1", 0.5)
    assert whole.probability == pytest.approx(0.7)
    assert findings.image.units == image.units


def test_boxes_end_at_the_rim_of_the_picture_and_lie_beside_it_never():
    class Beside(Brightest):
        def forward(self, radiographs):
            boxes = torch.tensor([[100.0, 100, 200, 150], [0.0, 200, 120, 300]])  # padding ends at column 128
            boxes[0, 2] = 125
            return None, [Found(boxes, torch.tensor([0.9, 0.8]), torch.tensor([0.5, 0.5]))]

    image = radiograph((512, 256), (1.0, 1.0), (0.0, 0.0), (10, 10), (60, 60))
    findings = finish(DhnPredictor(Beside(), INFO, CPU).run(image))
    assert len(findings) == 0, "the second box is wholly in the padding too"

    class Across(Beside):
        def forward(self, radiographs):
            return None, [
                Found(torch.tensor([[100.0, 200, 160, 300]]), torch.tensor([0.9]), torch.tensor([0.5]))
            ]

    (finding,) = finish(DhnPredictor(Across(), INFO, CPU).run(image))
    assert finding.geometry.low == pytest.approx((199.5, -0.5))
    assert finding.geometry.high == pytest.approx((299.5, 31.5))
    assert findings.image_scores == ()


def test_what_scores_low_is_left_out_after_calibration():
    image = radiograph((300, 300), None, (0.0, 0.0), (50, 50), (120, 120))
    assert len(finish(DhnPredictor(Brightest(SCORE_FLOOR - 0.01), INFO, CPU).run(image))) == 0
    stub = Brightest(0.02)
    stub.config = dataclasses.replace(SMALL, calibration=(1.0, 3.0))
    (finding,) = finish(DhnPredictor(stub, INFO, CPU).run(image))
    odds = 0.02 / 0.98 * np.exp(3)
    assert finding.score == pytest.approx(odds / (1 + odds), abs=1e-5)


def test_the_heat_map_lies_where_the_network_looked():
    net = Dhn(SMALL).eval()

    class Stub(torch.nn.Module):
        def forward(self, maps):
            logits = [torch.full((1, 1, *m.shape[-2:]), -9.0) for m in maps]
            logits[1][0, 0, 20, 30] = 9.0  # stride 8: radiograph pixel (160, 240)
            return logits, None

    net.local_head.rpn.head = Stub()
    image = radiograph((1000, 700), (0.3, 0.4), (-20.0, 7.0), (100, 100), (300, 300))
    heat_map = DhnPredictor(net, INFO, CPU).heat_map(image)
    peak = np.array(np.unravel_index(heat_map.values.argmax(), heat_map.values.shape))
    world = np.array(heat_map.origin) + peak * np.array(heat_map.spacing)
    np.testing.assert_allclose(world, make_radiograph_input(image).to_world((160.5, 240.5)))
    assert heat_map.values.dtype == np.float32
    assert 0 <= heat_map.values.min() <= heat_map.values.max() <= 1
    assert not heat_map.values[~make_radiograph_input(image).inside].any()


def test_a_factor_and_an_offset_change_nothing():
    torch.manual_seed(0)
    predictor = DhnPredictor(Dhn(SMALL), INFO, CPU)
    one = radiograph((400, 300), (0.5, 0.5), (0.0, 0.0), (100, 100), (180, 160), np.uint16)
    two = dataclasses.replace(one, voxels=one.voxels * 4 + 512)
    first, second = finish(predictor.run(one)), finish(predictor.run(two))
    assert len(first) > 0
    assert [f.geometry for f in first] == [f.geometry for f in second]
    assert [f.score for f in first] == [f.score for f in second]
    scores = [f.score for f in first]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("heads", "image_scores", "boxes"), [("global", 1, False), ("local", 0, True), ("both", 1, True)]
)
def test_single_heads_predict(heads, image_scores, boxes):
    torch.manual_seed(0)
    predictor = DhnPredictor(Dhn(dataclasses.replace(SMALL, heads=heads)), INFO, CPU)
    image = radiograph((400, 300), (0.5, 0.5), (0.0, 0.0), (100, 100), (180, 160))
    findings = finish(predictor.run(image))
    assert len(findings.image_scores) == image_scores
    assert (len(findings) > 0) == boxes
    if heads == "global":
        with pytest.raises(PredictorError, match="no local head"):
            predictor.heat_map(image)


def test_a_run_says_what_it_does_and_brings_its_findings():
    image = radiograph((300, 300), None, (0.0, 0.0), (50, 50), (120, 120))
    steps = list(DhnPredictor(Brightest(), INFO, CPU).run(image))
    assert [s.stage for s in steps] == [
        "preparing the radiograph",
        "looking for nodules",
        "looking for nodules",
    ]
    assert steps[-1].fraction == 1
    assert len(steps[-1].findings) == 1


def test_without_memory_on_the_gpu_the_cpu_takes_over():
    class Full(Brightest):
        calls = 0

        def forward(self, radiographs):
            self.calls += 1
            if self.calls == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(radiographs)

    image = radiograph((300, 300), None, (0.0, 0.0), (50, 50), (120, 120))
    steps = list(DhnPredictor(Full(), INFO, CPU).run(image))
    assert "CPU" in steps[-1].note
    assert len(steps[-1].findings) == 1


@pytest.mark.parametrize(
    ("image", "note"),
    [
        (Image(np.full((500, 400), 7, np.uint8), "DX"), "blank"),
        (Image(np.arange(40 * 400).reshape(40, 400), "DX"), "400 × 40"),
    ],
)
def test_pictures_that_show_nothing_give_nothing_and_a_reason(image, note):
    run = DhnPredictor(Dhn(SMALL), INFO, CPU).run(image)
    notes = []
    while True:
        try:
            notes.append(next(run).note)
        except StopIteration as stop:
            findings = stop.value
            break
    assert len(findings) == 0
    assert findings.image_scores == ()
    assert note in notes[-1]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image(np.zeros((4, 100, 100)), "CT", (1.0, 1.0, 1.0)), "volume"),
        (Image(np.zeros((100, 100)), "MG"), "is MG"),
        (Image(np.zeros((100, 100)), "CT"), "is CT"),
    ],
)
def test_what_is_no_radiograph_is_refused(image, message):
    predictor = DhnPredictor(Dhn(SMALL), INFO, CPU)
    with pytest.raises(PredictorError, match=message):
        finish(predictor.run(image))
    with pytest.raises(PredictorError, match=message):
        predictor.heat_map(image)
