"""Compare two CT studies of a patient: register, match, measure."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from ..errors import LungmtlError
from ..findings import Finding
from ..imaging.image import Image
from .change import Change, change_of
from .errors import ComparisonError
from .matching import Match, match_findings
from .registration import Registration, register
from .repeats import at_common_spacing, measure_repeatedly, part_around

_FOR_REGISTRATION = 0.3
"""Part of the time, roughly."""


@dataclass(frozen=True)
class Compared:
    """One nodule in both studies, and what has become of it.

    Parameters
    ----------
    match
        Its findings.
    change
        Of its volume; None where it is new or gone, or was not measured.
    notes
        Sentences: why it was not measured, or what to be careful about.
    read
        Whether the study that has no finding here was searched or read; where it was not, the nodule is neither new nor gone.
    hidden
        A finding of the other study that lies here but did not take part: it was rejected, or is below the thresholds.
    """

    match: Match
    change: Change | None = None
    notes: tuple[str, ...] = ()
    read: bool = True
    hidden: Finding | None = None


@dataclass(frozen=True)
class Step:
    """How far a comparison is: `fraction` 0–1, the `stage` in words, and the registration as soon as it is known."""

    fraction: float
    stage: str
    registration: Registration | None = None


@dataclass(frozen=True)
class Comparison:
    """Two studies of a patient: where one lies in the other, and what has become of each nodule."""

    registration: Registration
    nodules: tuple[Compared, ...]


def compare(
    present: Image,
    prior: Image,
    present_findings: Sequence[Finding],
    prior_findings: Sequence[Finding],
    registration: Registration | None = None,
) -> Generator[Step, None, Comparison]:
    """Compare two CT studies; each yield is progress, and a point at which to stop.

    Parameters
    ----------
    present, prior
        CTs in HU (z, y, x).
    present_findings, prior_findings
        Their nodules.
    registration
        One that is known already; else it is found first.

    Raises
    ------
    ComparisonError, NoLungFoundError
        They are no two CTs of the chest, or one and the same.
    """
    refuse_same(present, prior)
    if registration is None:
        steps = register(present, prior)
        while True:
            try:
                yield Step(_FOR_REGISTRATION * next(steps), "registering the lungs")
            except StopIteration as end:
                registration = end.value
                break
    assert registration is not None
    yield Step(_FOR_REGISTRATION, "measuring", registration)
    matches = match_findings(present_findings, prior_findings, registration)
    compared = []
    for number, match in enumerate(matches, 1):
        compared.append(measured(match, present, prior))
        done = _FOR_REGISTRATION + (1 - _FOR_REGISTRATION) * number / len(matches)
        yield Step(done, "measuring", registration)
    return Comparison(registration, tuple(compared))


def refuse_same(present: Image, prior: Image) -> None:
    """Refuse a study as its own prior.

    Raises
    ------
    ComparisonError
        Both are one image.
    """
    same = present is prior or (present.source is not None and present.source == prior.source)
    if same and present.series_uid == prior.series_uid:
        raise ComparisonError("This is the present study itself; choose another study as its prior.")


def measured(match: Match, present: Image, prior: Image) -> Compared:
    """Measure how a nodule has changed, both scans at the voxels of the coarser one."""
    now, before = match.present, match.prior
    if now is None or before is None:
        return Compared(match)
    try:
        parts = (
            part_around(prior, before.center, before.diameter),
            part_around(present, now.center, now.diameter),
        )
        first, second = at_common_spacing(*parts)
        volumes = [
            measure_repeatedly(part, one.center, one.diameter)
            for part, one in ((first, before), (second, now))
        ]
    except LungmtlError as error:
        return Compared(match, notes=(f"It was not measured: {error}",))
    notes = [
        f"In the {which} study it reaches the end of the scan, or goes on beyond what the sphere marks."
        for which, volume in zip(("prior", "present"), volumes, strict=True)
        if not volume.is_whole
    ]
    return Compared(match, change_of(*volumes), tuple(notes))
