"""What training draws: nothing of another fold, the same for the same seed, labels that fit the pixels."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.simulation.difficulty import DIFFICULTY, PRACTICE, Difficulty
from napari_lungmtl.training.data.simulation.radiographs import DEV, TEST, TRAIN, SimulatedRadiographs
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ....stand_ins.prepared_stores import radiograph, store


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    store().save(folder)
    return folder


def test_networks_are_judged_on_the_frozen_difficulty(prepared):
    """Practice has more and plainer nodules; whatever is measured (dev and test folds, written sets) does not."""
    assert SimulatedRadiographs(prepared).difficulty == PRACTICE
    assert SimulatedRadiographs(prepared, DEV).difficulty == DIFFICULTY == Difficulty()
    assert SimulatedRadiographs(prepared, TEST).difficulty == DIFFICULTY


def test_folds_do_not_meet(prepared):
    parts = [SimulatedRadiographs(prepared, folds) for folds in (TRAIN, DEV, TEST)]
    for which in ("cases", "nodule_series"):
        names = [set(getattr(part, which)) for part in parts]
        assert all(names)
        assert not names[0] & names[1]
        assert not names[0] & names[2]
        assert not names[1] & names[2]
    assert all("radiograph10" not in part.cases for part in parts), "a radiograph of no fold is drawn"
    drawn = [parts[0].draw(np.random.default_rng(i)).name for i in range(60)]
    assert set(drawn) <= set(parts[0].cases)
    assert {"radiograph11", "radiograph12"} & set(drawn)


def test_the_same_seed_draws_the_same(prepared):
    radiographs = SimulatedRadiographs(prepared)
    one, again, other = (radiographs.draw(np.random.default_rng(s)) for s in (4, 4, 5))
    np.testing.assert_array_equal(one.pixels, again.pixels)
    np.testing.assert_array_equal(one.boxes, again.boxes)
    assert one.pixels.shape != other.pixels.shape or np.any(one.pixels != other.pixels)


def test_labels_fit_the_pixels(prepared):
    """What is brighter than the radiograph before lies in the boxes; pixels away from pastes are untouched."""
    radiographs = SimulatedRadiographs(prepared, phantoms=0.0, difficulty=DIFFICULTY)
    seen = 0
    for seed in range(40):
        number = int(radiographs.backgrounds[seed % len(radiographs.backgrounds)])
        made = radiographs.simulate(number, np.random.default_rng(seed))
        sample = made.radiograph
        before = radiographs.store.pixels[number].astype(np.float32) / 255
        brighter = sample.pixels - before > 0.09
        boxed = np.zeros_like(brighter)
        for x0, y0, x1, y1 in sample.boxes.astype(int):
            boxed[y0:y1, x0:x1] = True
            seen += brighter[y0:y1, x0:x1].any()
            assert sample.nodules[y0:y1, x0:x1].any(0).all()
            assert sample.nodules[y0:y1, x0:x1].any(1).all()
        assert not brighter[~boxed].any()
        assert not (sample.nodules & ~boxed).any()
        assert len(sample.boxes) == len(sample.diameter_mm)
        for x0, y0, x1, y1 in made.shams.astype(int):
            assert not sample.nodules[y0:y1, x0:x1].any()
            assert np.any(sample.pixels[y0:y1, x0:x1] != before[y0:y1, x0:x1])
    assert seen > 15
    shares = [
        radiographs.simulate(int(radiographs.backgrounds[0]), np.random.default_rng(s)).radiograph.positive
        for s in range(200)
    ]
    assert 0.38 < np.mean(shares) < 0.62


def test_a_phantom_keeps_its_own_nodules(prepared):
    sample = SimulatedRadiographs(prepared).as_it_is(12)
    assert sample.boxes.tolist() == [[150, 200, 170, 220]]
    assert sample.nodule_known
    with_masks = SimulatedRadiographs(prepared).as_it_is(11)
    assert not with_masks.nodule_known, "nobody said whether that radiograph shows nodules"


def test_without_a_prepared_file_a_sentence_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match="lungmtl simulate prepare"):
        SimulatedRadiographs(tmp_path)


def write_test_set(prepared, out):
    options = {"--prepared": prepared, "--out": out, "--count": 4}
    return CliRunner().invoke(
        cli.app, ["simulate", "radiographs", *(str(word) for pair in options.items() for word in pair)]
    )


def test_the_test_set_as_files(prepared, tmp_path):
    """NODE21's layout; a file read back gives the radiograph that was simulated."""
    run = write_test_set(prepared, tmp_path / "a")
    assert run.exit_code == 0, run.output
    with (tmp_path / "a/metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["background"] for r in rows} == {"radiograph0", "radiograph5"}
    assert len({r["img_name"] for r in rows}) == 8
    assert {"0", "1"} == {r["label"] for r in rows}
    for row in rows:
        image = read_image(tmp_path / "a/images" / row["img_name"])
        # The margin of the percentiles: a radiograph is stretched once more when it is read.
        assert (
            np.corrcoef(
                make_radiograph_input(image).pixels.ravel(),
                radiograph(int(row["background"].removeprefix("radiograph"))).ravel(),
            )[0, 1]
            > 0.9
        )
        if row["label"] == "1":
            x, y, w, h = (int(row[k]) for k in ("x", "y", "width", "height"))
            mask = np.asarray(read_image(tmp_path / "a/nodules" / row["img_name"]).voxels) > 0
            assert mask[y : y + h, x : x + w].any(0).all()
    write_test_set(prepared, tmp_path / "b")
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
