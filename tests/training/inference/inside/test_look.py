"""Inside of the shipped networks on real images: the maps are those of a run, and lie where they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.upright import right_turn
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.chain import choose, heat_map
from napari_lungmtl.training.inference.inside.look import look_inside, networks_to_look_into
from napari_lungmtl.training.inference.predictor import PredictorError, finish

pytestmark = pytest.mark.timeout(600)
NODULE = Sphere((-190.46, 76.90, 72.29), 21.45)
"""Of LIDC-IDRI-0003, z, y, x in LPS mm."""


@pytest.fixture(scope="module")
def scan(lungmtl_data):
    return read_image(lungmtl_data / "dicom" / "LIDC-IDRI-0003")


@pytest.fixture(scope="module")
def film(lungmtl_data):
    """It lies on its side."""
    return read_image(lungmtl_data / "cxr" / "nih" / "00000061_025.png")


def test_the_networks_that_show_what_happens_in_them(scan, film):
    assert networks_to_look_into(scan) == {"ag3d": "3D-AG", "mtcnn": "MT-CNN"}
    assert networks_to_look_into(film) == {"dhn": "DHN", "mosegnet": "MO-SegNet"}
    with pytest.raises(PredictorError, match="does not show"):
        finish(look_inside(scan, "mtmr", NODULE.center, 20.0))


def test_3d_ag_shows_the_proposal_that_became_the_finding(scan):
    inside = finish(look_inside(scan, "ag3d", NODULE.center, NODULE.diameter, "cpu"))
    found = finish(choose(scan, ["ag3d"], "cpu").run(scan))
    (shown,) = [p for p in inside.proposals if p.shown]
    assert shown.kept
    near = min(found, key=lambda f: np.linalg.norm(np.subtract(f.center, NODULE.center)))
    assert shown.score == pytest.approx(near.score, abs=1e-3)
    assert shown.scores["fprn"] == pytest.approx(near.scores["fprn"], abs=1e-3)
    assert any(np.allclose(m.center, shown.center, atol=0.1) for m in (near.members or (near.geometry,)))
    assert [p.score for p in inside.proposals] == sorted((p.score for p in inside.proposals), reverse=True)
    # FPRN's word on the crops that are shown is the one that the run heard.
    assert f"{shown.scores['fprn']:.2f}" in inside.words
    hu = inside["Input/axial, 1 mm"]
    middle = np.rint(hu.to_index(NODULE.center)).astype(int)
    assert hu.values[tuple(middle)] > -200, "solid"


def test_without_a_proposal_a_sphere_stands_in(scan):
    """Half-way down an empty piece of lung nothing is proposed; what FPRN would have seen is shown all the same."""
    lung = np.array([-190.0, 60.0, 60.0])
    empty = Image(np.where(scan.voxels > -500, -850, scan.voxels), "CT", scan.spacing, scan.origin)
    body = scan.voxels.copy()
    at = np.rint(scan.to_index(lung)).astype(int)
    around = tuple(slice(max(a - r, 0), a + r) for a, r in zip(at, (20, 60, 60), strict=True))
    body[around] = empty.voxels[around]
    image = Image(body, "CT", scan.spacing, scan.origin, "hollow")
    inside = finish(look_inside(image, "ag3d", tuple(lung), 8.0, "cpu"))
    assert not any(p.shown for p in inside.proposals)
    assert "proposed nothing here" in inside.words
    (low, high) = inside["Pyramid/stride 8"].outlines[0]
    assert np.allclose((np.array(low) + high) / 2, lung, atol=1e-3)


def test_places_that_no_network_has_seen_get_a_sentence(scan, film):
    for image, name in ((scan, "ag3d"), (scan, "mtcnn"), (film, "dhn"), (film, "mosegnet")):
        beside = tuple(np.asarray(image.extent[1]) + 500)
        with pytest.raises(PredictorError, match=r"outside|beside"):
            finish(look_inside(image, name, beside, 10.0, "cpu"))


def test_mt_cnn_views_lie_on_the_scan_and_resemble_their_reconstructions(scan):
    inside = finish(look_inside(scan, "mtcnn", NODULE.center, NODULE.diameter, "cpu"))
    views, again = (next(g for g in inside.groups if g.title == t) for t in ("Views", "Reconstructions"))
    for view, drawn in zip(views.maps, again.maps, strict=True):
        middle = view.to_world((np.array(view.values.shape) - 1) / 2)
        assert np.allclose(middle, NODULE.center, atol=0.02), view.name
        assert np.corrcoef(view.values.ravel(), drawn.values.ravel())[0, 1] > 0.5
    axial = views.maps[0]
    for index in ((20, 20), (12, 25)):
        place = scan.to_index(axial.to_world(index))
        hu = scan.voxels[tuple(np.rint(place).astype(int))]
        assert axial.values[index] == pytest.approx(np.clip(hu, -1000, 400), abs=350)
    opinion = finish(choose(scan, ["mtcnn"], "cpu").characterise(scan, Findings((Finding(NODULE),))))[
        0
    ].opinion("mtcnn")
    assert [m.name.split(" · ")[1] for m in views.maps] == [f"{s:.2f}" for s in opinion.view_scores]


def test_mo_segnet_shows_the_probability_of_its_heat_map(film):
    turned = right_turn(film)
    place = (500.0, 300.0)
    inside = finish(look_inside(film, "mosegnet", place, 40.0, "cpu", turned))
    shown, whole = inside["Answer/nodule"], heat_map(film, "mosegnet", "cpu", turned)
    for world in ((400.0, 300.0), (700.0, 620.0), place):
        there = np.rint((np.array(world) - whole.origin) / whole.spacing).astype(int)
        here = np.rint(shown.to_index(world)).astype(int)
        assert shown.values[tuple(here)] == pytest.approx(whole.values[tuple(there)], abs=1e-6)
    assert {g.title for g in inside.groups} >= {"Encoder", "Atrous pyramid", "Decoder"}
    stage = inside["Encoder/stage 3"]
    assert stage.values.shape == (64, 64)


def test_dhn_shows_the_proposals_behind_its_boxes(film):
    turned = right_turn(film)
    inside = finish(look_inside(film, "dhn", (500.0, 300.0), 40.0, "cpu", turned))
    kept = [p for p in inside.proposals if p.kept]
    found = finish(choose(film, ["dhn"], "cpu").run(film, (), turned))
    assert len(inside.proposals) > len(kept) > len(found) > 0
    for finding in found:
        match = [p for p in kept if np.allclose(p.center, finding.center, atol=2)]
        assert match
        assert match[0].scores["rpn"] == pytest.approx(finding.scores["rpn"], abs=1e-5)
    finest = heat_map(film, "dhn", "cpu", turned)
    best = np.max([inside[f"RPN objectness/stride {s}"].values.max() for s in (4, 8, 16, 32)])
    assert best == pytest.approx(finest.values.max(), abs=1e-3)


def test_only_the_calls_of_the_own_thread_are_kept(film):
    """The same network may be running: its calls there are none of ours, and our hooks are gone afterwards."""
    net = model_store.store.in_use("mosegnet", "cpu").net
    finish(look_inside(film, "mosegnet", (500.0, 300.0), 40.0, "cpu"))
    assert not any(module._forward_hooks for module in net.modules())


def test_magnified_crops_are_shown_where_a_network_has_them(scan):
    """Local Magnification ships off; a network with it shows what it enlarges."""
    from napari_lungmtl.training.networks.ag3d.config import Config
    from napari_lungmtl.training.networks.ag3d.inside import look_inside as look
    from napari_lungmtl.training.networks.ag3d.network import Ag3d
    from napari_lungmtl.training.networks.ag3d.predictor import Ag3dPredictor

    torch.manual_seed(0)
    config = Config(stem="space_to_depth", bottleneck=1, magnify=True)
    info = registry.info_of(registry.card("ag3d"))
    predictor = Ag3dPredictor(Ag3d(config), info, torch.device("cpu"))
    inside = finish(look(predictor, scan, NODULE.center, 10.0))
    crop = inside["Magnified crops/stride 4"]
    assert crop.values.shape == (12, 12, 12)
    (low, high) = crop.outlines[0]
    middle = crop.to_index((np.array(low) + high) / 2)
    assert np.all((middle >= 3.5) & (middle <= 7.5)), "the lesion's own cell is the middle one of the crop"
