"""Findings that are the same lesion: which came back in another run (and keep
identifier and number), and which two networks marked both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ..training.findings import Finding, Findings
from ..training.findings.history import found_again, now
from ..training.inference.agreement import agreement, same_place


def keep_ids(before: Sequence[Finding], run: Findings) -> Findings:
    """Give findings of a run the id and number of the former finding that they repeat.

    Parameters
    ----------
    before
        What former runs found.
    run
        A result; what has the id of a former finding is that one.

    Returns
    -------
    Findings
        In the order of `run`. Pairs are one to one, the nearest first; on a radiograph only of one network. What was measured of a
        finding goes with it.
    """
    known = {f.id: f for f in before}
    repeats = {f.id: known[f.id] for f in run if f.id in known}
    former = [f for f in before if f.id not in repeats]
    new = [f for f in run if f.id not in repeats]
    repeats |= {new[j].id: former[i] for i, j in _pairs(former, new)}
    ids = {id: former.id for id, former in repeats.items()}
    return replace(
        run,
        items=tuple(_as(f, repeats[f.id]) if f.id in repeats else f for f in run),
        measurements=tuple(m.with_(finding=ids.get(m.finding, m.finding)) for m in run.measurements),
    )


def _as(finding: Finding, former: Finding) -> Finding:
    """A finding under the id and number of a former one, whose history goes on."""
    kept = finding.with_(id=former.id, number=former.number)
    return found_again(former, kept, now())


def numbered(findings: Findings, last: int = 0) -> Findings:
    """Give findings without a number the next ones, in list order; `last` is the highest that was ever given."""
    last = max([last, *(f.number for f in findings)])
    if all(f.number for f in findings):
        return findings
    items = []
    for finding in findings:
        if not finding.number:
            last += 1
            finding = finding.with_(number=last)
        items.append(finding)
    return findings.with_items(tuple(items))


def same_lesion(a: Finding, b: Finding) -> bool:
    """Whether two findings are one nodule, found twice.

    Boxes are compared as boxes, and on a radiograph only the same network finds a nodule again; else the centre of the second
    lies within the first.
    """
    if len(a.center) != len(b.center):
        return False
    if a.box is not None and b.box is not None:
        return a.provenance.model in ("", b.provenance.model) and same_place(a.box, b.box)
    return bool(np.linalg.norm(np.subtract(a.center, b.center)) < a.diameter / 2)


def partners(findings: Findings, visible_ids: Collection[str]) -> dict[str, str]:
    """By id the box by which another network marks the same lesion, where a person thinks the same of both.

    Unlike `agreement`, rejected boxes take part: a lesion that is rejected stays one.
    """
    alike = findings.with_items(tuple(f.with_(status="unreviewed") for f in findings))
    status = {f.id: f.status for f in findings}
    pairs = {id: found.other for id, found in agreement(alike, visible_ids).items()}
    return {id: other for id, other in pairs.items() if other is not None and status[id] == status[other]}


def _pairs(former: Sequence[Finding], new: Sequence[Finding]) -> list[tuple[int, int]]:
    """Places in both lists of what is the same, the nearest first."""
    pairs: list[tuple[int, int]] = []
    for i, j in _near(former, new):
        if all(i != a and j != b for a, b in pairs) and same_lesion(former[i], new[j]):
            pairs.append((i, j))
    return pairs


def _near(former: Sequence[Finding], new: Sequence[Finding]) -> list[tuple[int, int]]:
    """Pairs whose balls touch, the nearest first: few of all that there are, and only these are looked at closely."""
    found: list[tuple[float, int, int]] = []
    for ndim in {len(f.center) for f in new}:
        one = [i for i, f in enumerate(former) if len(f.center) == ndim]
        two = [j for j, f in enumerate(new) if len(f.center) == ndim]
        if not one:
            continue
        places = [
            np.array([f.center for f in (former[i] for i in one)]),
            np.array([new[j].center for j in two]),
        ]
        distance = np.linalg.norm(places[0][:, None] - places[1], axis=-1)
        radii = [np.array([former[i].diameter for i in one]), np.array([new[j].diameter for j in two])]
        for a, b in zip(*np.nonzero(distance < (radii[0][:, None] + radii[1]) / 2), strict=True):
            found.append((float(distance[a, b]), one[a], two[b]))
    return [(i, j) for _, i, j in sorted(found)]
