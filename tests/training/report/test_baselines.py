"""Features of shapes that are known, and predictors by hand."""

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.metrics.characterisation.attributes import attribute_figures
from napari_lungmtl.training.metrics.characterisation.classification import roc_auc
from napari_lungmtl.training.report.baselines import (
    cross_validated,
    logistic,
    median_attributes,
    shrunken_attributes,
)
from napari_lungmtl.training.report.features import NAMES, nodule_features, simple_features
from napari_lungmtl.training.report.relatedness import left_out_auc, map_of, relatedness

from ...stand_ins.cross_validation import write_data


def measured(mask, hu=None, diameter=10.0):
    hu = np.where(mask, 0.0, -800.0) if hu is None else hu
    return dict(zip(NAMES, nodule_features(hu, mask, diameter), strict=True))


def ellipsoid(axes, shape=(50, 50, 50)):
    grid = np.indices(shape) - np.array(shape).reshape(3, 1, 1, 1) / 2 + 0.5
    return sum((g / (a / 2)) ** 2 for g, a in zip(grid, axes, strict=True)) <= 1


def test_shape_of_an_ellipsoid():
    found = measured(ellipsoid((10, 15, 30)), diameter=np.e)
    assert found["log_diameter"] == pytest.approx(1)
    assert np.exp(found["log_volume"]) == pytest.approx(np.pi / 6 * 10 * 15 * 30, rel=0.03)
    assert found["long_axis"] == pytest.approx(30, rel=0.03)
    assert found["middle_ratio"] == pytest.approx(0.5, rel=0.04)
    assert found["short_ratio"] == pytest.approx(1 / 3, rel=0.04)
    # A ball's voxel faces measure its six projections: 6 π r² for 4 π r².
    assert measured(ellipsoid((24, 24, 24)))["sphericity"] == pytest.approx(2 / 3, rel=0.05)
    assert found["sphericity"] < 0.63


def test_densities_by_hand():
    mask = np.zeros((20, 20, 20), bool)
    mask[8:13, 8:13, 8:13] = True
    core = np.zeros_like(mask)
    core[9:12, 9:12, 9:12] = True
    hu = np.where(core, 100.0, np.where(mask, -100.0, -800.0))
    found = measured(mask, hu)
    assert found["core"] == 100
    assert found["rim"] == -100
    assert found["shell"] == -800
    assert found["mean"] == pytest.approx((27 * 100 - 98 * 100) / 125)
    assert (found["p10"], found["p50"], found["p90"]) == (-100, -100, 100)
    # In the middle of a face the HU rise from −800 to 100 over two voxels; edges and corners have less in more directions.
    assert 350 < found["edge"] < 700


def test_a_single_voxel_at_the_border_has_features_and_an_empty_mask_none():
    mask = np.zeros((50, 50, 50), bool)
    mask[0, 0, 49] = True
    assert np.isfinite(list(measured(mask).values())).all()
    with pytest.raises(ValueError, match="without a mask"):
        measured(np.zeros((50, 50, 50), bool))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = write_data(tmp_path_factory.mktemp("data"))
    nodules = cross_validated(load_rated_nodules(folder))
    return nodules, simple_features(folder, nodules)


def test_scans_of_no_fold_take_no_part(small):
    nodules, features = small
    assert len(nodules) == 58
    assert "never" not in nodules.fold
    assert features.shape == (58, 15)
    np.testing.assert_allclose(features[:, 0], np.log(nodules.diameter))


def test_no_nodule_is_judged_by_what_learnt_from_its_scan(small):
    """Turning the labels of one fold around must not change what is said of that fold, but of the others."""
    nodules, features = small
    turned = tuple(
        replace(r, values=np.column_stack([6 - r.values[:, :8].clip(1, 4), 6 - r.values[:, 8]]))
        if fold == "2"
        else r
        for r, fold in zip(nodules.ratings, nodules.fold, strict=True)
    )
    other = replace(nodules, ratings=turned)
    own = nodules.fold == "2"
    before, after = logistic(nodules, features), logistic(other, features)
    for rule in ("mean", "median"):
        np.testing.assert_array_equal(before[rule].malignancy[own], after[rule].malignancy[own])
        assert (before[rule].malignancy[~own] != after[rule].malignancy[~own]).all()
    for predict in (median_attributes, lambda n: shrunken_attributes(n, features, "lasso")):
        np.testing.assert_array_equal(predict(nodules)[own], predict(other)[own])


def test_baselines_find_what_is_there(small):
    nodules, features = small
    label = nodules.label("mean")
    known = label >= 0
    score = logistic(nodules, features[:, :1])["mean"].malignancy
    assert roc_auc(label[known], score[known]) > 0.85
    errors = {
        name: np.mean([row["mae"] for row in attribute_figures(nodules.readers, predicted).values()])
        for name, predicted in (
            ("median", median_attributes(nodules)),
            ("lasso", shrunken_attributes(nodules, features, "lasso")),
            ("net", shrunken_attributes(nodules, features, "elastic net")),
        )
    }
    assert errors["lasso"] < 0.8 * errors["median"]
    assert errors["net"] < 0.8 * errors["median"]


def test_elimination_finds_the_attribute_that_matters():
    rng = np.random.default_rng(0)
    label, fold = rng.integers(0, 2, 300), np.arange(300) % 5
    x = rng.normal(0, 1, (300, 4))
    x[:, 2] += 2 * label
    x[:, 0] += 0.8 * label
    found = relatedness(x, label, fold)
    assert found.rank[[2, 0]].tolist() == [1, 2]
    assert sorted(found.rank) == [1, 2, 3, 4]
    assert found.mean.sum() == pytest.approx(1)
    assert found.above_average[2]
    assert not found.above_average[[1, 3]].any()
    assert left_out_auc(x, label, fold) > left_out_auc(x[:, [1, 3]], label, fold) + 0.2


def test_the_map_is_always_the_same_and_keeps_groups_together():
    rng = np.random.default_rng(0)
    group = np.arange(60) % 2
    x = rng.normal(0, 1, (60, 8)) + 8 * group[:, None]
    first = map_of(x)
    np.testing.assert_array_equal(first, map_of(x))
    distance = np.linalg.norm(first[:, None] - first[None], axis=2) + np.eye(60) * 1e9
    assert (group[distance.argmin(1)] == group).mean() > 0.95


def test_data_that_cannot_be_cross_validated(tmp_path):
    folder = write_data(tmp_path / "a", 4, masks=False)
    nodules = load_rated_nodules(folder)
    with pytest.raises(DatasetError, match="no masks"):
        simple_features(folder, nodules)
    (folder / "folds.csv").unlink()
    with pytest.raises(DatasetError, match=r"folds\.csv"):
        cross_validated(load_rated_nodules(folder))
