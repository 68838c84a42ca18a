"""A map of nodules: t-SNE of their standardised attributes (van der Maaten & Hinton, JMLR 9, 2008)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from .cohort import By, Cohort, CohortError

MIN_NODULES = 5
"""With fewer, neighbourhoods mean nothing."""
PERPLEXITY = 30.0
EXAGGERATION = 12.0
ITERATIONS, ROUNDS = 250, 3
"""Iterations of a step (the least that scikit-learn takes), and steps after the exaggerated one: 1,000 in all."""
_START = 1e-4
"""Standard deviation of the first positions, as in scikit-learn."""


@dataclass(frozen=True)
class Step:
    """How far the map has come.

    Parameters
    ----------
    fraction
        0–1 of the work.
    stage
        What is happening, for a person.
    positions
        (n, 2) the map so far; NaN for nodules without a place.
    """

    fraction: float
    stage: str
    positions: np.ndarray


def embed(
    cohort: Cohort, features: By = "networks", *, with_diameter: bool = False, seed: int = 0
) -> Generator[Step, None, np.ndarray]:
    """Place nodules so that those with like attributes lie together.

    t-SNE runs in steps that each go on from the last, first with exaggerated attraction; the first map is that of the two
    principal components. Each ``yield`` is a point at which the caller may draw the map, or stop by closing.

    Parameters
    ----------
    cohort
        The nodules; those without all eight attributes get no place.
    features
        Whose attributes: the networks' or the readers'.
    with_diameter
        Use the logarithm of the diameter as a ninth feature.
    seed
        Of what is random.

    Returns
    -------
    ndarray
        (n, 2) positions in no particular unit, NaN for nodules without a place.

    Raises
    ------
    CohortError
        Fewer than `MIN_NODULES` nodules have attributes, or all have the same.
    """
    table = cohort.attributes(features)
    if with_diameter:
        table = np.column_stack([table, np.log(cohort.values("diameter"))])
    known = np.isfinite(table).all(axis=1)
    count = int(known.sum())
    if count < MIN_NODULES:
        raise CohortError(_too_few(count, len(cohort), features))

    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(table[known])
    if not np.any(np.abs(scaled) > 1e-9):
        raise CohortError("All nodules have the same attributes: there is nothing to tell them apart by.")

    def placed(points: np.ndarray) -> np.ndarray:
        positions = np.full((len(cohort), 2), np.nan)
        positions[known] = points
        return positions

    points = PCA(2, random_state=seed).fit_transform(scaled)
    yield Step(0.0, "principal components", placed(points))
    points = points / points[:, 0].std() * _START
    # Nodules with the same ratings would stay on one another for good: nothing pushes them to any side.
    points = points + np.random.default_rng(seed).normal(0, _START / 100, points.shape)
    for round_ in range(1 + ROUNDS):
        step = TSNE(
            perplexity=min(PERPLEXITY, (count - 1) / 3),
            early_exaggeration=EXAGGERATION if round_ == 0 else 1.0,
            max_iter=ITERATIONS,
            init=points.astype(np.float32),
            random_state=seed,
        )
        points = step.fit_transform(scaled)
        yield Step((1 + round_) / (1 + ROUNDS), f"t-SNE of {count} nodules", placed(points))
    return placed(points)


def _too_few(count: int, total: int, features: By) -> str:
    have = (
        f"{count} of the {total} nodules here " + ("has" if count == 1 else "have")
        if count
        else (f"none of the {total} nodules here has")
    )
    whose = "predicted attributes" if features == "networks" else "readers' ratings"
    return f"A map needs at least {MIN_NODULES} nodules with all eight {whose}; {have} them."
