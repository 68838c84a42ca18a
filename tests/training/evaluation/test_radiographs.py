"""Radiograph networks on folders of radiographs: reading, placing, judging; with a stand-in that sees squares."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.evaluation.radiographs import (
    predict_radiographs,
    predicted_region,
    radiograph_result,
)
from napari_lungmtl.training.findings import Findings, Mask, Region
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import PredictorError, finish
from napari_lungmtl.training.inference.weights import ModelCard
from napari_lungmtl.training.networks.dhn.evaluation import evaluate as evaluate_dhn
from napari_lungmtl.training.networks.mosegnet.evaluation import evaluate as evaluate_mosegnet

from ...stand_ins.square_finder import SHAPE, SquareFinder, lung_labels, radiograph, save, write_simulated


@pytest.fixture
def card(tmp_path):
    """Writes a card and gives the path of its weights."""

    def write(name="dhn", **fields):
        path = tmp_path / f"{name}.safetensors"
        values = ModelCard(name, "0.1", name, "", ("CR", "DX"), {}, "a" * 64, **fields).to_json()
        path.with_suffix(".json").write_text(json.dumps(values))
        return path

    return write


def test_dhn_on_a_simulated_set(tmp_path, card):
    stages = []
    figures = evaluate_dhn(
        SquareFinder(),
        write_simulated(tmp_path / "set"),
        card(),
        on_progress=lambda f, s: stages.append((f, s)),
    )
    json.dumps({k: v for k, v in figures.items() if k != "table"}, allow_nan=False)
    m = figures["metrics"]
    assert (figures["network"], figures["cases"], figures["failed"], figures["warnings"]) == (
        "dhn",
        8,
        [],
        [],
    )
    # All four nodules are found exactly; one of four radiographs without shows a false square, as bright as a nodule.
    assert [m[name] for name in ("roc_auc", "afroc_auc", "node21_auc")] == pytest.approx([0.875] * 3)
    assert m["froc_auc"] == pytest.approx(1 - 0.125 / 2)
    assert m["map"] == pytest.approx(0.8)
    assert m["false_positives_per_image"] == pytest.approx(0.25)
    assert (m["recall"], m["precision"]) == (1.0, pytest.approx(0.8))
    assert m["counts"] == {
        "radiographs": 8,
        "backgrounds": 4,
        "positive": 4,
        "negative": 4,
        "boxes_known": 8,
        "nodules": 4,
        "shams": 8,
        "lungs_known": 0,
    }
    # The false square lies on a sham.
    assert m["marks_per_sham"] == pytest.approx(1 / 8)
    assert m["marks_per_sham_excess"] == pytest.approx(1 / 8)
    assert [b["nodules"] for b in m["by_diameter_mm"].values()] == [1, 3, 2, 0]
    assert "lung_dice" not in m
    worst = [row["name"] for row in figures["cases_detail"] if row["false_positives_at_default"]]
    assert worst == ["f1.png"]
    assert stages[0] == (0.0, "f0.png")
    assert stages[-1][0] == 1.0


def test_mosegnet_on_a_simulated_set(tmp_path, card):
    figures = evaluate_mosegnet(SquareFinder("mosegnet"), write_simulated(tmp_path / "set"), card("mosegnet"))
    m = figures["metrics"]
    assert (m["f1"], m["recall"], m["precision"]) == (pytest.approx(8 / 9), 1.0, pytest.approx(0.8))
    assert m["positive_radiographs"] == {"f1": 1.0, "recall": 1.0, "precision": 1.0}
    assert m["froc_auc"] == pytest.approx(1 - 0.125 / 2)
    # The nodules, and the false square, are missing from the lungs that it sees.
    lung, nodule = 2 * 80 * 35, 100
    missing = np.array([100] * 4 + [64] + [0] * 3)
    assert m["lung_dice"]["median"] == pytest.approx(
        np.median(2 * (lung - missing) / (2 * lung - missing)), abs=1e-3
    )
    assert m["lung_dice"]["n"] == 8
    assert m["lung_dice"]["left_lung"]["median"] == pytest.approx(1.0)
    assert m["lung_dice"]["right_lung"]["p10"] == pytest.approx(
        2 * (lung / 2 - nodule) / (lung - nodule), abs=1e-3
    )


def test_lung_masks_alone_give_lung_dice(tmp_path, card):
    """The layout of lung_masks_100: nothing is said about nodules."""
    rows = []
    for i in range(3):
        save(radiograph(), tmp_path / "set" / f"{i}.jpg")
        save(lung_labels(), tmp_path / "set" / f"{i}.png")
        rows.append([f"{i}.jpg", f"{i}.png", "measure"])
    with (tmp_path / "set" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "labels", "use"], *rows])
    figures = evaluate_mosegnet(SquareFinder("mosegnet"), tmp_path / "set", card("mosegnet"))
    m = figures["metrics"]
    assert {k: m["lung_dice"][k] for k in ("n", "median", "p10")} == {
        "n": 3,
        "median": pytest.approx(1.0, abs=0.01),
        "p10": pytest.approx(1.0, abs=0.01),
    }
    assert m["intervals"]["lung_dice/median"]["lower"] > 0.98
    assert [m[k] for k in ("roc_auc", "f1", "froc_auc", "marks_per_sham")] == [None] * 4
    assert figures["warnings"] == [
        "3 of 3 images do not say whether they show a nodule: left out of everything but lung masks."
    ]


def test_one_broken_image_is_named_and_the_others_go_on(tmp_path, card):
    folder = write_simulated(tmp_path / "set")
    (folder / "images" / "f3.png").write_bytes(b"no picture")
    figures = evaluate_dhn(SquareFinder(), folder, card())
    assert figures["cases"] == 7
    (failed,) = figures["failed"]
    assert failed["input"].endswith("f3.png")
    assert any("f3.png" in w for w in figures["warnings"])


def test_nothing_readable_is_an_error(tmp_path):
    cases = [RadiographCase(tmp_path / "none.png", "none.png")]
    results, failed = predict_radiographs(SquareFinder(), cases, 0.5)
    assert results == []
    assert "none.png" in failed[0]["error"]


def test_a_folder_without_any_image_that_can_be_judged_is_an_error(tmp_path, card):
    folder = write_simulated(tmp_path / "set", n=2)

    class Refusing(SquareFinder):
        def run(self, image):
            raise PredictorError("no frontal radiograph")
            yield

    with pytest.raises(DatasetError, match="no image that could be judged: no frontal radiograph"):
        evaluate_dhn(Refusing(), folder, card())


def test_an_unforeseen_error_of_one_image_costs_that_image_only(tmp_path):
    class Fragile(SquareFinder):
        def run(self, image):
            if image.series_uid == "a":
                raise RuntimeError("out of luck")
            return (yield from super().run(image))

    for name in "ab":
        save(radiograph(), tmp_path / f"{name}.png")
    cases = [RadiographCase(tmp_path / f"{n}.png", n, positive=False) for n in "ab"]
    results, failed = predict_radiographs(Fragile(), cases, 0.5)
    assert [r.name for r in results] == ["b"]
    assert failed[0]["error"] == "RuntimeError: out of luck"


@pytest.mark.parametrize("listed", ["f2.png", "b1"])
def test_pictures_that_were_trained_on_are_said(tmp_path, card, listed):
    weights = card(training={"cases": [listed, "other"]})
    figures = evaluate_dhn(SquareFinder(), write_simulated(tmp_path / "set"), weights)
    seen = {"f2.png": 1, "b1": 2}[listed]
    assert figures["warnings"][0].startswith(f"{seen} of 8 images are made from pictures")


def test_options_of_other_networks_are_refused(tmp_path, card):
    with pytest.raises(PredictorError, match="leave out --truth"):
        evaluate_network("dhn", tmp_path, weights=card(), truth=tmp_path / "t.csv")
    with pytest.raises(PredictorError, match="all, held-out, train"):
        evaluate_dhn(SquareFinder(), write_simulated(tmp_path / "set"), card(), folds=["0"])


@pytest.mark.parametrize("spacing", [None, (0.5, 0.2)])
def test_boxes_come_back_in_pixels_whatever_the_spacing(spacing):
    image = Image(radiograph([(15, 30, 10)]).astype(np.int16), "DX", spacing, (3.0, -7.0))
    case = RadiographCase(None, "x", np.array([[15, 30, 25, 40]], np.float32), True)
    for name in ("dhn", "mosegnet"):
        result = radiograph_result(case, image, finish(SquareFinder(name).run(image)), 0.5)
        np.testing.assert_allclose(result.boxes, [[15, 30, 25, 40]])
        np.testing.assert_allclose(result.centers, [[20, 35]])
        assert result.matching(0.99).found.all()


def test_lungs_are_compared_on_the_grid_of_the_labels():
    """A region on a coarser grid than the image, labels on a finer one."""
    image = Image(np.zeros((60, 40), np.int16), "DX", (0.5, 0.5), (10.0, 20.0))
    low, high = image.extent
    coarse = np.zeros((15, 10), bool)
    coarse[3:9, 2:7] = True
    # Pixels of 2 mm whose edges lie on those of the image.
    mask = Mask.from_array(coarse[3:9, 2:7], (2.0, 2.0), tuple(low + (np.array([3, 2]) + 0.5) * 2.0))
    findings = Findings(regions=(Region("lungs", mask),))
    found = predicted_region(findings, "lungs", image, (120, 80))
    expected = np.zeros((120, 80), bool)
    expected[24:72, 16:56] = True
    # Interpolation rounds the corners off, the sides stay where they are.
    assert (found[48] == expected[48]).all()
    assert (found[:, 36] == expected[:, 36]).all()
    assert (found != expected).sum() < 0.02 * expected.sum()
    assert predicted_region(findings, "right lung", image, (120, 80)) is None
    assert not predicted_region(Findings(), "lungs", image, (120, 80)).any()
    assert high[0] == pytest.approx(low[0] + 30)


def test_real_radiographs_with_lung_masks(lungmtl_data):
    """The published label images lie on their radiographs: lungs are darker than what surrounds them."""
    from napari_lungmtl.training.data.public.lung_masks import read_lungs
    from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
    from napari_lungmtl.training.evaluation.radiographs import true_regions
    from napari_lungmtl.training.imaging import read_image

    for case in open_radiograph_cases(lungmtl_data / "cxr" / "lung_masks_100")[:4]:
        labels = read_lungs(case)
        regions = dict(true_regions(labels))
        assert list(regions) == ["lungs", "right lung", "left lung"]
        image = read_image(case.path)
        assert image.shape == labels.shape
        assert image.voxels[regions["lungs"]].mean() < image.voxels[~regions["lungs"]].mean() + 40
        right, left = (np.argwhere(regions[n]).mean(0)[1] for n in ("right lung", "left lung"))
        assert right < left


def test_shape_of_the_stand_ins():
    assert radiograph().shape == lung_labels().shape == SHAPE
