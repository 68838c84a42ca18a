"""Fits the one answer of radiograph networks (`inference.radiograph_answer`) on real films, and judges it out of fold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from ..inference.radiograph_answer import (
    BOTH,
    HEAD,
    IMAGE,
    MARK,
    NOTHING,
    Line,
    RadiographAnswer,
    balanced,
    log_odds_of,
)
from ..metrics.intervals.bootstrap import bootstrap_weights, interval
from ..metrics.radiograph.statistics import RadiographResult, groups_of, radiograph_statistic
from ..ops.boxes import contains
from ..ops.logits import log_odds
from .radiograph_predictions import paired_marks

PENALTY = 10.0
"""Of the regressions' squared coefficients: there are few films."""
RATE = 0.25
"""Marks on a clear film at the operating point of a place's score."""
GAIN = ("roc_auc", "sensitivity_at_0.5_center")
"""What must be better out of fold for the fusion of an image, and for that of its places."""
SAMPLES = 1000
"""Of the bootstrap over patients."""

Row = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Film:
    """What two networks found on one film; `results` by network, in the same order for all films; `fold` for cross-fitting."""

    results: Mapping[str, RadiographResult]
    fold: str

    @property
    def any(self) -> RadiographResult:
        """One of the results: the truth is the same in all."""
        return next(iter(self.results.values()))

    def image_row(self) -> Row:
        """Features of the whole film."""
        row = {}
        for name, result in self.results.items():
            row[f"{name}.{HEAD}"] = float(log_odds(max(result.score, NOTHING)))
            row[f"{name}.{MARK}"] = float(log_odds(result.scores.max(initial=NOTHING)))
        return row

    def places(self, image: float) -> tuple[list[Row], np.ndarray, np.ndarray]:
        """Features, centres (n, 2) and boxes (n, 4) of all marked places; the box is the first network's if it has one."""
        (first, one), (second, other) = self.results.items()
        rows: list[Row] = []
        centers, boxes = [], []
        for i, j in paired_marks(one, other):
            scores = one.scores[i] if i >= 0 else NOTHING, other.scores[j] if j >= 0 else NOTHING
            a, b = (float(value) for value in log_odds(np.array(scores)))
            rows.append({f"{first}.{MARK}": a, f"{second}.{MARK}": b, BOTH: float(i >= 0 <= j), IMAGE: image})
            source, index = (one, i) if i >= 0 else (other, j)
            centers.append(source.centers[index])
            boxes.append(source.boxes[index])
        return rows, np.array(centers).reshape(-1, 2), np.array(boxes).reshape(-1, 4)


def fit_answer(
    films: Sequence[Film], networks: Mapping[str, tuple[str, str]], heads: Collection[str]
) -> Fitted:
    """Fit the answer, and choose by what was measured out of fold.

    The image's answer is the fusion of all networks only where its AUC is higher than the best network's, by the 95 % interval of
    their difference over patients; else that network's, calibrated. The same holds for places and their sensitivity.

    Parameters
    ----------
    films
        Of two folds or more, with and without nodules; unseen by the networks.
    networks
        Version and SHA-256 of the weights that ship, by name.
    heads
        The networks that score a radiograph as a whole; the others answer with their surest mark.
    """
    alone = {name: f"{name}.{HEAD if name in heads else MARK}" for name in networks}
    candidates: dict[str, tuple[str, ...]] = {name: (feature,) for name, feature in alone.items()}
    candidates["fused"] = tuple(dict.fromkeys((*alone.values(), *(f"{name}.{MARK}" for name in networks))))
    answers = {name: _out_of_fold_images(films, features) for name, features in candidates.items()}
    results = {
        name: [
            replace(film.any, score=float(expit(value))) for film, value in zip(films, values, strict=True)
        ]
        for name, values in answers.items()
    }
    weights = bootstrap_weights(groups_of(results["fused"]), SAMPLES)
    chosen, measured = _better(results, GAIN[0], weights)
    image = _image_line(films, candidates[chosen])
    found = {name: [film.results[name] for film in films] for name in networks}
    found["fused"] = _out_of_fold_places(films, answers[chosen])
    by_place, places = _better(found, GAIN[1], weights)
    place = _place_line(films, image) if by_place == "fused" else None
    threshold = float(expit(_operating_point(films, image, chosen)))
    answer = RadiographAnswer(
        dict(networks),
        image,
        place,
        threshold,
        {
            "films": len(films),
            "with_nodules": sum(bool(f.any.positive) for f in films),
            "image": {"chosen": chosen, **measured},
            "places": {"chosen": by_place, **places},
        },
    )
    return Fitted(answer, results, found)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The fit with what was measured out of fold: each candidate's answer on the films, and its marks."""

    answer: RadiographAnswer
    images: Mapping[str, Sequence[RadiographResult]]
    places: Mapping[str, Sequence[RadiographResult]]


def _better(
    results: Mapping[str, Sequence[RadiographResult]], measure: str, weights: np.ndarray
) -> tuple[str, dict[str, Any]]:
    """The candidate to take, and each one's measure with its interval, and the fusion's gain."""
    statistics = {name: radiograph_statistic(list(some), 0.5, measure) for name, some in results.items()}
    values = {name: interval(statistic, weights) for name, statistic in statistics.items()}
    alone = max((name for name in results if name != "fused"), key=lambda name: values[name].value)
    gain = interval(lambda w: statistics["fused"](w) - statistics[alone](w), weights)
    said = {name: str(value) for name, value in values.items()}
    measured = {"measure": measure, **said, "gain_of_fusion": str(gain)}
    return ("fused" if gain.lower > 0 else alone), measured


def _regression(rows: Sequence[Row], labels: np.ndarray, features: Sequence[str]) -> Line:
    # Here, because scikit-learn takes long to load.
    from sklearn.linear_model import LogisticRegression

    table = np.array([[row[name] for name in features] for row in rows])
    fitted = LogisticRegression(C=1 / PENALTY, max_iter=1000).fit(table, labels)
    coefficients = dict(zip(features, fitted.coef_[0].tolist(), strict=True))
    return Line(coefficients, float(fitted.intercept_[0]))


def _image_line(films: Sequence[Film], features: Sequence[str]) -> Line:
    positive = np.array([bool(film.any.positive) for film in films])
    line = _regression([film.image_row() for film in films], positive, features)
    return balanced(line, float(positive.mean()))


def _parts(films: Sequence[Film]) -> list[tuple[list[int], list[int]]]:
    """Indices of the films to fit on and of those to judge, for each fold."""
    folds = sorted({film.fold for film in films})
    return [
        (
            [i for i, film in enumerate(films) if film.fold != fold],
            [i for i, film in enumerate(films) if film.fold == fold],
        )
        for fold in folds
    ]


def _out_of_fold_images(films: Sequence[Film], features: Sequence[str]) -> np.ndarray:
    """Log likelihood ratio of each film by a fit of the other folds."""
    found = np.zeros(len(films))
    for others, own in _parts(films):
        line = _image_line([films[i] for i in others], features)
        found[own] = log_odds_of(line, [films[i].image_row() for i in own])
    return found


def _place_rows(films: Sequence[Film], image: np.ndarray) -> tuple[list[Row], np.ndarray]:
    """Features of all places of which it is known whether they are nodules, and whether they are."""
    rows: list[Row] = []
    hits: list[bool] = []
    for film, value in zip(films, image, strict=True):
        found, centers, _ = film.places(float(value))
        truth = film.any.truth
        inside = np.zeros(len(found), bool)
        if truth is not None and len(truth) and len(centers):
            inside[:] = contains(truth, centers).any(axis=0)
        for row, hit in zip(found, inside, strict=True):
            if hit or film.any.complete:
                rows.append(row)
                hits.append(bool(hit))
    return rows, np.array(hits)


def _place_line(films: Sequence[Film], image: Line) -> Line:
    """The regression of places, 0 where `RATE` marks fall on a clear film."""
    values = log_odds_of(image, [film.image_row() for film in films])
    rows, hits = _place_rows(films, values)
    line = _regression(rows, hits, tuple(rows[0]))
    clear = [
        line.log_odds(row)
        for film, value in zip(films, values, strict=True)
        if film.any.positive is False
        for row in film.places(float(value))[0]
    ]
    allowed = int(RATE * sum(film.any.positive is False for film in films))
    if len(clear) > allowed:
        line = Line(line.coefficients, line.intercept - float(np.sort(clear)[::-1][allowed]))
    return line


def _out_of_fold_places(films: Sequence[Film], image: np.ndarray) -> list[RadiographResult]:
    """The places of each film, scored by a fit of the other folds."""
    found: dict[int, RadiographResult] = {}
    for others, own in _parts(films):
        rows, hits = _place_rows([films[i] for i in others], image[others])
        line = _regression(rows, hits, tuple(rows[0]))
        for i in own:
            features, centers, boxes = films[i].places(float(image[i]))
            scores = expit(log_odds_of(line, features)) if features else np.zeros(0)
            found[i] = replace(films[i].any, scores=scores, centers=centers, boxes=boxes)
    return [found[i] for i in range(len(films))]


def _operating_point(films: Sequence[Film], image: Line, chosen: str) -> float:
    """Log likelihood ratio from which a nodule is suspected.

    Where one network answers by its surest mark, that is what a mark of 0.5 gives: what is shown by default and the verdict then
    agree. Else it is the value that `RATE` of the clear films exceed.
    """
    names = tuple(image.coefficients)
    if names == (f"{chosen}.{MARK}",):
        return image.log_odds({names[0]: 0.0})
    clear = [image.log_odds(film.image_row()) for film in films if film.any.positive is False]
    return float(np.quantile(clear, 1 - RATE))
