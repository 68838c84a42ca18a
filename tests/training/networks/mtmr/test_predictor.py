"""MTMR-Net on images: the same judgement from a training cube and from a scan, with what a person must know."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, finish
from napari_lungmtl.training.networks.mtmr.config import SHIPPED
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.networks.mtmr.predictor import MtmrPredictor

INFO = ModelInfo("mtmr", "MTMR-Net", "", ("CT",), "0.1", task="characterisation")


@pytest.fixture(scope="module")
def predictor():
    torch.manual_seed(0)
    config = dataclasses.replace(SHIPPED, width=8)
    models = {k: Mtmr(config) for k in "01234"}
    for net in models.values():  # so that what it looks at matters more than its start
        torch.nn.init.normal_(net.malignancy.weight, std=1.0)
    return MtmrPredictor(
        models, dict.fromkeys("01234", (1.0, 0.0)), {"known": "3"}, INFO, torch.device("cpu")
    )


def smooth(spacing, origin, series="new"):
    """A scan with a soft, lopsided nodule at LPS z, y, x = (10, −20, 30)."""
    shape = tuple(int(90 / s) for s in spacing)
    image = Image(np.zeros(shape, np.float32), "CT", spacing, origin)
    world = image.to_world(np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1))
    off = (world - (10, -20, 30)) / (6, 5, 4)
    hu = -900 + 900 * np.exp(-0.5 * (off**2).sum(-1)) + 3 * (world[..., 2] - 30)
    return Image(hu.astype(np.float32), "CT", spacing, origin, series)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.6, 0.6), (1.25, 0.7, 0.7)])
def test_the_grid_of_the_scan_hardly_matters(predictor, spacing):
    """One nodule at one LPS point, scanned on different grids, against a cube cut at exactly that point."""
    offset = np.stack(np.meshgrid(*[np.arange(50) - 24.5] * 3, indexing="ij"), -1)
    cube = -900 + 900 * np.exp(-0.5 * ((offset / (6, 5, 4)) ** 2).sum(-1)) + 3 * offset[..., 2]
    expected = predictor.opinion(cube, np.full(3, 24.5), 12.0, "new")
    image = smooth(spacing, (-34.3, -63.1, -12.7))
    (finding,) = finish(predictor.run(image, Findings((Finding(Sphere((10, -20, 30), 12)),))))
    opinion = finding.opinion("mtmr")
    assert opinion.malignancy == pytest.approx(expected.malignancy, abs=0.03)
    assert opinion.view_names == expected.view_names
    moved = predictor.opinion(np.roll(cube, 6, axis=2), np.full(3, 24.5), 12.0, "new")
    assert abs(moved.malignancy - expected.malignancy) > abs(opinion.malignancy - expected.malignancy)


def test_an_opinion_is_complete(predictor):
    image = smooth((1.0, 1.0, 1.0), (-34.0, -63.0, -12.0))
    (finding,) = finish(predictor.run(image, Findings((Finding(Sphere((10, -20, 30), 12)),))))
    opinion = finding.opinion("mtmr")
    assert len(opinion.fold_scores) == 5
    assert opinion.malignancy == pytest.approx(np.mean(opinion.fold_scores))
    assert len(opinion.view_scores) == len(opinion.view_names) == 15
    assert opinion.std == pytest.approx(np.std(opinion.view_scores))
    assert opinion.view_names[0] == "axial −4.8 mm"
    assert set(finding.attributes) == set(ATTRIBUTES) == set(opinion.attribute_spread)
    assert 1 <= min(finding.attributes.values()) <= max(finding.attributes.values()) <= 6
    assert finding.attributes["internalStructure"] <= 4
    assert not opinion.notes


def test_a_scan_of_the_training_data_is_judged_by_one_model(predictor):
    image = smooth((1.0, 1.0, 1.0), (-34.0, -63.0, -12.0), "known")
    (finding,) = finish(predictor.run(image, Findings((Finding(Sphere((10, -20, 30), 12)),))))
    assert len(finding.opinion("mtmr").fold_scores) == 1


def test_closing_stops(predictor):
    image = smooth((1.0, 1.0, 1.0), (-34.0, -63.0, -12.0))
    run = predictor.run(image, Findings(tuple(Finding(Sphere((10, -20, 30), d)) for d in (8, 10, 12))))
    first = next(run)
    assert sum(bool(f.opinions) for f in first.findings) == 1
    run.close()
    with pytest.raises(StopIteration):
        next(run)
