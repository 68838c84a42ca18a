"""A step from the shipped last layer that reviewed findings ask for: logistic regression with a pull back to where it began.

Only the last layer moves, so the fit is convex, has one solution, and takes seconds. How strong the pull is follows from the
studies themselves, each left out in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .candidates import Head

PULLS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Strengths of the pull that are tried, the weakest first. On films 1 hardly moves anything and 0.01 begins to forget."""
GAIN = 0.5
"""Share of the best pull's gain with which a stronger one is taken: few studies say little about which is best."""
ROUNDS = 50
"""Newton's steps at most; ten are usual."""
LEAST = 1e-3
"""Features that vary less than so much are taken to vary so much: a step along them would be long and say nothing."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Mean and spread (F,) of the features of all that a detector looked at, judged or not."""

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, features: Sequence[np.ndarray]) -> Scale:
        """Measure features (P, F) of several studies."""
        every = np.concatenate(features).astype(float)
        return cls(every.mean(0), np.maximum(every.std(0), LEAST))


@dataclass(frozen=True, eq=False)
class Rows:
    """Candidates of a study that a person has judged, N of them.

    Parameters
    ----------
    features
        (N, F).
    logits
        (N,) of the shipped layer.
    label
        (N,) 1 for a nodule, 0 for what was rejected.
    weight
        (N,) so that each finding counts as one, however many candidates lie on it.
    """

    features: np.ndarray
    logits: np.ndarray
    label: np.ndarray
    weight: np.ndarray

    @property
    def both(self) -> bool:
        """Whether there are nodules and what is none."""
        return len(np.unique(self.label)) == 2

    def moved(self, step: Head) -> Rows:
        """The same with the logits of a layer that has moved."""
        logits = self.logits + self.features @ step.weight + step.bias
        return Rows(self.features, logits, self.label, self.weight)


def together(rows: Sequence[Rows]) -> Rows:
    """Join the rows of several studies."""
    return Rows(*(np.concatenate([getattr(r, name) for r in rows]) for name in Rows.__dataclass_fields__))


def fit(rows: Rows, scale: Scale, pull: float) -> Head:
    """Fit a step of the last layer.

    Nodules and what is none are weighted so that at the shipped layer both pull equally hard on the bias: otherwise the rarer
    ones would move all scores, and the default threshold would mean something else.

    Parameters
    ----------
    rows
        Of all studies to learn from, of both classes.
    pull
        Weight of the mean square by which standardised features could move a logit, against the mean log loss.

    Returns
    -------
    Head
        To be added to the shipped layer.
    """
    inputs = np.column_stack([(rows.features - scale.mean) / scale.spread, np.ones(len(rows.label))])
    weight = _weights(rows)
    held = pull * inputs.shape[1]
    step = np.zeros(inputs.shape[1])
    for _ in range(ROUNDS):
        p = expit(rows.logits + inputs @ step)
        slope = inputs.T @ (weight * (p - rows.label)) + held * step
        curve = (inputs * (weight * p * (1 - p))[:, None]).T @ inputs + held * np.eye(len(step))
        change = np.linalg.solve(curve, slope)
        step = step - change
        if np.abs(change).max() < 1e-8:
            break
    own = step[:-1] / scale.spread
    return Head(own, float(step[-1] - own @ scale.mean))


def _weights(rows: Rows) -> np.ndarray:
    """(N,) weights with a sum of 1, under which the residuals of both classes are equal."""
    residual = rows.weight * expit(np.where(rows.label == 1, -rows.logits, rows.logits))  # 1 - p rounds to 0
    scaled = rows.weight.copy()
    for one in (0, 1):
        scaled[rows.label == one] /= residual[rows.label == one].sum()
    return scaled / scaled.sum()


def log_loss(rows: Rows) -> float:
    """Compute the mean log loss of judged candidates, each class half of it; lower is better."""
    loss = np.logaddexp(0, np.where(rows.label == 1, -rows.logits, rows.logits))
    classes = [rows.label == one for one in (0, 1) if (rows.label == one).any()]
    return float(np.mean([np.average(loss[c], weights=rows.weight[c]) for c in classes]))


@dataclass(frozen=True)
class Choice:
    """The pull that was chosen, and what it was chosen by.

    Parameters
    ----------
    pull
        One of `PULLS`.
    before, after
        Mean log loss on studies left out: of the shipped layer, and by pull; empty where none could be left out.
    helps
        Whether a step does better than none on studies that it was not fitted on.
    share
        Part of the step that was taken: less than 1 where the whole of it forgets something.
    """

    pull: float
    before: float
    after: dict[float, float]
    helps: bool = False
    share: float = 1.0


def choose_pull(studies: Sequence[Rows], scale: Scale) -> Choice:
    """Choose how strongly to pull back: each study is left out in turn, and the loss on it counts.

    From the strongest pull to the last under which nodules of studies left out do not fall, it is the strongest with `GAIN` of
    what the best one gains; where none gains, or no study can be left out, the strongest of all.
    """
    every = [r for r in studies if len(r.label)]
    folds = [(own, together(rest)) for i, own in enumerate(every) if (rest := every[:i] + every[i + 1 :])]
    folds = [(own, rest) for own, rest in folds if rest.both]
    if not folds:
        return Choice(PULLS[-1], np.nan, {})
    left_out = together([own for own, _ in folds])
    moved = {pull: together([own.moved(fit(rest, scale, pull)) for own, rest in folds]) for pull in PULLS}
    before, after = log_loss(left_out), {pull: log_loss(rows) for pull, rows in moved.items()}
    gains: dict[float, float] = {}
    for pull in sorted(PULLS, reverse=True):
        if not _keeps(left_out, moved[pull]):
            break  # what a weaker one gains is chance
        gains[pull] = before - after[pull]
    best = max(gains.values(), default=0.0)
    enough = [pull for pull, gain in gains.items() if gain >= GAIN * best]
    return Choice(max(enough) if best > 0 else PULLS[-1], before, after, helps=best > 0)


def _keeps(before: Rows, after: Rows) -> bool:
    """Whether the scores of nodules do not fall on average: a fit may gain more on what is rejected than it loses on them."""
    nodules = before.label == 1
    change = before.weight[nodules] @ (after.logits - before.logits)[nodules]
    return bool(change >= 0)
