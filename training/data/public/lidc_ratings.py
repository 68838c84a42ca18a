"""The readers' ratings of a nodule and the labels that the papers make of them (LIDC-IDRI scales)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ratings:
    """What the readers of one nodule wrote.

    Parameters
    ----------
    values
        (readers, 9): the eight attributes in the order of `ATTRIBUTES`, then malignancy; NaN where one was left out.
    """

    values: np.ndarray

    @property
    def attributes(self) -> np.ndarray:
        """Average the readers: (8,), on the LIDC scales."""
        return np.nanmean(self.values[:, :8], axis=0)

    def malignancy(self, rule: str = "mean") -> float:
        """Combine the readers' malignancy: 1–5, by mean or median."""
        values = self.values[:, 8]
        return float(np.nanmean(values) if rule == "mean" else np.nanmedian(values))

    def label(self, rule: str = "mean") -> int:
        """Label the nodule: 1 malignant (> 3), 0 benign (< 3), −1 neither (exactly 3: left out by both papers)."""
        value = self.malignancy(rule)
        return 1 if value > 3 + 1e-6 else 0 if value < 3 - 1e-6 else -1


def read_ratings(row: Mapping[str, str]) -> Ratings:
    """Read the ratings of a row of ``nodules.csv`` (column ``readers``: a JSON list with nine numbers for each reader).

    Raises
    ------
    ValueError
        The row has no such column, or it holds something else.
    """
    try:
        values = np.array(json.loads(row["readers"]), float)
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"a row without the readers' ratings (column 'readers'): {error}") from error
    if values.ndim != 2 or values.shape[1] != 9 or not len(values):
        raise ValueError(f"the readers' ratings must be lists of nine numbers, not {row['readers'][:60]}")
    return Ratings(values)
