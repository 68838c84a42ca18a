"""The map: like nodules lie together, nothing is random between two runs, and too few nodules give a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.cohort import Cohort, CohortError, Nodule, Step, embed
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Sphere

HERE = Path(__file__).parent


def cohort(table: np.ndarray, diameters: np.ndarray | None = None) -> Cohort:
    """Nodules with these attributes (n, 8), NaN where unknown; readers say the same plus one."""
    sizes = np.full(len(table), 8.0) if diameters is None else diameters
    return Cohort(
        HERE,
        tuple(
            Nodule(
                "case",
                HERE,
                None,
                Finding(
                    Sphere((0.0, 0.0, 0.0), size),
                    attributes={n: float(v) for n, v in zip(ATTRIBUTES, row) if np.isfinite(v)},
                    id=f"n{i}",
                ),
                {n: float(v) + 1 for n, v in zip(ATTRIBUTES, row) if np.isfinite(v)},
            )
            for i, (row, size) in enumerate(zip(table, sizes))
        ),
    )


def drained(steps) -> tuple[np.ndarray, list[Step]]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return stop.value, seen


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    """Three groups of 14 nodules each."""
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(mean, 0.2, (14, 8)) for mean in (1.5, 3, 4.5)])


@pytest.fixture(scope="module")
def placed(groups) -> tuple[np.ndarray, list[Step]]:
    return drained(embed(cohort(groups)))


def test_like_nodules_lie_together(placed):
    positions, _ = placed
    group = np.repeat([0, 1, 2], 14)
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert np.mean(group[distance.argmin(axis=1)] == group) == 1


def test_steps_go_on_from_each_other_as_well_as_one_long_run(groups, placed):
    """In steps the neighbourhoods come out no worse than by scikit-learn in one go."""
    from sklearn.manifold import TSNE, trustworthiness
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(groups)
    one_go = TSNE(perplexity=(len(groups) - 1) / 3, random_state=0).fit_transform(scaled)
    positions, steps = placed
    assert trustworthiness(scaled, positions) > trustworthiness(scaled, one_go) - 0.03
    assert [s.fraction for s in steps] == [0, 0.25, 0.5, 0.75, 1]
    last = steps[-1].positions - steps[-2].positions
    assert np.abs(last).max() < np.ptp(positions)


def test_the_same_seed_gives_the_same_map(groups, placed):
    again, _ = drained(embed(cohort(groups)))
    np.testing.assert_allclose(again, placed[0], rtol=1e-3, atol=1e-2 * np.ptp(placed[0]))


def test_nodules_without_attributes_get_no_place(groups):
    table = groups[:20].copy()
    table[3] = np.nan
    table[7, 2] = np.nan
    positions = next(embed(cohort(table))).positions
    assert np.isnan(positions[[3, 7]]).all()
    assert np.isfinite(np.delete(positions, [3, 7], axis=0)).all()


def test_readers_and_networks_are_told_apart(groups):
    table = np.full((10, 8), np.nan)
    one = cohort(groups[:10])
    unrated = Cohort(HERE, tuple(Nodule("c", HERE, None, n.finding) for n in one.nodules))
    assert np.isfinite(next(embed(unrated, "networks")).positions).all()
    with pytest.raises(CohortError, match="none of the 10 nodules here has them"):
        next(embed(unrated, "readers"))
    with pytest.raises(CohortError, match="eight predicted attributes"):
        next(embed(cohort(table)))


def test_the_diameter_is_a_feature_by_choice():
    """Nodules that differ by their size alone: without it there is nothing to tell them apart by."""
    same = cohort(np.full((12, 8), 3.0), np.geomspace(3, 30, 12))
    with pytest.raises(CohortError, match="nothing to tell them apart"):
        next(embed(same))
    first = next(embed(same, with_diameter=True)).positions[:, 0]
    steps = np.diff(first)
    assert np.all(steps > 0) or np.all(steps < 0)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)  # logarithmic: equal ratios, equal steps


def test_below_five_there_is_a_sentence():
    table = np.random.default_rng(0).normal(3, 1, (4, 8))
    with pytest.raises(CohortError, match=r"at least 5 nodules .* 4 of the 4"):
        next(embed(cohort(table)))
    positions, _ = drained(embed(cohort(np.random.default_rng(0).normal(3, 1, (5, 8)))))
    assert np.isfinite(positions).all()


def test_equal_nodules_do_not_stay_on_one_another():
    table = np.repeat(np.random.default_rng(0).normal(3, 1, (5, 8)), 3, axis=0)
    positions, _ = drained(embed(cohort(table)))
    assert len(np.unique(np.round(positions, 6), axis=0)) == 15


def test_closing_stops(groups):
    steps = embed(cohort(groups))
    next(steps)
    steps.close()
    assert list(steps) == []
