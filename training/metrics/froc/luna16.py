"""FROC analysis and the competition performance metric (CPM), by the rules of the LUNA16 challenge.

The rules are those of the challenge's own script, noduleCADEvaluationLUNA16 (Setio et al., Medical Image Analysis 42,
2017), so that figures can be put beside published ones:

* a mark hits a nodule when their squared distance is *strictly* below (diameter / 2)²; diameters below 0 count as 10 mm;
* a scan with more than 100 marks keeps those whose score is strictly above that of the 101st;
* a found nodule counts once, with the highest score among its marks; further marks on it are ignored;
* marks on excluded findings are removed, unless they hit a nodule too;
* a missed nodule stays in the denominator; false positives are averaged over all scans, also those without marks;
* sensitivities are linear interpolations of the curve at the seven rates, the CPM is their mean;
* the bootstrap draws scans with replacement from numpy's legacy generator.

`match_marks` matches one scan (or one cube: whatever false positives are counted per); lists of its results go into
`froc_curve`, `sensitivity_at` and `bootstrap`. `evaluate` does all of it for tables keyed by series.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .matching import MAX_MARKS, Matching, Points, match_marks

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which the CPM reads the curve."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A FROC curve: false positives per scan and sensitivity, from the strictest threshold to the loosest.

    All three arrays have one entry for each distinct score, after a first point (0, 0) at an infinite threshold.
    """

    fp_rate: np.ndarray
    sensitivity: np.ndarray
    threshold: np.ndarray


@dataclass(frozen=True, eq=False)
class _Pool:
    """The entries of all scans by descending score: one for each found nodule and each false positive."""

    scan: np.ndarray
    positive: np.ndarray
    ends: np.ndarray
    thresholds: np.ndarray
    nodules: np.ndarray  # by scan

    def curve(self, weight: np.ndarray) -> Curve:
        """Read the curve when each scan counts `weight` (n_scans,) times."""
        entry = weight[self.scan]
        tp = np.cumsum(entry * self.positive)[self.ends]
        fp = np.cumsum(entry)[self.ends] - tp
        n_nodules = float(weight @ self.nodules)
        found, false = (float(tp[-1]), float(fp[-1])) if len(tp) else (0.0, 0.0)
        # The challenge takes a ROC curve's two fractions and scales them back. Rounding in this detour decides whether a
        # point falls on a rate or next to it (rate x scans is a whole number of false positives), hence the detour.
        rate = fp / false * false / weight.sum() if false else np.zeros(len(fp))
        sensitivity = tp / found * found / n_nodules if found else np.zeros(len(tp))
        if not n_nodules:
            sensitivity = np.full(len(tp), np.nan)
        start = 0.0 if n_nodules else np.nan
        return Curve(np.r_[0.0, rate], np.r_[start, sensitivity], np.r_[np.inf, self.thresholds])


def _pool(matchings: Sequence[Matching]) -> _Pool:
    hits = [m.hit_scores for m in matchings]
    false = [m.score[m.false_positive] for m in matchings]
    scans = np.arange(len(matchings))
    score = np.concatenate([*hits, *false, np.empty(0)])
    scan = np.concatenate(
        [np.repeat(scans, [len(h) for h in hits]), np.repeat(scans, [len(f) for f in false])]
    )
    positive = np.arange(len(score)) < sum(map(len, hits))
    order = np.argsort(-score, kind="stable")
    score, scan = score[order], scan[order].astype(np.intp)
    ends = np.flatnonzero(np.r_[score[1:] != score[:-1], True]) if len(score) else np.empty(0, np.intp)
    nodules = np.array([len(m.nodule_mark) for m in matchings], float)
    return _Pool(scan, positive[order].astype(float), ends, score[ends], nodules)


def froc_curve(matchings: Sequence[Matching]) -> Curve:
    """Compute the FROC curve over scans, one `Matching` for each, also for those without marks or nodules.

    Sensitivities are NaN where there is no nodule at all.
    """
    if not matchings:
        raise ValueError("a FROC curve needs at least one scan")
    return _pool(matchings).curve(np.ones(len(matchings)))


def sensitivity_at(curve: Curve, rates: npt.ArrayLike = RATES) -> np.ndarray:
    """Read sensitivities (len(rates),) at these false positives per scan, by linear interpolation.

    Beyond the last point of the curve its sensitivity holds; there is no extrapolation.
    """
    return np.interp(np.asarray(rates, float), curve.fp_rate, curve.sensitivity)


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Mean and confidence interval over bootstrap samples; arrays (len(rates),), and the same for the CPM."""

    samples: int
    seed: int
    confidence: float
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    cpm_mean: float
    cpm_lower: float
    cpm_upper: float


def bootstrap(
    matchings: Sequence[Matching],
    rates: npt.ArrayLike = RATES,
    *,
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    groups: Sequence[Hashable] | None = None,
) -> Bootstrap:
    """Compute confidence intervals by drawing scans with replacement.

    Parameters
    ----------
    matchings
        One for each scan, in the order of the challenge's list of series: the drawing depends on it.
    groups
        What is drawn, one key for each matching, where several belong together (the cubes of one scan); by default
        each is drawn by itself.

    Notes
    -----
    Sample for sample the challenge's draws (legacy ``RandomState``); it reads its curves from a grid in single
    precision, so that its intervals differ from these in the fourth digit. Samples without a nodule are left out.
    """
    pool = _pool(matchings)
    names = list(range(len(matchings))) if groups is None else list(groups)
    if len(names) != len(matchings) or not names:
        raise ValueError(f"{len(names)} groups for {len(matchings)} scans")
    index = {name: i for i, name in enumerate(dict.fromkeys(names))}
    group = np.array([index[name] for name in names])
    random = np.random.RandomState(seed)  # the challenge's generator, for the same draws
    values = np.empty((samples, np.size(rates)))
    for i in range(samples):
        counts = np.bincount(random.randint(len(index), size=len(index)), minlength=len(index))
        values[i] = sensitivity_at(pool.curve(counts[group].astype(float)), rates)
    values = values[np.isfinite(values).all(1)]
    both = np.column_stack([values, values.mean(1)])
    mean, lower, upper = _interval(both, confidence)
    return Bootstrap(
        samples,
        seed,
        confidence,
        mean[:-1],
        lower[:-1],
        upper[:-1],
        float(mean[-1]),
        float(lower[-1]),
        float(upper[-1]),
    )


def _interval(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, lower and upper bound of each column (sorted values by rank, as the challenge takes them)."""
    if not len(values):
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing, nothing
    values = np.sort(values, axis=0)
    tail = (1 - confidence) / 2
    low, high = int(tail * len(values)), min(int((1 - tail) * len(values)), len(values) - 1)
    return values.mean(0), values[low], values[high]


@dataclass(frozen=True, eq=False)
class FrocResult:
    """A detector's FROC figures on a list of scans."""

    rates: tuple[float, ...]
    sensitivity_at: np.ndarray
    cpm: float
    scans: int
    nodules: int
    true_positives: int
    false_negatives: int
    false_positives: int
    ignored_excluded: int
    ignored_duplicates: int
    curve: Curve
    bootstrap: Bootstrap | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Convert to plain JSON values; sensitivities are keyed by rate (``"0.125"`` … ``"8"``), NaN becomes None."""
        b = self.bootstrap
        return {
            "sensitivity_at": by_rate(self.rates, self.sensitivity_at),
            "cpm": _number(self.cpm),
            "scans": self.scans,
            "nodules": self.nodules,
            "true_positives": self.true_positives,
            "false_negatives": self.false_negatives,
            "false_positives": self.false_positives,
            "ignored_excluded": self.ignored_excluded,
            "ignored_duplicates": self.ignored_duplicates,
            "bootstrap": b
            and {
                "samples": b.samples,
                "seed": b.seed,
                "confidence": b.confidence,
                "sensitivity_mean": by_rate(self.rates, b.mean),
                "sensitivity_lower": by_rate(self.rates, b.lower),
                "sensitivity_upper": by_rate(self.rates, b.upper),
                "cpm_mean": _number(b.cpm_mean),
                "cpm_lower": _number(b.cpm_lower),
                "cpm_upper": _number(b.cpm_upper),
            },
            "warnings": list(self.warnings),
        }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def by_rate(rates: Iterable[float], values: Iterable[float]) -> dict[str, float | None]:
    """Key values by rate the way every JSON file of the project writes it: ``"0.125"`` … ``"8"``."""
    return {f"{rate:g}": _number(value) for rate, value in zip(rates, values, strict=True)}


def summarise(
    matchings: Sequence[Matching], rates: Sequence[float] = RATES, *, interval: Bootstrap | None = None
) -> FrocResult:
    """Compute curve, sensitivities, CPM and counts of scans whose marks are matched."""
    curve = froc_curve(matchings)
    sensitivity = sensitivity_at(curve, rates)
    found = int(sum(m.found.sum() for m in matchings))
    nodules = int(sum(len(m.nodule_mark) for m in matchings))
    return FrocResult(
        rates=tuple(rates),
        sensitivity_at=sensitivity,
        cpm=float(sensitivity.mean()),
        scans=len(matchings),
        nodules=nodules,
        true_positives=found,
        false_negatives=nodules - found,
        false_positives=int(sum(m.false_positive.sum() for m in matchings)),
        ignored_excluded=int(sum(m.on_excluded.sum() for m in matchings)),
        ignored_duplicates=sum(m.duplicates for m in matchings),
        curve=curve,
        bootstrap=interval,
    )


_NOTHING: Points = (np.empty((0, 3)), np.empty(0))


def evaluate(
    series: Sequence[str],
    marks: Mapping[str, Points],
    nodules: Mapping[str, Points],
    excluded: Mapping[str, Points] | None = None,
    *,
    max_marks: int | None = MAX_MARKS,
    bootstrap_samples: int = 0,
    seed: int = 0,
) -> FrocResult:
    """Evaluate a whole submission.

    Parameters
    ----------
    series
        The scans that count, each once; scans without marks or nodules belong here too.
    marks, nodules, excluded
        By series: centres (n, 3) as z, y, x in mm with scores, or with diameters in mm.
    bootstrap_samples
        0 for none; the challenge uses 1,000.

    Notes
    -----
    As in the challenge, marks and truth of series that are not listed are left out; the result's `warnings` say so.

    Raises
    ------
    ValueError
        `series` is empty or names a scan twice, or a table holds values that are not finite.
    """
    if len(set(series)) != len(series):
        raise ValueError("the list of series names a scan twice")
    other = excluded or {}
    matchings = [
        match_marks(
            *marks.get(uid, _NOTHING),
            *nodules.get(uid, _NOTHING),
            *other.get(uid, _NOTHING),
            max_marks=max_marks,
        )
        for uid in series
    ]
    interval = bootstrap(matchings, samples=bootstrap_samples, seed=seed) if bootstrap_samples else None
    return replace(
        summarise(matchings, interval=interval), warnings=tuple(_left_out(set(series), marks, nodules))
    )


def _left_out(listed: set[str], marks: Mapping[str, Points], nodules: Mapping[str, Points]) -> Iterable[str]:
    for what, table in (("marks", marks), ("nodules", nodules)):
        unknown = [uid for uid in table if uid not in listed]
        if unknown:
            count = sum(len(np.asarray(table[uid][1])) for uid in unknown)
            yield (
                f"{count} {what} of {len(unknown)} series that are not in the list were left out "
                f"(first: {unknown[0]}): check that all files use the same identifiers"
            )
