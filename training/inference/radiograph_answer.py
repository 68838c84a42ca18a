"""One answer for a radiograph: the chance of a nodule, and one score for each place, from all networks that looked at it.

What was fitted is data: ``radiograph_answer.json``, written by ``experiments/radiographs/fused.py`` from predictions on
real films that neither had seen. It names the weights that it belongs to; beside others each network speaks for itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from ..errors import LungmtlError
from ..findings import Finding, Findings, ImageScore
from ..ops.logits import log_odds
from .agreement import agreement

ANSWER = "radiograph"
"""`ImageScore.model` of the one answer. Its probability is at a prevalence of 50 %: its odds are the likelihood ratio."""
HOSPITAL = 0.1
"""Share of a hospital's radiographs that show a nodule or a mass: about that of NIH ChestX-ray14's labels."""
NOTHING = 0.01
"""Stands for a network's score where it marks nothing."""
HEAD, MARK, BOTH, IMAGE = "head", "mark", "both", "image"
"""Features: a network's score of the whole radiograph, its surest mark (or its mark at a place); whether two networks mark the
place; log odds of the whole radiograph's answer."""
OWN = "own"
"""Key of `Finding.scores`: the network's own score, where `Finding.score` is the place's."""
FILE = Path(__file__).with_name("radiograph_answer.json")


class AnswerError(LungmtlError):
    """The fitted answer is missing or damaged; the message names the file and a way out."""


@dataclass(frozen=True)
class Line:
    """A logistic regression: coefficients by feature (``"<network>.mark"``), on log odds, and the intercept."""

    coefficients: Mapping[str, float]
    intercept: float

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Log odds for features by name."""
        return self.intercept + sum(c * features[name] for name, c in self.coefficients.items())


@dataclass(frozen=True)
class RadiographAnswer:
    """The fit.

    Parameters
    ----------
    networks
        Version and SHA-256 of the weights that it was fitted for, by the names of their networks.
    image
        Log likelihood ratio of a nodule on the radiograph.
    place
        Log odds of a place, 0 at the operating point; None where each network's own score of its marks is better.
    threshold
        Probability at a prevalence of 50 % from which a nodule is suspected.
    measured
        How well, out of fold.
    """

    networks: Mapping[str, tuple[str, str]]
    image: Line
    place: Line | None
    threshold: float
    measured: Mapping[str, Any]

    @property
    def speakers(self) -> tuple[str, ...]:
        """The networks that the image's answer comes from."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.image.coefficients))

    def fits(self, models: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the networks that it needs have looked, with the weights that it was fitted for."""
        known = {m.get("name"): (m.get("version"), m.get("sha256")) for m in models}
        needed = self.speakers if self.place is None else tuple(self.networks)
        return all(known.get(name) == self.networks[name] for name in needed)


@cache
def shipped_answer() -> RadiographAnswer:
    """The fit for the shipped weights.

    Raises
    ------
    AnswerError
        There is none, or it is damaged.
    """
    return read_answer(FILE)


def read_answer(path: Path) -> RadiographAnswer:
    """Read a fit that `write_answer` wrote.

    Raises
    ------
    AnswerError
        There is none, or it is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        image, place = values["image"], values["place"]
        return RadiographAnswer(
            {str(name): (str(version), str(sha)) for name, (version, sha) in values["networks"].items()},
            Line(_numbers(image["coefficients"]), float(image["intercept"])),
            None if place is None else Line(_numbers(place["coefficients"]), float(place["intercept"])),
            float(values["threshold"]),
            values["measured"],
        )
    except OSError as error:
        raise AnswerError(f"{path} cannot be read ({error.strerror}): install the package again.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AnswerError(f"{path} is no fitted answer ({error}): install the package again.") from error


def _numbers(values: Mapping[str, float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items()}


def write_answer(answer: RadiographAnswer, path: Path) -> None:
    """Write a fit as JSON."""

    def plain(line: Line | None) -> dict[str, Any] | None:
        if line is None:
            return None
        coefficients = {name: round(value, 4) for name, value in line.coefficients.items()}
        return {"coefficients": coefficients, "intercept": round(line.intercept, 4)}

    values = {
        "what": "the answer of radiograph networks as one, fitted by experiments/radiographs/fused.py",
        "networks": {name: list(weights) for name, weights in answer.networks.items()},
        "image": plain(answer.image),
        "place": plain(answer.place),
        "threshold": round(answer.threshold, 4),
        "measured": answer.measured,
    }
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def with_prevalence(probability: float, prevalence: float) -> float:
    """Bayes' rule: the probability at a prevalence of 50 % as one at another prevalence; both 0–1, the prevalence not 0 or 1."""
    return float(expit(log_odds(probability) + logit(prevalence)))


def without_prevalence(probability: float, prevalence: float) -> float:
    """The probability at a prevalence of 50 % of one at another."""
    return float(expit(log_odds(probability) - logit(prevalence)))


def answered(findings: Findings, fit: RadiographAnswer | None = None) -> Findings:
    """Add the one answer to what networks found on a radiograph, and give each place one score if the fit has one.

    Parameters
    ----------
    findings
        As the networks left them: nothing that a person edited.
    fit
        `shipped_answer` by default. Where it is for other weights, or a network did not look, the findings stay as they are.
    """
    fit = shipped_answer() if fit is None else fit
    if not fit.fits(findings.models):
        return findings
    features = {}
    for name in fit.networks:
        marks = [f.score for f in findings if f.provenance.model == name]
        head = next((s.probability for s in findings.image_scores if s.model == name), NOTHING)
        features[f"{name}.{HEAD}"] = float(log_odds(head))
        features[f"{name}.{MARK}"] = float(log_odds(max(marks, default=NOTHING)))
    image = fit.image.log_odds(features)
    version = " + ".join(f"{m['name']} {m['version']}" for m in findings.models if m["name"] in fit.speakers)
    score = ImageScore(ANSWER, version, float(expit(image)), fit.threshold)
    items = findings.items if fit.place is None else _placed(findings, fit, fit.place, image)
    return replace(findings, items=items, image_scores=(score, *findings.image_scores))


def _placed(findings: Findings, fit: RadiographAnswer, line: Line, image: float) -> tuple[Finding, ...]:
    """The findings with the score of their place, by descending score."""
    partners = agreement(findings)
    items = []
    for finding in findings:
        if finding.provenance.model not in fit.networks or finding.id not in partners:
            items.append(finding)
            continue
        other = partners[finding.id].other
        there = {finding.provenance.model: finding.score}
        if other is not None:
            there[findings[other].provenance.model] = findings[other].score
        features = {f"{name}.{MARK}": float(log_odds(there.get(name, NOTHING))) for name in fit.networks}
        place = line.log_odds({**features, BOTH: float(other is not None), IMAGE: image})
        scores = {**finding.scores, OWN: finding.score}
        items.append(finding.with_(score=float(expit(place)), scores=scores))
    return tuple(sorted(items, key=lambda f: -f.score))


def balanced(image: Line, prevalence: float) -> Line:
    """A regression fitted on films of some prevalence as the log likelihood ratio: its odds at a prevalence of 50 %."""
    return Line(image.coefficients, float(image.intercept - logit(prevalence)))


def log_odds_of(line: Line, rows: Iterable[Mapping[str, float]]) -> np.ndarray:
    """Log odds (n,) of rows of features."""
    return np.array([line.log_odds(row) for row in rows], float)
