"""What 3D-AG hands to learning: the second branch's own scores from features and layer, at its own places."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, finish
from napari_lungmtl.training.learning.candidates import Head
from napari_lungmtl.training.networks.ag3d.config import SHIPPED
from napari_lungmtl.training.networks.ag3d.detect import PaddedVolume
from napari_lungmtl.training.networks.ag3d.learning import head, with_head
from napari_lungmtl.training.networks.ag3d.learning.last_layer import seen_candidates
from napari_lungmtl.training.networks.ag3d.network import Ag3d
from napari_lungmtl.training.networks.ag3d.predictor import Ag3dPredictor

SMALL = dataclasses.replace(SHIPPED, stem_channels=8, growth=4, pyramid_channels=8, rpn_floor=0.0)


def test_scores_follow_from_features_and_layer_and_places_are_the_networks():
    torch.manual_seed(0)
    predictor = Ag3dPredictor(Ag3d(SMALL), ModelInfo("ag3d", "3D-AG", "", ("CT",)), torch.device("cpu"))
    hu = np.random.default_rng(0).uniform(-900, 100, (18, 18, 18)).astype(np.float32)
    volume = Image(hu, "CT", (1.0, 1.0, 1.0), (-100.0, 5.0, 40.0))
    padded = PaddedVolume(hu)
    seen = finish(predictor.detect_volume(padded))
    drawn = np.array([[-92.0, 12.0, 49.0, 6.0], [-90.0, 14.0, 50.0, 30.0]])
    found, layer = seen_candidates(predictor, seen, volume, padded.offset, drawn), head(predictor)
    assert found.logits == pytest.approx(found.features @ layer.weight + layer.bias, abs=1e-4)
    assert found.places[found.drawn] == pytest.approx(drawn, abs=1e-4)
    detections = seen.reading.detections
    own = found.places[~found.drawn]
    own = np.column_stack([volume.to_index(own[:, :3]) + padded.offset, own[:, 3]])
    order = np.abs(detections.spheres[:, None] - own[None]).max(2).argmin(1)
    assert own[order] == pytest.approx(detections.spheres, abs=1e-3)
    assert 1 / (1 + np.exp(-found.logits[~found.drawn][order])) == pytest.approx(detections.fprn, abs=1e-4)
    predictor.net.load_state_dict(with_head(predictor, layer + Head(np.zeros(256), 1.5)))
    assert head(predictor).bias == pytest.approx(layer.bias + 1.5)
