"""From an image to findings in world coordinates, with a network that paints by grey value."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_lungmtl.training.findings import Findings, Mask
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress, finish
from napari_lungmtl.training.networks.mosegnet.config import SHIPPED as TRAINED
from napari_lungmtl.training.networks.mosegnet.config import Config
from napari_lungmtl.training.networks.mosegnet.predictor import MosegnetPredictor

from ....stand_ins.blob_radiographs import disc

SPACING, ORIGIN = (0.6, 0.8), (12.5, -7.0)
CPU = torch.device("cpu")
SHIPPED = dataclasses.replace(TRAINED, local_contrast=False)
"""The painter goes by grey values as they are."""


class Painter(nn.Module):
    """Bright is a nodule; dark is lung, the right one in the left half of the radiograph."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.radiographs: list[Tensor] = []

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.radiographs.append(x)
        value, column = (x[:, 0] + 1) / 2, torch.linspace(0, 1, x.shape[-1])
        lesions = torch.stack([torch.zeros_like(value), (value - 0.8) * 60], 1)
        dark = (0.25 - value) * 60
        right, left = torch.where(column < 0.5, dark, -60.0), torch.where(column >= 0.5, dark, -60.0)
        return lesions, torch.stack([torch.zeros_like(value), right, left], 1)


def predictor(config: Config = SHIPPED, net: Callable[[Config], nn.Module] = Painter) -> Any:
    info = ModelInfo("mosegnet", "MO-SegNet", "", ("CR", "DX"), "0.1")
    return MosegnetPredictor(net(config), info, CPU)  # type: ignore[arg-type]


def chest(height: int = 300, width: int = 400) -> np.ndarray:
    """Grey, two dark lungs, a bright nodule of radius 20 pixels at row 130, column 120."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    values = np.full((height, width), 500.0)
    for x in (115, 285):
        values[((rows - 150) / 110) ** 2 + ((columns - x) / 60) ** 2 <= 1] = 200
    values[np.hypot(rows - 130, columns - 120) <= 20] = 1000
    return values.astype(np.float32)


def image(values: np.ndarray, **changes: Any) -> Image:
    return Image(values, "DX", SPACING, ORIGIN, **changes)


def world(edge: tuple[float, float]) -> np.ndarray:
    return (np.array(edge) - 0.5) * SPACING + ORIGIN


def test_a_nodule_comes_back_where_it_is():
    found = finish(predictor().run(image(chest())))
    (finding,) = found
    assert isinstance(finding.geometry, Mask)
    np.testing.assert_allclose(finding.center, world((130, 120)), atol=0.3)
    area = sum(n for _, n in finding.geometry.runs) * np.prod(finding.geometry.spacing)
    assert abs(area / (np.pi * 20**2 * np.prod(SPACING)) - 1) < 0.05
    low, high = world((110, 100)), world((150, 140))
    np.testing.assert_allclose(finding.box.low, low, atol=0.5)
    np.testing.assert_allclose(finding.box.high, high, atol=0.5)
    assert finding.score > 0.9
    assert finding.provenance.label == "mosegnet 0.1"


def test_lungs_are_regions_and_padding_is_none():
    """The radiograph's padding is dark like lungs; it belongs to no image."""
    found = finish(predictor().run(image(chest())))
    assert {r.name for r in found.regions} == {"right lung", "left lung"}
    left = found.region("left lung").mask
    np.testing.assert_allclose(left.center, world((150, 285)), atol=0.5)
    area = sum(n for _, n in left.runs) * np.prod(left.spacing)
    assert abs(area / (np.pi * 110 * 60 * np.prod(SPACING)) - 1) < 0.03
    # A hole that the nodule leaves is filled.
    np.testing.assert_allclose(found.region("right lung").mask.center, world((150, 115)), atol=0.5)


def test_the_units_are_pixels_without_spacing():
    (finding,) = finish(predictor().run(Image(chest(), "CR")))
    np.testing.assert_allclose(finding.center, (129.5, 119.5), atol=0.5)


def test_evidence_lies_where_the_nodule_is():
    heat_map = predictor().heat_map(image(chest()))
    row, column = (n.mean() for n in np.nonzero(heat_map.values > 0.5))
    place = np.array((row, column)) * heat_map.spacing + heat_map.origin
    np.testing.assert_allclose(place, world((130, 120)), atol=0.3)
    assert heat_map.values.shape == (512, 512)


def test_the_mirrored_view_swaps_the_sides():
    """Painter goes by the place on the film: without swapping, the mean of both views would know no side."""
    plain, mirrored = (
        finish(predictor(dataclasses.replace(SHIPPED, mirror=m)).run(image(chest()))) for m in (False, True)
    )
    for name in ("right lung", "left lung"):
        assert plain.region(name).mask == mirrored.region(name).mask


def test_calibration_moves_scores_and_never_the_floor():
    values = chest()
    faint = disc(400, 220, 285, 14)[:300] & (values == 200)
    values[faint] = 880  # below the nodule: a peak of about 0.95, raw
    scores = {}
    for intercept in (0.0, -6.0):
        config = dataclasses.replace(SHIPPED, calibration=(1.0, intercept))
        scores[intercept] = [f.score for f in finish(predictor(config).run(image(values)))]
    assert len(scores[0.0]) == 2
    assert len(scores[-6.0]) == 1
    assert all(s >= 0.05 for s in scores[-6.0])
    assert scores[0.0] == sorted(scores[0.0], reverse=True)


def notes(run: Any) -> tuple[list[Progress], Findings]:
    seen = []
    while True:
        try:
            seen.append(next(run))
        except StopIteration as stop:
            return [p for p in seen if p.note], stop.value


def test_an_upright_chest_needs_no_note():
    assert not notes(predictor().run(image(chest())))[0]


def test_without_two_lungs_a_person_is_asked():
    values = np.mgrid[:64, :64][0].astype(np.float32)
    said, _ = notes(predictor().run(image(values, series_uid="a-photograph")))
    assert said[-1].note == "No two lungs were found: is a-photograph a frontal chest radiograph, upright?"


def test_a_second_lesion_is_a_region():
    class Effusion(Painter):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            lesions, lungs = super().forward(x)
            low = torch.full_like(lesions[:, :1], -60.0)
            low[:, :, 300:340, 100:200] = 60
            return torch.cat([lesions, low], 1), lungs

    config = dataclasses.replace(SHIPPED, lesions=("nodule", "pleural effusion"), mirror=False)
    found = finish(predictor(config, Effusion).run(Image(chest(400, 512), "CR")))
    assert found.region("pleural effusion").mask.shape == (40, 100)
    assert len(found) == 1


def test_out_of_gpu_memory_goes_on_with_the_cpu():
    class Small(Painter):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            if not self.radiographs:
                self.radiographs.append(x)
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(x)

    said, found = notes(predictor(net=Small).run(image(chest())))
    assert "CPU" in said[0].note
    assert len(found) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Image(np.zeros((4, 5, 6), np.float32), "CT", (1, 1, 1)), "volume"),
        (Image(np.eye(8, dtype=np.float32), "CT"), "is CT"),
        (Image(np.ones((8, 8), np.float32), "DX"), "same value"),
    ],
)
def test_what_is_no_radiograph_is_refused(wrong: Image, why: str):
    with pytest.raises(PredictorError, match=why):
        finish(predictor().run(wrong))
    with pytest.raises(PredictorError, match=why):
        predictor().heat_map(wrong)
