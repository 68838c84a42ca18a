"""Look-alikes: the nearest by what networks said, no other nodule of the same scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.cohort import Cohort, Nodule, alike, load_cohort
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Sphere

from ...stand_ins.cubes_folder import write_cubes, write_predictions


def nodule(number: int, values: np.ndarray, diameter: float = 8.0) -> Nodule:
    attributes = dict(zip(ATTRIBUTES, map(float, values), strict=True))
    finding = Finding(Sphere((0.0, 0.0, float(number)), diameter), attributes=attributes, id=f"n{number}")
    return Nodule(f"1.2.{number}", None, None, finding)


@given(st.integers(0, 2**32 - 1), st.integers(0, 29))
def test_the_order_is_that_of_the_standardised_distance(seed, own):
    rng = np.random.default_rng(seed)
    table, diameters = rng.uniform(1, 5, (30, 8)), rng.uniform(3, 30, 30)
    cohort = Cohort(None, tuple(nodule(i, v, d) for i, (v, d) in enumerate(zip(table, diameters))))
    found = alike(cohort, cohort.nodules[own].finding, f"1.2.{own}", count=29)
    features = np.column_stack([table, np.log(diameters)])
    z = (features - features[own]) / features.std(axis=0)
    distance = np.sqrt((z**2).mean(axis=1))
    assert {one.row for one in found} == set(range(30)) - {own}
    np.testing.assert_allclose([one.distance for one in found], np.sort(distance)[1:], rtol=1e-9)
    assert (
        alike(cohort, cohort.nodules[own].finding)[0].row == own
    )  # of another image it is itself the nearest


def test_readers_stand_in_where_no_network_was_asked(tmp_path):
    folder = write_cubes(tmp_path / "cubes", [1, -1, 1, 1])
    cohort = load_cohort(folder)
    asked = replace(
        cohort.nodules[2].finding,
        attributes={name: cohort.nodules[2].readers[name] for name in ATTRIBUTES},
    )
    found = alike(cohort, asked, "another scan")
    assert found[0].row == 2
    assert found[0].distance == pytest.approx(0, abs=1e-6)
    assert [len(n.votes) for n in cohort.nodules] == [1] * 4
    predicted = load_cohort(folder, write_predictions(tmp_path / "oof.csv", 4))
    assert alike(predicted, predicted.nodules[1].finding, "another scan")[0].row == 1


def test_what_nobody_characterised_has_none(tmp_path):
    cohort = load_cohort(write_cubes(tmp_path / "cubes", [1, 1]))
    assert alike(cohort, Finding(Sphere((0.0, 0.0, 0.0), 5.0))) == ()
    assert alike(cohort, nodule(1, np.ones(8)).finding, "1.2.0")[0].row == 1
