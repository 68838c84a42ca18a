"""A threshold with a promise: on average at most so many false marks a scan, with 95 % confidence, from some reviewed scans.

Risk-controlling prediction sets (Bates et al. 2021, doi:10.1145/3478535) with the fixed-sequence test of Learn then Test
(Angelopoulos et al., arXiv:2110.01052): from the strictest threshold down, each is tested against "more than N false marks a scan",
and the loosest before the first that cannot be refused is taken. False marks have no upper limit, and no method can promise the
mean of a number without one from a few scans. Hence the loss: a scan with more than `CLIP` × N false marks counts as one with that
many.

The test is a bet (Waudby-Smith and Ramdas 2024, doi:10.1093/jrsssb/qkad009): if the mean were N or more, no bet on "less than N"
could be expected to win, and wealth of 1 / 0.05 comes up in at most 5 of 100 calibrations. Several bets run side by side, half of
the wealth on the boldest one; no order of the scans comes in. `expected_threshold` is conformal risk control (Angelopoulos et al.,
arXiv:2208.02814), whose promise is of the mean over many calibrations only: one calibration in two or three may break it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
CLIP = 3.0
"""A scan counts as at most this many times N false marks: the largest number for which ten scans can be enough."""
LEAST_SCANS = 10
"""Reviewed scans from which on a threshold is proposed: with fewer, none could be, whatever they hold."""
BETS = np.linspace(0.05, 1.0, 20)
"""Parts of the largest bet that cannot lose more than there is."""
BOLDEST = 0.5
"""Share of the wealth on the largest bet."""


def wealth(losses: np.ndarray, limit: float) -> np.ndarray:
    """Compute what bets on a mean below `limit` have made of 1.

    Parameters
    ----------
    losses
        (n, …) losses of n scans, 0–1.
    limit
        Mean that is to be refuted, between 0 and 1.

    Returns
    -------
    numpy.ndarray
        (…) wealth. Where the mean is `limit` or more, it reaches w with a probability of at most 1 / w.
    """
    gain = limit - np.asarray(losses, float)
    bets = BETS / (1 - limit)
    shares = np.full(len(bets), (1 - BOLDEST) / len(bets))
    shares[-1] += BOLDEST
    return sum(
        share * np.prod(np.maximum(1 + bet * gain, 0.0), axis=0)
        for share, bet in zip(shares, bets, strict=True)
    )


def count_table(false_scores: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Count false marks over all thresholds that make a difference.

    Parameters
    ----------
    false_scores
        For each of n scans the scores of its false marks.

    Returns
    -------
    thresholds, counts
        (k,) from the strictest, infinity first, and (n, k) marks of at least that score.
    """
    scores = np.concatenate([*(np.asarray(s, float) for s in false_scores), np.empty(0)])
    scan = np.repeat(np.arange(len(false_scores)), [len(s) for s in false_scores])
    every, place = np.unique(-scores, return_inverse=True)
    width = len(every) + 1
    at = np.bincount(scan * width + place + 1, minlength=len(false_scores) * width)
    return np.r_[np.inf, -every], at.reshape(-1, width).cumsum(axis=1)


def controlled_threshold(
    false_scores: Sequence[np.ndarray], most: float, confidence: float = CONFIDENCE
) -> float | None:
    """Choose the lowest threshold at which scans like these have on average at most `most` false marks.

    Parameters
    ----------
    false_scores
        For each reviewed scan the scores of its false marks, down to the lowest that were kept.
    most
        False marks a scan; a scan counts as one with at most `CLIP` × `most`.
    confidence
        Probability over calibrations with which the promise holds.

    Returns
    -------
    float or None
        A score, just above that of the mark that is too much, which may be 1; 0 where every mark may be shown. None where the scans
        are too few for any promise.
    """
    return threshold_of(*count_table(false_scores), most, confidence)


def threshold_of(
    thresholds: np.ndarray, counts: np.ndarray, most: float, confidence: float = CONFIDENCE
) -> float | None:
    """Choose the threshold from a `count_table`; see `controlled_threshold`."""
    if not len(counts) or not most > 0:
        return None
    losses = np.minimum(counts / (CLIP * most), 1.0)
    # Where the mean loss has come to the limit, no bet has won: what is looser need not be computed.
    hopeless = np.flatnonzero(losses.mean(0) >= 1 / CLIP)
    passed = np.zeros(len(thresholds), bool)
    tested = slice(0, hopeless[0] if len(hopeless) else len(thresholds))
    passed[tested] = wealth(losses[:, tested], 1 / CLIP) >= 1 / (1 - confidence)
    return _above_first_failure(thresholds, passed)


def expected_threshold(thresholds: np.ndarray, counts: np.ndarray, most: float) -> float | None:
    """Choose a threshold by conformal risk control: the mean of the same loss, over scans *and calibrations*, is at most `most`."""
    if not len(counts) or not most > 0:
        return None
    losses = np.minimum(counts / (CLIP * most), 1.0)
    passed = (losses.sum(0) + 1) / (len(losses) + 1) <= 1 / CLIP
    return _above_first_failure(thresholds, passed)


def _above_first_failure(thresholds: np.ndarray, passed: np.ndarray) -> float | None:
    failed = np.flatnonzero(~passed)
    if not len(failed):
        return 0.0
    return None if failed[0] == 0 else float(np.nextafter(thresholds[failed[0]], np.inf))
