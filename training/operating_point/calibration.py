"""Reviewed scans that thresholds are tuned on, bound to the weights that marked them, and their file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import reads
from ..errors import LungmtlError
from ..findings.formats.atomic import write_atomically
from ..findings.formats.json_values import checked, named, number, numbers, texts
from .features import FEATURES
from .likeness import Likeness, likeness
from .reviewed import ReviewedCase, weights_of
from .risk import LEAST_SCANS, controlled_threshold

FORMAT = "lungmtl-operating-point"


class CalibrationFileError(LungmtlError):
    """A file with reviewed scans cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class CalibrationScan:
    """One reviewed scan: its marks, and `features.features_of` its image (empty where it could not be read)."""

    name: str
    review: ReviewedCase
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Calibration:
    """Reviewed scans of one kind.

    Parameters
    ----------
    weights
        What marked them, by `reviewed.weights_of`: for other weights nothing is promised.
    scans
        The scans.
    made
        When, in ISO 8601.
    """

    weights: tuple[str, ...]
    scans: tuple[CalibrationScan, ...]
    made: str = ""

    def fits(self, models: Iterable[Mapping[str, Any]]) -> bool:
        """Whether marks of these models come from the weights that it was tuned for."""
        return self.weights == weights_of(models)

    def threshold(self, most: float) -> float | None:
        """The score with a promise of at most `most` false marks a scan (`risk.controlled_threshold`); None for too few scans."""
        if len(self.scans) < LEAST_SCANS:
            return None
        return controlled_threshold([np.array(s.review.false) for s in self.scans], most)

    def kept(self, threshold: float) -> tuple[int, int]:
        """How many of the accepted marks reach a threshold, and how many there are."""
        true = [score for scan in self.scans for score in scan.review.true]
        return sum(score >= threshold for score in true), len(true)

    def likeness(self, features: Mapping[str, float]) -> Likeness | None:
        """Compare a scan with those that it was tuned on."""
        return likeness(features, [scan.features for scan in self.scans if scan.features])


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write reviewed scans as JSON.

    Raises
    ------
    SaveError
        The folder cannot be written.
    """
    values = {
        "format": FORMAT,
        "version": 1,
        "made": calibration.made,
        "weights": list(calibration.weights),
        "scans": [
            {
                "name": scan.name,
                "false": list(scan.review.false),
                "true": list(scan.review.true),
                "features": dict(scan.features),
            }
            for scan in calibration.scans
        ],
    }
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text.encode("utf-8", "backslashreplace") + b"\n")


@reads(CalibrationFileError)
def read_calibration(path: Path) -> Calibration:
    """Read what `write_calibration` wrote.

    Raises
    ------
    CalibrationFileError
        The file is missing, damaged, or something else.
    """
    try:
        values = checked(json.loads(Path(path).read_text(encoding="utf-8")), dict)
        if values.get("format") != FORMAT or values.get("version") != 1:
            raise TypeError(f"its format is no {FORMAT} of version 1")
        scans = tuple(_scan(checked(row, dict)) for row in checked(values["scans"], list))
        return Calibration(texts(values["weights"]), scans, str(values.get("made", "")))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CalibrationFileError(
            f"{path} holds no reviewed scans that can be read ({error}): tune again, which writes it anew."
        ) from error


def _scan(row: dict[str, Any]) -> CalibrationScan:
    features = {name: number(v) for name, v in named(row["features"]).items() if name in FEATURES and v > 0}
    return CalibrationScan(
        checked(row["name"], str), ReviewedCase(numbers(row["false"]), numbers(row["true"])), features
    )
