"""The nodules of a cohort that are most like one: nearest in what characterising networks say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..findings import ATTRIBUTES, Finding
from .cohort import Cohort

COUNT = 5
"""How many look-alikes are worth a look."""


@dataclass(frozen=True)
class Alike:
    """A nodule that is like the one asked for.

    Parameters
    ----------
    row
        Of the cohort.
    distance
        In standard deviations of the cohort, the root mean square over the features.
    """

    row: int
    distance: float


def alike(cohort: Cohort, finding: Finding, series: str = "", count: int = COUNT) -> tuple[Alike, ...]:
    """Find the nodules most like a finding by the eight attributes and the logarithm of the diameter.

    What networks said of the cohort's nodules is compared; where nobody asked them, the means of the readers, which the
    networks' attributes estimate.

    Parameters
    ----------
    cohort
        The nodules.
    finding
        One that networks have characterised.
    series
        SeriesInstanceUID of its image: the same nodule, and others of the same scan, are left out.
    count
        How many at most.

    Returns
    -------
    tuple of Alike
        The nearest first; none where the finding or the cohort lacks attributes.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> from napari_lungmtl.training.cohort import Cohort
    >>> alike(Cohort(path=None, nodules=()), lm.Finding(lm.Sphere((0.0, 0.0, 0.0), 5.0)))
    ()
    """
    asked = features_of(finding)
    if not len(cohort) or not np.isfinite(asked).all():
        return ()
    table = _table(cohort)
    usable = np.isfinite(table).all(axis=1)
    usable &= np.array([not series or nodule.case != series for nodule in cohort.nodules])
    if not usable.any():
        return ()
    distance = distances(table[usable], asked, spread_of(cohort))
    rows = np.flatnonzero(usable)
    nearest = np.argsort(distance, kind="stable")[:count]
    return tuple(Alike(int(rows[i]), float(distance[i])) for i in nearest)


def features_of(finding: Finding) -> np.ndarray:
    """(9,) what nodules are compared by: the eight attributes and the log diameter, NaN where unknown."""
    return np.array([*(finding.attributes.get(n, np.nan) for n in ATTRIBUTES), np.log(finding.diameter)])


def spread_of(cohort: Cohort) -> np.ndarray:
    """(9,) standard deviations of the features among the nodules whose features are all known."""
    table = _table(cohort)
    return np.maximum(table[np.isfinite(table).all(axis=1)].std(axis=0), 1e-6)


def distances(table: np.ndarray, asked: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(n,) how far features (n, 9) are from others, see `Alike.distance`."""
    return np.sqrt((((table - asked) / spread) ** 2).mean(axis=1))


def _table(cohort: Cohort) -> np.ndarray:
    """(n, 9) attributes, of the networks where they spoke, and log diameter."""
    by_networks, by_readers = cohort.attributes("networks"), cohort.attributes("readers")
    spoke = np.isfinite(by_networks).all(axis=1, keepdims=True)
    return np.column_stack([np.where(spoke, by_networks, by_readers), np.log(cohort.values("diameter"))])
