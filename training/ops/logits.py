"""Log odds of probabilities, kept finite, and the line on them that calibrates a score (Platt scaling)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

EPS = 1e-6
"""Detectors' scores are kept this far from 0 and 1: float32 still tells 1 − 1e-6 from 1."""
OPINION_EPS = 1e-4
"""Malignancies are: a thousand rated nodules support no opinion that is surer than one in ten thousand."""


def log_odds(probability: npt.ArrayLike, eps: float = EPS) -> np.ndarray:
    """Convert probabilities to log odds, in double precision.

    Parameters
    ----------
    eps
        Probabilities are clipped to `eps` … 1 − `eps`, so that log odds are finite.
    """
    return logit(np.clip(np.asarray(probability, float), eps, 1 - eps))


def calibrated(probability: npt.ArrayLike, calibration: tuple[float, float]) -> np.ndarray:
    """Apply slope and intercept to the log odds of probabilities; (1, 0) leaves them as they are."""
    slope, intercept = calibration
    if (slope, intercept) == (1.0, 0.0):
        return np.asarray(probability, float)
    return expit(slope * log_odds(probability) + intercept)


def uncalibrated(probability: npt.ArrayLike, calibration: tuple[float, float]) -> np.ndarray:
    """Find the probabilities that `calibrated` turns into these."""
    slope, intercept = calibration
    return expit((log_odds(probability) - intercept) / slope)
