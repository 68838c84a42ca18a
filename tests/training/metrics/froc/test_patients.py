"""True negative patients, counted by hand."""

import numpy as np
import pytest

from napari_lungmtl.training.metrics.froc.matching import match_marks
from napari_lungmtl.training.metrics.froc.patients import true_negative_patients


def scan(*scores, nodule=None, excluded=False):
    """A scan with false marks far from everything, or on an excluded finding, and a nodule with its mark (0: missed)."""
    marks = [(50.0 + 10 * i, 0.0, 0.0) for i in range(len(scores))]
    other = [(50.0, 0.0, 0.0)] if excluded else []
    nodules, values = ([], list(scores)) if nodule is None else ([(0.0, 0.0, 0.0)], list(scores))
    if nodule:
        marks.append((0.0, 0.0, 0.0))
        values.append(nodule)
    return match_marks(
        np.reshape(marks, (-1, 3)),
        values,
        np.reshape(nodules, (-1, 3)),
        [8.0] * len(nodules),
        np.reshape(other, (-1, 3)),
        [8.0] * len(other),
    )


POSITIVE = [scan(0.99, nodule=s / 100) for s in range(40, 60)]
"""Twenty nodules scored 0.40 to 0.59: nineteen of them (0.95) are found from 0.41 on."""


def test_the_threshold_is_where_the_sensitivity_is_reached():
    free = [scan(0.40, 0.2), scan(0.41), scan(), scan(0.9)]
    result = true_negative_patients([*POSITIVE, *free])
    assert result.threshold == 0.41
    assert result.patients == 4
    assert result.fraction.value == 0.5  # a mark of exactly the threshold is shown
    assert 0 <= result.fraction.lower <= 0.5 <= result.fraction.upper <= 1


def test_a_patient_of_several_regions_is_negative_as_a_whole():
    free = [scan(), scan(0.7), scan(), scan(0.1)]
    result = true_negative_patients(POSITIVE, free, groups=["a", "a", "b", "b"])
    assert (result.patients, result.fraction.value) == (2, 0.5)


def test_marks_on_excluded_findings_do_not_count():
    assert true_negative_patients([*POSITIVE, scan(0.9, excluded=True)]).fraction.value == 1


def test_without_the_sensitivity_there_is_no_figure():
    missed = true_negative_patients([scan(nodule=0), scan(0.3)])
    assert np.isnan(missed.threshold)
    assert np.isnan(missed.fraction.value)
    nobody = true_negative_patients(POSITIVE)
    assert (nobody.patients, nobody.threshold) == (0, 0.41)
    assert np.isnan(nobody.fraction.value)


def test_each_region_belongs_to_somebody():
    with pytest.raises(ValueError, match="1 groups for 2 regions"):
        true_negative_patients(POSITIVE, [scan(), scan()], groups=["a"])
