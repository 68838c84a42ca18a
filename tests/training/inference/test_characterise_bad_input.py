"""What cannot be judged well, or at all: both characterisers behind the chain, with small untrained networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import chain_of
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, finish
from napari_lungmtl.training.networks.mtcnn.config import SHIPPED as MTCNN
from napari_lungmtl.training.networks.mtcnn.network import MtCnn
from napari_lungmtl.training.networks.mtcnn.predictor import MtcnnPredictor
from napari_lungmtl.training.networks.mtmr.config import SHIPPED as MTMR
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.networks.mtmr.predictor import MtmrPredictor

from ...stand_ins.fresh_models import fresh_model_store

INFOS = (
    ModelInfo("mtmr", "MTMR-Net", "", ("CT",), "0", task="characterisation"),
    ModelInfo("mtcnn", "MT-CNN", "", ("CT",), "0", task="characterisation"),
)


@pytest.fixture
def chain(monkeypatch):
    torch.manual_seed(0)
    calibration, cpu = {"0": (1.0, 0.0)}, torch.device("cpu")
    mtmr = MtmrPredictor({"0": Mtmr(dataclasses.replace(MTMR, width=8))}, calibration, {}, INFOS[0], cpu)
    mtcnn = MtcnnPredictor({"0": MtCnn(MTCNN)}, calibration, {}, INFOS[1], cpu)
    monkeypatch.setattr(registry, "load_predictor", lambda name, device: {"mtmr": mtmr, "mtcnn": mtcnn}[name])
    fresh_model_store(monkeypatch)
    return chain_of(INFOS)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    voxels = rng.normal(-800, 60, (60, 90, 90)).astype(np.int16)
    voxels[28:36, 40:50, 40:50] = 20
    return Image(voxels, "CT", (2.0, 0.9, 0.9), (-100.0, 0.0, 0.0), series_uid="new")


def judge(chain, image, *spheres):
    """Findings f0, f1 … after the chain, and the notes on the way."""
    findings = Findings(tuple(Finding(Sphere(c, d), id=f"f{i}") for i, (c, d) in enumerate(spheres)))
    run, notes = chain.characterise(image, findings), []
    while True:
        try:
            notes.append(next(run).note)
        except StopIteration as stop:
            return stop.value, [n for n in notes if n]


MIDDLE = (-40.0, 40.0, 40.0)


def test_a_nodule_in_the_middle_needs_no_note(chain, image):
    findings, notes = judge(chain, image, (MIDDLE, 10.0))
    assert notes == []
    assert [o.notes for o in findings["f0"].opinions] == [(), ()]


@pytest.mark.parametrize(("diameter", "says"), [(45.0, "Ø 45.0 mm"), (1.5, "Ø 1.5 mm")])
def test_a_size_that_training_did_not_have_is_judged_and_said(chain, image, diameter, says):
    findings, notes = judge(chain, image, (MIDDLE, diameter), (MIDDLE, 10.0))
    assert notes == []
    for opinion in findings["f0"].opinions:
        (note,) = opinion.notes
        assert says in note
        assert "3–30 mm" in note
    assert findings["f0"].malignancy is not None
    assert not any(o.notes for o in findings["f1"].opinions)


@pytest.mark.parametrize("center", [(-100.5, 40.0, 40.0), (-40.0, 80.0, 1.0)])
def test_at_the_edge_it_is_padded_and_said(chain, image, center):
    findings, _ = judge(chain, image, (center, 8.0))
    for opinion in findings["f0"].opinions:
        assert any("padding" in note for note in opinion.notes)
        assert np.isfinite(opinion.view_scores).all()


def test_outside_is_said_and_the_rest_still_judged(chain, image):
    findings, notes = judge(
        chain, image, ((-102.0, 40.0, 40.0), 8.0), (MIDDLE, 10.0), ((-40.0, 40.0, 900.0), 8.0)
    )
    assert [f.malignancy is not None for f in findings] == [False, True, False]
    assert notes == [
        "2 spheres at z −102.0, −40.0 mm: not judged, because outside the scan. Move them onto a nodule."
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"modality": "MR"}, "MTMR-Net was trained on CT.*is MR"),
        ({"spacing": None}, "no voxel spacing"),
        ({"voxels": np.zeros((60, 90, 90), np.int16)}, "air in a CT is near -1000 HU"),
    ],
)
def test_what_is_no_ct_is_refused_with_a_sentence(chain, image, change, says):
    bad = dataclasses.replace(image, **change)
    with pytest.raises(PredictorError, match=says):
        judge(chain, bad, ((-90.0, 5.0, 5.0) if bad.spacing is None else MIDDLE, 10.0))


def test_a_radiograph_is_refused(chain):
    flat = Image(np.zeros((20, 20), np.uint8), "", (1.0, 1.0))
    with pytest.raises(PredictorError, match="flat image"):
        finish(chain.characterise(flat, Findings((Finding(Sphere(MIDDLE, 8)),))))
