"""How far networks, folds and sets of findings disagree on one case, and how far the scores of one finding spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from ..comparison.differences import differences
from ..findings import Finding, Findings
from ..inference.radiograph_answer import ANSWER, OWN


def disagreement(findings: Findings) -> float | None:
    """Return the largest difference 0–1 of two voices on one place; None where only one spoke.

    Voices are networks: their scores of a place (0 where one marks nothing), of the whole radiograph, and of malignancy. Where one
    network alone spoke, they are its fold models.
    """
    found = [f for f in findings if f.status != "rejected" and f.network_score is not None]
    networks = dict.fromkeys(f.provenance.model for f in found if f.provenance.model)
    sets = [findings.with_items(tuple(f for f in found if f.provenance.model == n)) for n in networks]
    said = [between(a, b) for a, b in combinations(sets, 2)]
    said += [_range(o.malignancy for o in f.opinions) for f in findings]
    said.append(_range(s.probability for s in findings.image_scores if s.model != ANSWER))
    between_networks = _largest(said)
    if between_networks is not None:
        return between_networks
    return _largest(_range(o.fold_scores) for f in findings for o in f.opinions)


def between(a: Findings, b: Findings) -> float | None:
    """Return the largest difference 0–1 of the scores of one place in two sets, 0 for what a set lacks; None of two empty ones."""
    pairs = differences(a, b)
    return max((abs(_own(one.a) - _own(one.b)) for one in pairs), default=None)


def spread(findings: Findings) -> float | None:
    """Return the largest standard deviation of a probability that a finding carries, over folds, slices or views."""
    kept = [f for f in findings if f.status != "rejected"]
    opinions = [o for f in kept for o in f.opinions]
    values = [f.malignancy_spread for f in kept]
    values += [o.std for o in opinions if len(o.view_scores) > 1]
    folds: dict[int, list[tuple[float, ...]]] = {}
    for opinion in opinions:
        folds.setdefault(len(opinion.fold_scores), []).append(opinion.fold_scores)
    # All of a length at once: one by one, two hundred findings cost as much as a frame.
    values += [float(np.std(scores, axis=1).max()) for count, scores in folds.items() if count > 1]
    return _largest(values)


def _own(finding: Finding | None) -> float:
    """A network's own score, also where the place has one that several networks agreed on."""
    return 0.0 if finding is None else float(finding.scores.get(OWN, finding.score))


def _range(values: Iterable[float]) -> float | None:
    said: Sequence[float] = list(values)
    return max(said) - min(said) if len(said) > 1 else None


def _largest(values: Iterable[float | None]) -> float | None:
    return max((v for v in values if v is not None), default=None)
