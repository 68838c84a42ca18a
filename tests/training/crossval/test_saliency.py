"""What malignancy hangs on: gradients by voxel, placed in the world, of small untrained networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.crossval.nodule_cubes import MIDDLE, nodule_cube
from napari_lungmtl.training.crossval.saliency import saliency
from napari_lungmtl.training.findings import Box, Finding, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError
from napari_lungmtl.training.networks.mtcnn.config import SHIPPED as MTCNN
from napari_lungmtl.training.networks.mtcnn.network import MtCnn
from napari_lungmtl.training.networks.mtcnn.predictor import MtcnnPredictor
from napari_lungmtl.training.networks.mtmr.config import SHIPPED as MTMR
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.networks.mtmr.predictor import MtmrPredictor

from ...stand_ins.fresh_models import fresh_model_store

CENTER = (-40.0, 40.0, 40.0)


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    voxels = rng.normal(-700, 60, (60, 90, 90)).astype(np.int16)
    voxels[28:33, 40:50, 40:50] = 20
    return Image(voxels, "CT", (2.0, 0.9, 0.9), (-100.0, 0.0, 0.0), series_uid="new")


@pytest.fixture(scope="module")
def predictors():
    torch.manual_seed(0)
    calibration, cpu = {"0": (1.0, 0.0)}, torch.device("cpu")
    infos = [ModelInfo(n, n, "", ("CT",), "0", task="characterisation") for n in ("mtmr", "mtcnn")]
    mtmr = MtmrPredictor({"0": Mtmr(dataclasses.replace(MTMR, width=8))}, calibration, {}, infos[0], cpu)
    return {"mtmr": mtmr, "mtcnn": MtcnnPredictor({"0": MtCnn(MTCNN)}, calibration, {}, infos[1], cpu)}


@pytest.mark.parametrize("name", ["mtmr", "mtcnn"])
def test_a_map_says_which_voxels_move_the_log_odds(predictors, image, name):
    predictor = predictors[name]
    found = predictor.saliency(image, Finding(Sphere(CENTER, 8.0)))
    assert found.shape == (50, 50, 50)
    assert found.voxels.max() == pytest.approx(1.0)
    assert found.voxels.min() >= 0
    assert np.allclose(found.to_world((MIDDLE,) * 3), CENTER)
    cube = torch.from_numpy(nodule_cube(image, CENTER)[0].astype(np.float32))
    net = predictor.models["0"]

    def moved(box) -> float:
        """Change of the log odds when a small box of voxels becomes denser."""
        denser = cube.clone()
        denser[box] += 20
        with torch.inference_mode():
            return float(predictor.log_odds_of(net, denser, 8.0) - predictor.log_odds_of(net, cube, 8.0))

    high = np.unravel_index(int(found.voxels.argmax()), found.shape)
    assert moved(tuple(slice(max(i - 1, 0), i + 2) for i in high)) != 0
    untouched = np.argwhere(found.voxels == 0)
    if len(untouched):
        assert moved(tuple(slice(i, i + 1) for i in untouched[0])) == 0


def test_both_networks_make_one_map_and_what_is_no_sphere_has_none(predictors, image, monkeypatch):
    monkeypatch.setattr(registry, "load_predictor", lambda name, device: predictors[name])
    monkeypatch.setattr(registry, "characterisers", lambda: ("mtmr", "mtcnn"))
    fresh_model_store(monkeypatch)
    finding = Finding(Sphere(CENTER, 8.0))
    both = saliency(image, finding, "cpu")
    each = [p.saliency(image, finding).voxels for p in predictors.values()]
    assert np.allclose(both.voxels, np.mean(each, axis=0), atol=1e-6)
    for wrong in (Finding(Box((0, 0), (1, 1))), Finding(Sphere((500.0, 0, 0), 5))):
        with pytest.raises(PredictorError):
            saliency(image, wrong, "cpu")
