"""Cubes around world points, notes, bad input, detectors' places: what every characteriser does around its judgement."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.crossval import nodule_cubes as c
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.findings import Box, Finding, Findings, Opinion, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, finish
from napari_lungmtl.training.inference.weights import ModelCard

from ...stand_ins.rated_cubes import write_rated_cubes

INFO = ModelInfo("judge", "A judge", "", ("CT",), "0.1", task="characterisation")


def linear(spacing, origin, shape):
    """A CT whose value is a linear function of world position, which linear interpolation keeps exactly."""
    image = Image(np.zeros(shape, np.float32), "CT", spacing, origin, "1.2.3")
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    world = image.to_world(np.stack([z, y, x], -1))
    return Image((world @ [2.0, -1.0, 0.5]).astype(np.float32) - 900, "CT", spacing, origin, "1.2.3")


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(st.floats(0.6, 3), st.floats(0.5, 1.2), st.floats(0.5, 1.2)),
    st.tuples(*[st.floats(-200, 200)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_a_cube_lies_around_its_world_point(spacing, origin, shift):
    shape = tuple(int(np.ceil(70 / s)) for s in spacing)
    image = linear(spacing, origin, shape)
    center = image.to_world((np.array(shape) - 1) / 2) + shift
    cube, padded = c.nodule_cube(image, center)
    index = np.stack(np.meshgrid(*[np.arange(50.0)] * 3, indexing="ij"), -1)
    expected = (center + index - 24.5) @ [2.0, -1.0, 0.5] - 900
    assert cube.shape == (50, 50, 50)
    assert padded == 0
    assert np.abs(cube - expected).max() < 0.02


def test_what_lies_beyond_the_scan_is_counted():
    image = linear((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (100, 100, 100))
    assert c.nodule_cube(image, (50, 50, 50))[1] == 0
    assert c.nodule_cube(image, (0.5, 50, 50))[1] == pytest.approx(0.48, abs=0.02)
    cube, padded = c.nodule_cube(image, (0, 0, 0))
    assert padded == pytest.approx(1 - 0.5**3, abs=0.03)
    assert cube[0, 30, 30] == cube[10, 30, 30]


@pytest.mark.parametrize(
    ("diameter", "padded", "words"),
    [
        (10, 0, ()),
        (34.2, 0, ("34.2", "3–30")),
        (2.5, 0, ("2.5",)),
        (10, 0.31, ("31 %", "padding")),
        (40, 0.5, ("40.0",)),
    ],
)
def test_notes(diameter, padded, words):
    notes = " ".join(c.notes_of(diameter, padded))
    assert bool(notes) == bool(words)
    assert all(w in notes for w in words)


def by_size(cube, center, diameter, series):
    """Opinion by the mean of the cube, so that the place matters."""
    value = float(np.clip(cube.mean() / 2000 + 0.5, 0, 1))
    return Opinion("judge", "0.1", value, attributes={"subtlety": diameter / 10})


def test_findings_keep_order_ids_and_what_cannot_be_judged():
    image = linear((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (60, 60, 60))
    spheres = [
        Finding(Sphere((30, 30, 30), 8)),
        Finding(Sphere((300, 30, 30), 8)),
        Finding(Sphere((1, 30, 30), 40)),
    ]
    box = Finding(Box((1, 1), (5, 5)))
    before = Findings((*spheres, box))
    notes = []
    run = c.characterise(image, before, INFO, by_size)
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            after = stop.value
            break
        notes += [step.note] if step.note else []
        assert [f.id for f in step.findings] == [f.id for f in before]
    assert [f.id for f in after] == [f.id for f in before]
    assert after[0].opinion("judge") is not None
    assert after[0].attributes == {"subtlety": 0.8}
    assert after[1] == before[1]
    assert after[3] == box
    assert len(notes) == 1
    assert "300" in notes[0]
    assert "outside" in notes[0]
    assert any("40.0 mm" in n for n in after[2].opinions[0].notes)
    assert any("padding" in n for n in after[2].opinions[0].notes)
    # Judged again: one opinion, not two.
    again = finish(c.characterise(image, after, INFO, by_size))
    assert len(again[0].opinions) == 1
    assert [m["name"] for m in again.models] == ["judge"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image(np.zeros((5, 5)), "CR"), "flat image"),
        (Image(np.full((5, 5, 5), -900.0), "CT"), "spacing"),
        (Image(np.full((5, 5, 5), -900.0), "MR", (1.0, 1.0, 1.0)), "MR"),
        (Image(np.zeros((5, 5, 5)), "CT", (1.0, 1.0, 1.0)), "Hounsfield"),
    ],
)
def test_what_is_no_ct_is_refused(image, words):
    with pytest.raises(PredictorError, match=words):
        finish(c.characterise(image, Findings((Finding(Sphere((2, 2, 2), 3)),)), INFO, by_size))


def card(folds=None):
    return ModelCard("judge", "0.1", "", "", ("CT",), {}, training={"folds": folds or {}})


def at_the_ball(cube, center, diameter, series):
    """Sure of malignancy where the given centre is the dense ball's, in HU and in place."""
    dense = np.argwhere(cube > 0)
    off = np.linalg.norm(dense.mean(0) - center)
    return Opinion("judge", "0.1", float(np.clip(1 - off / 10, 0, 1)))


@pytest.mark.parametrize("direction", [1, -1])
def test_evaluation_at_a_detectors_places(tmp_path, direction):
    write_rated_cubes(tmp_path, 10, direction)
    nodules = load_rated_nodules(tmp_path)
    with (tmp_path / "found.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "probability"])
        for i in range(0, 10, 2):  # of the others nothing, or something far away
            z, y, x = nodules.world[i] + (0.0, 1.5, 0.0)
            writer.writerow([nodules.series[i], x, y, z, 7.0, 0.9])
        writer.writerow([nodules.series[1], 0, 0, 0, 7.0, 0.9])
    figures, predictions = c.evaluate_on_cubes(at_the_ball, card(), tmp_path, findings=tmp_path / "found.csv")
    assert (figures["cases"], figures["not_found"]) == (5, 5)
    # 1.5 mm along world y, whichever way the cube's axis runs.
    assert predictions.malignancy == pytest.approx(np.full(5, 0.85), abs=0.06)
    given_places, exact = c.evaluate_on_cubes(at_the_ball, card(), tmp_path)
    assert given_places["not_found"] == 0
    assert exact.malignancy.min() > 0.93


def test_overlap_with_the_training_data_is_said(tmp_path):
    write_rated_cubes(tmp_path, 10)
    figures, _ = c.evaluate_on_cubes(at_the_ball, card({"1.2.0": "0"}), tmp_path)
    assert "2 of 10" in figures["warnings"][0]
    figures, _ = c.evaluate_on_cubes(at_the_ball, card(), tmp_path)
    assert not figures["warnings"]


def test_no_nodule_in_a_fold_is_an_error(tmp_path):
    write_rated_cubes(tmp_path, 4)
    with pytest.raises(DatasetError, match="fold"):
        c.evaluate_on_cubes(at_the_ball, card(), tmp_path, folds=["never"])
