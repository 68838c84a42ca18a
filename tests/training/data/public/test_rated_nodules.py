"""Nodules with ratings: places, labels under both rules, and the split."""

import json

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.lidc_ratings import read_ratings
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules

from ....stand_ins.rated_cubes import write_rated_cubes


@pytest.fixture(scope="module")
def real_nodules(lungmtl_data):
    return load_rated_nodules(lungmtl_data / "luna16_nodules")


def ratings(*malignancies):
    return read_ratings({"readers": json.dumps([[3, 1, 6, 4, 4, 2, 2, 5, m] for m in malignancies])})


def test_both_rules_by_hand():
    mostly = ratings(3, 3, 3, 5)
    assert (mostly.label("mean"), mostly.label("median")) == (1, -1)
    even = ratings(2, 4)
    assert (even.label("mean"), even.label("median")) == (-1, -1)
    low = ratings(1, 2, 2, 5)
    assert (low.label("mean"), low.label("median")) == (0, 0)
    # Thirds do not add up exactly in floating point.
    assert ratings(2, 3, 4).label("mean") == -1


def test_a_rating_left_out_is_left_out():
    partly = read_ratings({"readers": "[[3,1,6,4,4,2,2,5,null],[5,1,6,4,4,2,2,5,4]]"})
    assert partly.malignancy() == 4
    assert partly.attributes[0] == 4


@pytest.mark.parametrize("text", ["", "[[1,2]]", "[]", "nonsense", '"x"'])
def test_odd_ratings_are_refused(text):
    with pytest.raises(ValueError, match="ratings"):
        read_ratings({"readers": text})


@pytest.mark.parametrize("direction", [1, -1])
def test_the_centre_is_the_dense_balls(tmp_path, direction):
    nodules = load_rated_nodules(write_rated_cubes(tmp_path, 7, direction))
    for voxels, center, diameter in zip(nodules.voxels, nodules.center, nodules.diameter, strict=True):
        inside = np.argwhere(voxels > 100)
        assert np.abs(inside.mean(0) - center).max() < 0.6
        assert np.linalg.norm(inside - center, axis=1).max() <= diameter / 2 + 1e-6


def test_a_row_without_ratings_is_named(tmp_path):
    write_rated_cubes(tmp_path, 5)
    path = tmp_path / "nodules.csv"
    path.write_text(path.read_text().replace("readers", "others"))
    with pytest.raises(DatasetError, match=r"nodules\.csv.*readers"):
        load_rated_nodules(tmp_path)


def test_the_real_data_have_the_counts_of_both_papers_rules(real_nodules):
    for rule, malignant, benign in (("mean", 392, 464), ("median", 317, 315)):
        label = real_nodules.label(rule)
        assert ((label == 1).sum(), (label == 0).sum()) == (malignant, benign)


def test_no_scan_is_on_both_sides_of_the_real_split(real_nodules):
    nodules = real_nodules
    sides: dict[str, set[str]] = {}
    for series, fold in zip(nodules.series, nodules.fold, strict=True):
        sides.setdefault(str(series), set()).add(str(fold))
    assert all(len(folds) == 1 for folds in sides.values())
    assert set.union(*sides.values()) == {"0", "1", "2", "3", "4", "never"}
    assert len(set(nodules.index)) == len(nodules) == 1018
