"""What scores mean: Platt scaling, and detectors whose score 0.5 is an operating point; `ops.logits.calibrated` applies both."""

from __future__ import annotations

import numpy as np

from ..ops.logits import log_odds


def platt(score: np.ndarray, label: np.ndarray, least: float = 0.1) -> tuple[float, float]:
    """Fit slope and intercept that turn log odds into calibrated ones (Platt scaling: logistic regression).

    Parameters
    ----------
    score
        (N,) log odds.
    label
        (N,) 1 or 0; −1 is left out. Fewer than two classes give (1, 0).
    least
        The slope is not lower, so that scores keep their order.
    """
    # Here, because scikit-learn takes long to load.
    from sklearn.linear_model import LogisticRegression

    label = np.asarray(label, int)
    known = label >= 0
    if len(np.unique(label[known])) < 2:
        return 1.0, 0.0
    # The weak penalty only matters where the classes separate completely.
    fitted = LogisticRegression(C=10.0, tol=1e-8, max_iter=1000).fit(score[known, None], label[known])
    return round(max(float(fitted.coef_[0, 0]), least), 4), round(float(fitted.intercept_[0]), 4)


def calibrate_detector(
    hits: np.ndarray, false: np.ndarray, raw: float, least: float = 0.1
) -> tuple[float, float]:
    """Fit slope and intercept on the log odds of a detector's scores.

    The slope is Platt's over hits and false positives. The intercept makes 0.5 the score `raw`, an operating point, so that
    the same threshold means the same for every version of the weights.

    Parameters
    ----------
    hits, false
        (H,) and (F,) scores 0–1 of what hits a nodule, and of what hits none.
    raw
        Score 0–1 at the operating point.
    least
        See `platt`.
    """
    label = np.repeat([1, 0], [len(hits), len(false)])
    slope, _ = platt(log_odds(np.concatenate([hits, false])), label, least)
    return slope, round(float(-slope * log_odds(np.array(raw))), 4)
