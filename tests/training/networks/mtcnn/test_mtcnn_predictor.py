"""MT-CNN on findings in an image: opinions with views, notes at the edge and outside the range, bad input refused."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import Box, Finding, Findings, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, finish
from napari_lungmtl.training.networks.mtcnn.config import SHIPPED
from napari_lungmtl.training.networks.mtcnn.inside import look_inside
from napari_lungmtl.training.networks.mtcnn.network import MtCnn
from napari_lungmtl.training.networks.mtcnn.predictor import MtcnnPredictor
from napari_lungmtl.training.networks.mtcnn.views import NAMES

INFO = ModelInfo("mtcnn", "MT-CNN", "", ("CT",), "0.0-test", task="characterisation")
CENTRE = (-100.0, 20.0, 35.0)


def make(folds=None, **changes):
    torch.manual_seed(0)
    config = dataclasses.replace(SHIPPED, pixels=20, layers=2, **changes)
    models = {k: MtCnn(config) for k in "01234"}
    for net in models.values():
        for p in net.parameters():
            torch.nn.init.normal_(p, std=0.1)
    return MtcnnPredictor(models, dict.fromkeys("01234", (1.0, 0.0)), folds or {}, INFO, torch.device("cpu"))


def scan(modality="CT", spacing=(1.25, 0.8, 0.8), air=-850.0):
    """80 × 90 × 90 mm of lung with a ball of 12 mm at `CENTRE`."""
    first = np.array(CENTRE) - (40, 45, 45)
    shape = tuple(round(n / s) for n, s in zip((80, 90, 90), spacing, strict=True))
    world = np.indices(shape) * np.array(spacing)[:, None, None, None] + first[:, None, None, None]
    far = np.linalg.norm(world - np.array(CENTRE)[:, None, None, None], axis=0)
    return Image(np.where(far < 6, 30.0, air).astype(np.float32), modality, spacing, tuple(first), "1.2.3")


def test_every_sphere_gets_an_opinion_and_the_rest_stays():
    predictor, image = make(), scan()
    corner = tuple(np.array(CENTRE) - (38, 0, 0))
    findings = Findings(
        (
            Finding(Sphere(CENTRE, 12.0)),
            Finding(Sphere((500.0, 0.0, 0.0), 8.0)),
            Finding(Box((0, 0), (5, 5))),
            Finding(Sphere(corner, 34.0)),
        )
    )
    steps, run = [], predictor.run(image, findings)
    try:
        while True:
            steps.append(next(run))
    except StopIteration as stop:
        judged = stop.value
    assert [f.id for f in judged] == [f.id for f in findings]
    assert any("outside the image" in s.note for s in steps)
    opinion = judged[0].opinion("mtcnn")
    assert opinion.view_names == NAMES
    assert len(opinion.view_scores) == 9
    assert len(opinion.fold_scores) == 5
    assert opinion.malignancy == pytest.approx(np.mean(opinion.fold_scores))
    assert opinion.std == pytest.approx(np.std(opinion.view_scores), abs=1e-6)
    assert not opinion.notes
    assert not judged[1].opinions
    assert not judged[2].opinions
    notes = " ".join(judged[3].opinion("mtcnn").notes)
    assert "padding" in notes
    assert "34" in notes
    again = finish(predictor.run(image, judged))
    assert [len(f.opinions) for f in again] == [1, 0, 0, 1]


def test_a_fold_model_is_not_asked_about_a_scan_that_it_saw():
    image, finding = scan(), Findings((Finding(Sphere(CENTRE, 12.0)),))
    new = finish(make().run(image, finding))[0].opinion("mtcnn")
    known = finish(make({"1.2.3": "3"}).run(image, finding))[0].opinion("mtcnn")
    assert len(known.fold_scores) == 1
    assert known.fold_scores[0] == pytest.approx(new.fold_scores[3], abs=1e-6)


def test_calibration_is_applied_to_the_whole_and_to_each_view():
    image, finding = scan(), Findings((Finding(Sphere(CENTRE, 12.0)),))
    predictor = make({"1.2.3": "0"})
    plain = finish(predictor.run(image, finding))[0].opinion("mtcnn")
    predictor.calibration["0"] = (2.0, -1.0)
    scaled = finish(predictor.run(image, finding))[0].opinion("mtcnn")

    def moved(p):
        return 1 / (1 + np.exp(-(2 * np.log(p / (1 - p)) - 1)))

    assert scaled.malignancy == pytest.approx(moved(plain.malignancy), abs=1e-5)
    assert np.allclose(scaled.view_scores, moved(np.array(plain.view_scores)), atol=1e-5)


def test_views_and_reconstructions():
    predictor, image = make(), scan()
    drawn = predictor.reconstruct(image, Finding(Sphere(CENTRE, 12.0)))
    views = drawn.views
    assert views.shape == drawn.grey.shape == (9, 20, 20)
    assert drawn.names == NAMES
    assert drawn.grey.min() >= 0
    assert drawn.grey.max() <= 1
    assert drawn.masks is None
    # The ball is in the middle of each view: 12 mm are 6 pixels of 2 mm.
    bright = (views > (30 + 1000) / 1400 - 0.2).sum((1, 2))
    assert np.allclose(bright, np.pi * 3**2, atol=8)
    with pytest.raises(PredictorError, match="outside"):
        predictor.reconstruct(image, Finding(Sphere((500.0, 0.0, 0.0), 8.0)))
    with pytest.raises(PredictorError, match="single-task"):
        make(alpha=0.0).reconstruct(image, Finding(Sphere(CENTRE, 12.0)))


def test_a_mask_is_drawn_beside_the_grey_values_where_the_network_learnt_to():
    predictor, image = make(masks=True), scan()
    drawn = predictor.reconstruct(image, Finding(Sphere(CENTRE, 12.0)))
    assert drawn.grey.shape == drawn.masks.shape == (9, 20, 20)
    net, views = predictor.models["0"], torch.from_numpy(drawn.views[None])
    with torch.inference_mode():
        each = torch.stack(
            [torch.sigmoid(n(views, torch.tensor([12.0]))[1])[0] for n in predictor.models.values()]
        )
    assert net.config.masks
    np.testing.assert_allclose(drawn.grey, each.mean(0)[:, 0], atol=1e-6)
    np.testing.assert_allclose(drawn.masks, each.mean(0)[:, 1], atol=1e-6)
    inside = finish(look_inside(predictor, image, CENTRE, 12.0))
    shown, seen = inside["Outlines/axial"], inside.groups[0].maps[0]
    np.testing.assert_allclose(shown.values, drawn.masks[0], atol=1e-6)
    np.testing.assert_array_equal(shown.to_world((3, 5)), seen.to_world((3, 5)))
    grey = finish(look_inside(make(), image, CENTRE, 12.0))
    assert [g.title for g in grey.groups] == ["Views", "Reconstructions"]


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Image(np.zeros((20, 20), np.float32), "DX", (1.0, 1.0)), "flat image"),
        (scan("MR"), "MR"),
        (scan(air=0.0), "Hounsfield"),
        (dataclasses.replace(scan(), spacing=None), "spacing"),
    ],
)
def test_what_is_no_ct_is_refused_with_a_sentence(image, why):
    findings = Findings((Finding(Sphere(CENTRE, 12.0)),))
    with pytest.raises(PredictorError, match=why):
        finish(make().run(image, findings))
    with pytest.raises(PredictorError, match=why):
        make().reconstruct(image, findings[0])
