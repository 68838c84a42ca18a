"""Whose word a finding is, and how a run's result joins what a person has done."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ..training.findings import Finding, Findings, Geometry, ImageScore, Measurement, Region
from ..training.findings.history import begun, now, recorded
from ..training.findings.measurements.of_nodules import detached, has_left, joined
from ..training.findings.models import join_models
from ..training.imaging.image import Image
from ..training.imaging.radiograph.orientation import AS_STORED, Orientation
from ..training.imaging.radiograph.upright import right_turn
from .same_findings import keep_ids, same_lesion
from .thresholds import Thresholds


def is_by_person(finding: Finding) -> bool:
    """Whether a person drew it, or moved or resized what a model found."""
    return bool(finding.provenance.person) or not finding.provenance.model


def is_reviewed(finding: Finding) -> bool:
    """Whether a person has said anything about it: drew, moved, judged or noted."""
    return is_by_person(finding) or finding.is_touched


def passes(finding: Finding, thresholds: Thresholds) -> bool:
    """Whether thresholds leave a finding visible: what a person accepted or drew, they always do."""
    return finding.status == "accepted" or is_by_person(finding) or not thresholds.hides(finding)


def stood_upright(image: Image | None, findings: Findings) -> Findings | None:
    """Findings that turn a radiograph upright, with dark air, where nobody has looked at it before; None where nothing is to do."""
    if image is None or image.ndim != 2 or findings.orientation is not None:
        return None
    if len(findings) or findings.models:  # somebody, or networks, saw it as it is stored
        return None
    orientation = right_turn(image)
    return None if orientation == AS_STORED else replace(findings, orientation=orientation)


_names: list[str] = []
"""What the person at the keyboard wants to be called; the last one holds."""
_readers: list[str] = []
"""Who reads a study at present, if one goes on. Apart from `_names`: a name that is kept meanwhile holds after the study."""


def name_reviewer(name: str) -> None:
    """Call the person at the keyboard so from now on; empty: as the system does."""
    _names[:] = [name.strip()] if name.strip() else []


def read_as(reader: str) -> None:
    """Sign with the name of a reader until their study is over, whoever the person at the keyboard is; empty: it is over."""
    _readers[:] = [reader] if reader else []


def is_reading() -> bool:
    """Whether a reader study goes on, in which its reader signs."""
    return bool(_readers)


def reviewer() -> str:
    """The person at the keyboard, as findings name them."""
    return (_readers or _names or [_login()])[-1]


@cache
def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # containers without a user database
        return "person"


def moved(finding: Finding, geometry: Geometry) -> Finding:
    """A finding that a person put elsewhere or resized: it is now that person's.

    What networks said of the former place (malignancy, attributes, opinions) would be false of the new one, and goes;
    the detector's score stays, as the reason why anybody looked there.
    """
    return finding.with_(
        geometry=geometry,
        provenance=replace(finding.provenance, person=reviewer()),
        malignancy=None,
        malignancy_spread=None,
        attributes={},
        votes={},
        unlike=None,
        opinions=(),
        members=(),
    )


def merge_run(
    present: Findings, run: Findings, former: Findings | None = None, last_measured: int = 0
) -> Findings:
    """A run's result together with what a person accepted, rejected, drew, edited or noted.

    Of the new findings those are dropped whose centre lies inside a kept one: the same nodule, found again. On a radiograph
    only the same network finds a nodule again: what another one says there, is news. A kept one that the run judged has the
    new opinions, and one that had none takes those of the nodule found again, unless a person moved it: then they are of
    another place. What a former run had found too keeps its identifier and its number, also if it is in `former` alone: the
    findings before the first networks of this run had their say. Who had read the image has not seen what is new: then it is
    no longer done. What the run measured has a number above `last_measured`.
    """
    known = {f.id for f in present}
    earlier = (*present, *(f for f in former or () if f.id not in known))
    run = keep_ids([f for f in earlier if not is_reviewed(f)], run)
    judged, at = {f.id: f for f in run if f.opinions}, now()
    kept = [
        recorded(f, with_opinions(f, judged[f.id]), reviewer(), at) if f.id in judged else f
        for f in present
        if is_reviewed(f)
    ]
    ids = {f.id for f in kept}
    new, same = [], {}
    for finding in run:
        over = [k for k, f in enumerate(kept) if finding.id not in ids and same_lesion(f, finding)]
        if finding.id not in ids and not over:
            new.append(begun(finding, at))
        elif over:
            same[finding.id] = kept[over[0]].id
        for k in over:
            if not kept[k].opinions and not is_by_person(kept[k]):
                kept[k] = recorded(kept[k], _with_opinions(kept[k], finding), reviewer(), at)
    items = sorted((*kept, *new), key=lambda f: -f.score)
    return Findings(
        tuple(items),
        present.image,
        join_models(_named(present, kept), run.models),
        _scores(present, run),
        _regions(present, run),
        present.orientation if run.orientation is None else run.orientation,
        run.notes,
        joined(present.measurements, _measured(present, run, items, same), last_measured),
        present.done_by if known.issuperset(f.id for f in items) else "",
    )


def as_turned_since(run: Findings, began: Orientation, now: Orientation) -> Findings:
    """A run's result without its orientation, if a person has turned or inverted the radiograph since the run began."""
    return run if now == began else replace(run, orientation=None)


def with_opinions(finding: Finding, judged: Finding) -> Finding:
    """A finding with what networks said of it, if it is still where it was then."""
    return finding if finding.geometry != judged.geometry else _with_opinions(finding, judged)


def _with_opinions(finding: Finding, judged: Finding) -> Finding:
    return finding.with_(
        malignancy=judged.malignancy,
        malignancy_spread=judged.malignancy_spread,
        attributes=judged.attributes,
        votes=judged.votes,
        unlike=judged.unlike,
        opinions=judged.opinions,
    )


def _scores(present: Findings, run: Findings) -> tuple[ImageScore, ...]:
    """What networks say of the whole image: a network that was not asked again has said it before."""
    asked = {s.model for s in run.image_scores}
    return (*(s for s in present.image_scores if s.model not in asked), *run.image_scores)


def _measured(
    present: Findings, run: Findings, items: Iterable[Finding], same: Mapping[str, str]
) -> Iterator[Measurement]:
    """What a run, or a file that is opened, measured, where it holds: a network's of the shape that is shown.

    A person's goes to the finding that is kept in the place of the one that was measured (`same`).
    """
    known, shown = {m.id for m in present.measurements}, {f.id: f for f in items}
    found = {f.id: f.geometry for f in run}
    for one in run.measurements:
        if one.id in known:
            continue
        if one.person or not one.finding:
            was, kept = found.get(one.finding), shown.get(same.get(one.finding, one.finding))
            one = one.with_(finding=same.get(one.finding, one.finding))
            away = was is not None and kept is not None and has_left(kept.geometry, was, one)
            yield detached(one, kept) if away and kept is not None else one
        elif one.finding in shown and found.get(one.finding) in (None, shown[one.finding].geometry):
            yield one


def _regions(present: Findings, run: Findings) -> tuple[Region, ...]:
    """The run's anatomy, but what a person outlined stays."""
    kept = tuple(r for r in present.regions if r.provenance.person or not r.provenance.model)
    names = {r.name for r in kept}
    return (*kept, *(r for r in run.regions if r.name not in names))


def _named(present: Findings, kept: list[Finding]) -> list[Mapping[str, Any]]:
    """The models that kept findings still name, or that said something of the whole image."""
    names = {f.provenance.model for f in kept} | {o.model for f in kept for o in f.opinions}
    names |= {s.model for s in present.image_scores} | {r.provenance.model for r in present.regions}
    return [model for model in present.models if model.get("name") in names]
