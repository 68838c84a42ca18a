import numpy as np
import pytest

from napari_lungmtl.training.data.public.lidc_ratings import read_ratings
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.findings.formats.tables import read_rows
from napari_lungmtl.training.metrics.characterisation.attributes import (
    attribute_figures,
    majority,
    majority_accuracy,
    reader_disagreement,
)
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights

NAN = float("nan")


def ratings(*readers):
    """Readers who differ only in subtlety and calcification."""
    return np.array([[s, 1, c, 3, 3, 3, 3, 3, 2] for s, c in readers], float)


def test_errors_by_hand():
    nodules = [ratings((1, 6), (3, 6)), ratings((4, 3), (5, 6), (3, 3)), ratings((5, 6), (5, 5))]
    predicted = np.full((3, 8), 3.0)
    predicted[:, 0] = 2.5, 4, 4.5
    predicted[:, 2] = 5.6, 3.4, 6
    figures = attribute_figures(nodules, predicted)
    assert list(figures) == list(ATTRIBUTES)
    # Means of the readers: 2, 4, 5.
    assert figures["subtlety"]["mae"] == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert figures["subtlety"]["spearman"] == pytest.approx(1)
    # The third nodule has no majority; 5.6 and 3.4 round to 6 and 3.
    assert figures["calcification"]["accuracy"] == 1
    assert figures["internalStructure"]["accuracy"] == 0
    assert figures["margin"] == {"mae": 0, "spearman": None}
    assert "accuracy" not in figures["subtlety"]


def test_what_was_not_predicted_is_left_out():
    nodules = [ratings((1, 6)), ratings((4, 3))]
    predicted = np.full((2, 8), NAN)
    assert attribute_figures(nodules, predicted)["subtlety"] == {"mae": None, "spearman": None}
    predicted[1, 0] = 5
    assert attribute_figures(nodules, predicted)["subtlety"]["mae"] == 1


def test_halves_round_up_and_ties_have_no_majority():
    assert majority(np.array([6.0, 6, 5, NAN])) == 6
    assert majority(np.array([6.0, 5])) is None
    assert majority(np.array([NAN])) is None
    assert majority_accuracy([ratings((3, 3)), ratings((3, 5))], np.array([2.5, 4.5]), 2) == 1


def test_readers_disagree_over_all_pairs():
    # Pairs of subtlety: |1−2|, |1−4|, |2−4| and |5−5|.
    found = reader_disagreement([ratings((1, 6), (2, 6), (4, 6)), ratings((5, 6), (5, 4))])
    assert found[0] == pytest.approx((1 + 3 + 2 + 0) / 4)
    assert found[2] == pytest.approx(2 / 4)
    assert np.isnan(reader_disagreement([ratings((1, 6))])).all()


def test_intervals_enclose_the_error():
    rng = np.random.default_rng(0)
    nodules = [ratings((int(s), 6)) for s in rng.integers(1, 6, 80)]
    predicted = np.tile(rng.uniform(1, 5, (80, 1)), 8)
    row = attribute_figures(nodules, predicted, bootstrap_weights(np.arange(80) // 2))["subtlety"]
    assert row["mae_lower"] < row["mae"] < row["mae_upper"]


def test_the_real_readers(lungmtl_data):
    """The figures of the readers themselves: what the median predictor errs by, and what two readers differ by."""
    table = lungmtl_data / "luna16_nodules" / "nodules.csv"
    nodules = [read_ratings(row).values for _, row in read_rows(table, ("readers",))]
    differ = dict(zip(ATTRIBUTES, reader_disagreement(nodules).round(2), strict=True))
    known = {"subtlety": 0.84, "sphericity": 0.86, "margin": 0.86, "lobulation": 0.80}
    known |= {"spiculation": 0.67, "texture": 0.45, "calcification": 0.21}
    assert {name: differ[name] for name in known} == pytest.approx(known, abs=0.006)
    truth = np.array([np.nanmean(r[:, :8], axis=0) for r in nodules])
    errors = attribute_figures(nodules, np.tile(np.median(truth, axis=0), (len(truth), 1)))
    expected = {"subtlety": 0.67, "sphericity": 0.50, "margin": 0.66, "lobulation": 0.57}
    expected |= {"spiculation": 0.52, "texture": 0.54, "calcification": 0.29}
    assert {name: errors[name]["mae"] for name in expected} == pytest.approx(expected, abs=0.006)
