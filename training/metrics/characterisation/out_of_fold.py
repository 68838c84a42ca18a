"""Out-of-fold predictions (``oof.csv``): what a network, or a baseline, says of nodules that its training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...findings import ATTRIBUTES
from ...findings.formats.errors import FindingsFileError
from ...findings.formats.tables import read_rows, write_rows

REQUIRED = ("index", "seriesuid", "fold", "diameter_mm", "mean_malignancy", "median_malignancy", "malignancy")
COLUMNS = (*REQUIRED, "logit", "spread", *ATTRIBUTES)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """One predictor's opinion of n nodules, each by the model of the fold that left its scan out.

    Parameters
    ----------
    index, series, fold
        (n,) row of ``nodules.csv``, series and fold ("0" … "4") of each nodule.
    diameter
        (n,) in mm.
    readers
        Rule -> (n,) malignancy by the readers, 1–5: ``"mean"`` and ``"median"``.
    malignancy
        (n,) predicted probability, calibrated.
    attributes
        (n, 8) predicted, on the LIDC scales; NaN where the predictor knows none.
    """

    index: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    diameter: np.ndarray
    readers: dict[str, np.ndarray]
    malignancy: np.ndarray
    attributes: np.ndarray
    logit: np.ndarray = field(default_factory=lambda: np.empty(0))
    spread: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def has_attributes(self) -> bool:
        """Whether any attribute was predicted."""
        return bool(np.isfinite(self.attributes).any())

    def label(self, rule: str) -> np.ndarray:
        """(n,) 1 malignant (> 3), 0 benign (< 3), −1 neither, by the readers' mean or median."""
        value = self.readers[rule]
        return np.where(value > 3 + 1e-6, 1, np.where(value < 3 - 1e-6, 0, -1))

    def take(self, chosen: np.ndarray) -> OutOfFold:
        """Some of the nodules: a mask (n,) or positions."""
        n = len(self)
        arrays = {
            name: value[chosen]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray) and len(value) == n
        }
        return replace(self, readers={rule: v[chosen] for rule, v in self.readers.items()}, **arrays)


def same_nodules(predictors: Sequence[OutOfFold]) -> list[OutOfFold]:
    """Every predictor on the nodules that all of them know, in one order: what paired comparisons need."""
    common = set(map(int, predictors[0].index)).intersection(*(map(int, p.index) for p in predictors[1:]))
    chosen = []
    for predictor in predictors:
        place = {int(i): position for position, i in enumerate(predictor.index)}
        chosen.append(predictor.take(np.array([place[i] for i in sorted(common)], int)))
    return chosen


def read_out_of_fold(path: Path | str) -> OutOfFold:
    """Read an ``oof.csv``; columns `REQUIRED` must be there, logit, spread and the attributes may be missing or empty.

    Raises
    ------
    FindingsFileError
        A column is missing, a value is no number, a probability lies outside 0–1, a nodule is named twice, or there is none.
    """
    rows = list(read_rows(path, REQUIRED))
    if not rows:
        raise FindingsFileError(f"{path} holds no predictions")

    def column(name: str) -> np.ndarray:
        return np.array([_number(path, line, name, row.get(name, "")) for line, row in rows])

    index = column("index")
    if len(np.unique(index)) != len(index):
        raise FindingsFileError(f"{path} names a nodule twice: out-of-fold means one prediction for each")
    malignancy = column("malignancy")
    outside = ~((malignancy >= 0) & (malignancy <= 1))
    if outside.any():
        line = rows[int(outside.argmax())][0]
        raise FindingsFileError(f"{path}, line {line}: malignancy must be a probability from 0 to 1")
    return OutOfFold(
        index=index.astype(int),
        series=np.array([row["seriesuid"] for _, row in rows]),
        fold=np.array([row["fold"] for _, row in rows]),
        diameter=column("diameter_mm"),
        readers={"mean": column("mean_malignancy"), "median": column("median_malignancy")},
        malignancy=malignancy,
        attributes=np.column_stack([column(name) for name in ATTRIBUTES]),
        logit=column("logit"),
        spread=column("spread"),
    )


def _number(path: Path | str, line: int, name: str, text: str) -> float:
    """A number; NaN where the cell is empty, which only columns that may be missing are allowed to be."""
    try:
        value = float(text) if text else float("nan")
    except ValueError:
        value = float("inf")
    if np.isinf(value) or (np.isnan(value) and name in REQUIRED):
        raise FindingsFileError(f"{path}, line {line}: {name} is {text!r}, not a number")
    return value


def write_out_of_fold(path: Path | str, predictions: OutOfFold) -> None:
    """Write an ``oof.csv``, atomically; NaN becomes an empty cell."""
    n = len(predictions)
    nothing = np.full(n, np.nan)
    numbers = np.column_stack(
        [
            predictions.diameter,
            predictions.readers["mean"],
            predictions.readers["median"],
            predictions.malignancy,
            predictions.logit if len(predictions.logit) == n else nothing,
            predictions.spread if len(predictions.spread) == n else nothing,
            predictions.attributes,
        ]
    )
    write_rows(
        path,
        COLUMNS,
        [
            (int(i), str(s), str(f), *(float(v) if np.isfinite(v) else None for v in row))
            for i, s, f, row in zip(
                predictions.index, predictions.series, predictions.fold, numbers, strict=True
            )
        ],
    )
