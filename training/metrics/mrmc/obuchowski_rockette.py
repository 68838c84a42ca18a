"""Obuchowski and Rockette's analysis of several readers' figures in several modalities, with Hillis's degrees of freedom.

Model: figure = mean + modality + reader + modality × reader + error, the errors of one study's cases being correlated (Obuchowski
& Rockette 1995, doi:10.1080/03610919508813243). Test statistics and degrees of freedom by Hillis 2007 (doi:10.1002/sim.2532),
intervals of single modalities by Hillis, Obuchowski & Berbaum 2011 (PMC3053069). With jackknifed covariances it gives what Dorfman,
Berbaum and Metz's analysis of pseudovalues does (Hillis et al. 2005, doi:10.1002/sim.2024); a test computes both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..intervals.bootstrap import finite
from .components import Components

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and interval.

    `df` are the degrees of freedom of its t distribution (inf: normal), `p` the probability of so large a value where there is
    none; NaN for a mean, which nobody tests. Intervals of means end at 0 and 1.
    """

    value: float
    standard_error: float
    df: float
    lower: float
    upper: float
    p: float = np.nan

    def to_json(self) -> dict[str, float | None]:
        """Convert for JSON; NaN and inf become None."""
        return {name: finite(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Test:
    """Are all modalities the same? ``F(df1, df2)``; where readers are fixed chi-squared of df1, given as F with df2 = inf."""

    f: float
    df1: float
    df2: float
    p: float

    __test__ = False  # no test of pytest's

    def to_json(self) -> dict[str, float | None]:
        """Convert for JSON; NaN and inf become None."""
        return {name: finite(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Analysis:
    """What holds for a population of readers, of cases, or of both.

    Parameters
    ----------
    test
        The one test of equal modalities; None with one modality.
    differences
        By pair of modalities (places in the table) the first less the second.
    means
        Each modality's mean over the readers, from the data of this modality alone.
    reader_differences
        With fixed readers by pair of modalities each reader's own difference.
    """

    test: Test | None
    differences: dict[tuple[int, int], Estimate]
    means: tuple[Estimate, ...]
    reader_differences: dict[tuple[int, int], tuple[Estimate, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Mrmc:
    """The analysis of a study; the figures are (t, r).

    `both` generalises to readers and cases, `cases` to cases of these readers, `readers` to readers of these cases; what needs
    two readers is None with one.
    """

    figures: np.ndarray
    components: Components
    both: Analysis | None
    cases: Analysis
    readers: Analysis | None


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of modality, reader and modality × reader; and of the readers in each modality. NaN where one has no df."""

    modality: float
    reader: float
    interaction: float
    reader_by_modality: tuple[float, ...]


def mean_squares(figures: npt.ArrayLike) -> MeanSquares:
    """Compute the mean squares of a table of figures (t, r) with one value in each cell."""
    y = np.asarray(figures, float)
    t, r = y.shape
    of_modality, of_reader, mean = y.mean(1), y.mean(0), y.mean()
    rest = y - of_modality[:, None] - of_reader + mean
    with np.errstate(invalid="ignore", divide="ignore"):
        return MeanSquares(
            float(r * np.sum((of_modality - mean) ** 2) / np.float64(t - 1)),
            float(t * np.sum((of_reader - mean) ** 2) / np.float64(r - 1)),
            float(np.sum(rest**2) / np.float64((t - 1) * (r - 1))),
            tuple((np.sum((y - of_modality[:, None]) ** 2, axis=1) / np.float64(r - 1)).tolist()),
        )


def analyse(figures: npt.ArrayLike, components: Components, confidence: float = CONFIDENCE) -> Mrmc:
    """Compare modalities by several readers' figures.

    Parameters
    ----------
    figures
        (t, r) figure of merit of each reader in each modality, from the same cases.
    components
        Error variance and covariances of these figures.
    confidence
        Of the intervals.

    Raises
    ------
    ValueError
        There is no figure, or figures and components differ in their shape.
    """
    y = np.asarray(figures, float)
    if y.ndim != 2 or not y.size or components.variance.shape != y.shape:
        raise ValueError(
            f"figures are (modality, reader), with a variance for each: not {y.shape} and {components.variance.shape}"
        )
    several = y.shape[1] > 1
    return Mrmc(
        y,
        components,
        _random_both(y, components, confidence) if several else None,
        _fixed_readers(y, components, confidence),
        _fixed_cases(y, confidence) if several else None,
    )


def _random_both(y: np.ndarray, c: Components, confidence: float) -> Analysis:
    t, r = y.shape
    squares = mean_squares(y)
    means = []
    for value, square, cov2 in zip(y.mean(1), squares.reader_by_modality, c.cov2, strict=True):
        total = square + max(r * cov2, 0.0)
        df = total**2 / (square**2 / (r - 1)) if square > 0 else np.inf
        means.append(_mean(value, total / r, df, confidence))
    if t < 2:
        return Analysis(None, {}, tuple(means))
    _, _, cov2, cov3 = c.means
    denominator = squares.interaction + max(r * (cov2 - cov3), 0.0)
    own = (t - 1) * (r - 1)
    df = denominator**2 / (squares.interaction**2 / own) if squares.interaction > 0 else np.inf
    test = _f_test(squares.modality, denominator, t - 1, df)
    return Analysis(test, _pairs(y, 2 / r * denominator, df, confidence), tuple(means))


def _fixed_readers(y: np.ndarray, c: Components, confidence: float) -> Analysis:
    t, r = y.shape
    means = tuple(
        _mean(value, (variance.mean() + (r - 1) * max(cov2, 0.0)) / r, np.inf, confidence)
        for value, variance, cov2 in zip(y.mean(1), c.variance, c.cov2, strict=True)
    )
    if t < 2:
        return Analysis(None, {}, means)
    variance, cov1, cov2, cov3 = c.means
    denominator = variance - cov1 + (r - 1) * max(cov2 - cov3, 0.0)
    test = _f_test(mean_squares(y).modality, denominator, t - 1, np.inf)
    own = 2 * (c.variance.mean(0) - c.cov1)
    by_reader = {
        (i, j): tuple(
            _difference(y[i, reader] - y[j, reader], own[reader], np.inf, confidence) for reader in range(r)
        )
        for i, j in combinations(range(t), 2)
    }
    return Analysis(test, _pairs(y, 2 / r * denominator, np.inf, confidence), means, by_reader)


def _fixed_cases(y: np.ndarray, confidence: float) -> Analysis:
    t, r = y.shape
    squares = mean_squares(y)
    means = tuple(
        _mean(value, square / r, r - 1, confidence)
        for value, square in zip(y.mean(1), squares.reader_by_modality, strict=True)
    )
    if t < 2:
        return Analysis(None, {}, means)
    df = (t - 1) * (r - 1)
    test = _f_test(squares.modality, squares.interaction, t - 1, df)
    return Analysis(test, _pairs(y, 2 / r * squares.interaction, df, confidence), means)


def _f_test(square: float, denominator: float, df1: float, df2: float) -> Test:
    """F, and p; all readers who do exactly the same in all modalities differ by nothing, and nothing can be said of chance."""
    if denominator <= 0:
        return Test(np.inf if square > 0 else np.nan, df1, df2, 0.0 if square > 0 else np.nan)
    f = square / denominator
    p = stats.chi2.sf(f * df1, df1) if np.isinf(df2) else stats.f.sf(f, df1, df2)
    return Test(float(f), float(df1), float(df2), float(p))


def _pairs(y: np.ndarray, variance: float, df: float, confidence: float) -> dict[tuple[int, int], Estimate]:
    means = y.mean(1)
    return {
        (i, j): _difference(means[i] - means[j], variance, df, confidence)
        for i, j in combinations(range(len(y)), 2)
    }


def _difference(value: float, variance: float, df: float, confidence: float) -> Estimate:
    error = float(np.sqrt(max(variance, 0.0)))
    half = _quantile(confidence, df) * error
    p = 2 * float(_distribution(df).sf(abs(value) / error)) if error > 0 else np.nan
    return Estimate(float(value), error, float(df), float(value - half), float(value + half), p)


def _mean(value: float, variance: float, df: float, confidence: float) -> Estimate:
    error = float(np.sqrt(max(variance, 0.0)))
    half = _quantile(confidence, df) * error
    return Estimate(
        float(value), error, float(df), max(float(value - half), 0.0), min(float(value + half), 1.0)
    )


def _quantile(confidence: float, df: float) -> float:
    return float(_distribution(df).ppf((1 + confidence) / 2))


def _distribution(df: float) -> Any:
    return stats.norm if np.isinf(df) else stats.t(df)
