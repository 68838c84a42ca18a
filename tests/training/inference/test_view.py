"""What networks find on a turned radiograph lies where it is in the file, in every orientation and every format."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Mask
from napari_lungmtl.training.findings.export import FILE_NAMES, export
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import ORIENTATIONS, Orientation, turn
from napari_lungmtl.training.inference import chain, model_store, registry
from napari_lungmtl.training.inference.predictor import HeatMap, finish
from napari_lungmtl.training.inference.view import heat_map_as_stored

from ...stand_ins.fresh_models import fresh_model_store
from ...stand_ins.square_finder import SquareFinder, radiograph

X, Y, SIDE = 20, 70, 12
"""The square in the file: left, top, side in pixels."""
POSITIONS = ORIENTATIONS[:8]


@pytest.fixture
def finders(monkeypatch):
    """Networks that see squares."""
    found = {name: SquareFinder(name) for name in ("dhn", "mosegnet")}
    fresh_model_store(monkeypatch)
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", **_: found[name])
    return chain.chain_of([f.info for f in found.values()])


@pytest.fixture
def film() -> Image:
    """Not square, its pixels neither, away from the world's origin."""
    return Image(
        radiograph([(X, Y, SIDE)]),
        "DX",
        (0.5, 0.375),
        (10.0, -20.0),
        series_uid="film",
        source=Path("film.png"),
    )


@pytest.mark.parametrize("orientation", POSITIONS, ids=lambda o: o.words or "as stored")
def test_a_mark_is_where_it_is_in_the_file_in_every_format(finders, film, tmp_path, orientation):
    upright = finish(finders.run(film, orientation=Orientation()))
    found = finish(finders.run(film, orientation=orientation))
    assert found.image == upright.image == ImageReference.of(film)
    assert found.orientation == orientation
    for one, other in zip(found, upright, strict=True):
        np.testing.assert_allclose((one.box.low, one.box.high), (other.box.low, other.box.high))
        if isinstance(one.geometry, Mask):
            np.testing.assert_array_equal(one.geometry.to_array(), other.geometry.to_array())
    export([found], tmp_path / "all.lungmtl.json", Format.JSON)
    assert read_findings(tmp_path / "all.lungmtl.json") == found
    paths = {format: tmp_path / FILE_NAMES[format] for format in (Format.CSV, Format.NODE21, Format.COCO)}
    for format, path in paths.items():
        export([found], path, format)
    rows = list(csv.DictReader(paths[Format.CSV].open()))
    assert [[float(row[key]) for key in ("x0", "y0", "x1", "y1")] for row in rows] == [
        [X - 0.5, Y - 0.5, X + SIDE - 0.5, Y + SIDE - 0.5]
    ] * 2
    rows = list(csv.DictReader(paths[Format.NODE21].open()))
    assert {tuple(float(row[key]) for key in ("x", "y", "width", "height")) for row in rows} == {
        (X, Y, SIDE, SIDE)
    }
    boxes = [row["bbox"] for row in json.loads(paths[Format.COCO].read_text())["annotations"]]
    assert boxes == [[X, Y, SIDE, SIDE]] * 2


@pytest.mark.parametrize("orientation", POSITIONS, ids=lambda o: o.words or "as stored")
def test_networks_see_the_turned_radiograph_and_its_lungs_are_turned_back(
    finders, film, monkeypatch, orientation
):
    seen = []
    finder = model_store.store.get("mosegnet")
    run = finder.run
    monkeypatch.setattr(finder, "run", lambda image: seen.append(image) or run(image))
    found = finish(finders.run(film, orientation=orientation))
    np.testing.assert_array_equal(seen[0].voxels, orientation.apply(film.voxels))
    lungs = np.zeros(film.shape, bool)
    for region in found.regions:
        first = np.rint(film.to_index(region.mask.origin)).astype(int)
        part = region.mask.to_array()
        lungs[tuple(slice(f, f + n) for f, n in zip(first, part.shape, strict=True))] |= part
    np.testing.assert_array_equal(lungs, film.voxels < 60)


@pytest.mark.parametrize("orientation", POSITIONS, ids=lambda o: o.words or "as stored")
def test_a_heat_map_is_turned_back(film, orientation):
    turned = turn(film, orientation)
    shown = HeatMap(turned.voxels.astype(np.float32), turned.scale, turned.origin, "values")
    stored = heat_map_as_stored(shown, film, orientation)
    np.testing.assert_array_equal(stored.values, film.voxels)
    np.testing.assert_allclose((stored.spacing, stored.origin), (film.scale, film.origin))


def test_a_negative_is_inverted_for_the_networks(finders, film):
    negative = turn(film, Orientation(inverted=True))
    assert len(finish(finders.run(negative, orientation=Orientation()))) != 2
    found = finish(finders.run(negative, orientation=Orientation(inverted=True)))
    assert {f.provenance.model for f in found if f.box.diameter < 10} == {"dhn", "mosegnet"}


def test_a_real_film_that_lies_is_turned_for_the_networks_and_that_is_said_and_kept(
    finders, lungmtl_data, tmp_path
):
    from napari_lungmtl.training.imaging import read_image

    stored = turn(
        read_image(sorted((lungmtl_data / "cxr" / "lung_masks_100").glob("*.jpg"))[0]), Orientation(1)
    )
    found = finish(finders.run(stored))
    assert found.orientation == Orientation(3)
    assert found.image.shape == stored.shape
    assert any("it was turned by 90° clockwise" in note for note in found.notes)
    export([found], tmp_path / "film.lungmtl.json", Format.JSON)
    assert read_findings(tmp_path / "film.lungmtl.json").notes == found.notes
    asked_for = finish(finders.run(stored, orientation=Orientation()))
    assert any("seems to lie" in str(model.get("doubt")) for model in asked_for.models)


def test_a_sphere_is_no_finding_of_a_radiograph(film):
    from napari_lungmtl.training.findings import Sphere
    from napari_lungmtl.training.findings.turned import findings_as_stored

    with pytest.raises(ValueError, match="boxes and planar masks"):
        findings_as_stored(Findings((Finding(Sphere((0, 0, 0), 5)),)), film, Orientation(1))
