"""What DHN hands to learning: its own scores from features and layer, at its own places, on turned radiographs too."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation
from napari_lungmtl.training.inference.predictor import ModelInfo, finish
from napari_lungmtl.training.inference.view import View
from napari_lungmtl.training.learning.candidates import Head
from napari_lungmtl.training.learning.turned import as_stored, to_turned
from napari_lungmtl.training.networks.dhn.config import SHIPPED
from napari_lungmtl.training.networks.dhn.learning import candidates, head, with_head
from napari_lungmtl.training.networks.dhn.network import Dhn
from napari_lungmtl.training.networks.dhn.predictor import DhnPredictor

SMALL = dataclasses.replace(SHIPPED, side=128, width=8, pyramid_channels=16, roi_hidden=16, proposals=20)


@pytest.fixture
def predictor() -> DhnPredictor:
    torch.manual_seed(0)
    return DhnPredictor(Dhn(SMALL), ModelInfo("dhn", "DHN", "", ("DX",), "0.1"), torch.device("cpu"))


@pytest.fixture
def image() -> Image:
    voxels = np.random.default_rng(0).uniform(100, 1000, (150, 120)).astype(np.float32)
    return Image(voxels, "DX", (0.5, 0.5), (10.0, -20.0), "case")


def test_scores_follow_from_features_and_layer_and_places_are_the_networks(predictor, image):
    drawn = np.array([[20.0, -10.0, 30.0, 4.0]])
    seen, layer = candidates(predictor, image, drawn), head(predictor)
    assert seen.logits == pytest.approx(seen.features @ layer.weight + layer.bias, abs=1e-4)
    assert seen.drawn.sum() == 1
    assert seen.places[seen.drawn].tolist() == drawn.tolist()
    before = finish(predictor.run(image))
    found = np.array([(*f.geometry.low, *f.geometry.high) for f in before])
    inside = np.clip(seen.places, [10 - 0.25, -20 - 0.25] * 2, [85 - 0.25, 40 - 0.25] * 2)
    assert len(found)
    assert np.abs(found[:, None] - inside[None]).max(2).min(1).max() < 1e-2
    predictor.net.load_state_dict(with_head(predictor, layer + Head(np.zeros(16), 2.0)))
    assert head(predictor).bias == pytest.approx(layer.bias + 2)
    assert finish(predictor.run(image))[0].score > before[0].score


def test_places_on_a_turned_radiograph_come_back(predictor, image):
    view = View.of(image, Orientation(quarters=1, mirrored=True))
    places = np.array([[20.0, -10.0, 30.0, 4.0], [50.0, 5.0, 60.0, 30.0]])
    turned = to_turned(places, view)
    seen = as_stored(candidates(predictor, view.turned, turned), view)
    assert seen.places[seen.drawn] == pytest.approx(places)
    assert turned.shape == (2, 4)
    assert not np.allclose(turned, places)
