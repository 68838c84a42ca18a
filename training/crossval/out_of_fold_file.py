"""The file of out-of-fold predictions, ``oof.csv``: a row for each nodule."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..error_boundary import reads
from ..findings import ATTRIBUTES
from ..findings.formats.errors import FindingsFileError
from ..findings.formats.tables import read_rows, write_rows
from ..metrics.characterisation.out_of_fold import OutOfFold

REQUIRED = ("index", "seriesuid", "fold", "diameter_mm", "mean_malignancy", "median_malignancy", "malignancy")
COLUMNS = (*REQUIRED, "logit", "spread", *ATTRIBUTES)


@reads(FindingsFileError)
def read_out_of_fold(path: Path | str) -> OutOfFold:
    """Read an ``oof.csv``; columns `REQUIRED` must be there, logit, spread and the attributes may be missing or empty.

    Raises
    ------
    FindingsFileError
        A column is missing, a value is no number, a probability lies outside 0–1, a nodule is named twice, or there is none.
    """
    rows = list(read_rows(path, REQUIRED, COLUMNS))
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
