"""What a log holds: one thing that a reader did, or that happened, and when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..findings.finding import Finding, ImageReference
from ..findings.geometry import Box, Sphere
from ..findings.truth import sphere_of
from .plan import Mode

FORMAT = 1
"""Of the log's lines; a newer one is not read."""


class What(StrEnum):
    """What happened."""

    STARTED = "started"
    OPENED = "opened"
    ADDED = "added"
    MOVED = "moved"
    DELETED = "deleted"
    SCORED = "scored"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    RATED = "rated"
    REVEALED = "revealed"
    DONE = "done"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"


@dataclass(frozen=True)
class Event:
    """One line of a log.

    Parameters
    ----------
    at
        When, with its time zone.
    what
        What happened.
    reader
        Who reads.
    mode
        How the case is read; None of what concerns no case.
    case
        The case, by the hash of its content (see `content_hash`); empty of what concerns none.
    details
        Plain JSON values: a mark, a rating, the image.
    """

    at: datetime
    what: What
    reader: str
    mode: Mode | None = None
    case: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Convert to the line's object."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "what": str(self.what),
            "reader": self.reader,
            "mode": str(self.mode) if self.mode is not None else None,
            "case": self.case,
            **self.details,
        }

    @classmethod
    def of(cls, line: Any) -> Event:
        """Make an event of a line's object.

        Raises
        ------
        ValueError
            It is none; the message says why.
        """
        if not isinstance(line, dict):
            raise ValueError("it is no JSON object")
        details = dict(line)
        try:
            at = datetime.fromisoformat(details.pop("at"))
            what, reader = What(details.pop("what")), details.pop("reader")
            mode, case = details.pop("mode", None), details.pop("case", "")
        except KeyError as error:
            raise ValueError(f"it has no {error}") from error
        except TypeError as error:
            raise ValueError("its time is no text") from error
        if at.tzinfo is None:
            raise ValueError(f"its time {at.isoformat()} has no zone")
        if not isinstance(reader, str) or not isinstance(case, str):
            raise ValueError("reader and case must be texts")
        return cls(at, what, reader, Mode(mode) if mode is not None else None, case, details)


def mark_details(finding: Finding) -> dict[str, Any]:
    """Describe a mark: id, place and size in world coordinates, who made it.

    Spheres are ``{"center": [z, y, x], "diameter"}``, boxes of radiographs ``{"low": [y, x], "high": [y, x]}``, in mm (pixels where
    the image has no spacing); a mask is the sphere of its volume, or the box around it.
    """
    box = finding.box
    place: dict[str, Any]
    if box is not None:
        place = {"low": list(map(float, box.low)), "high": list(map(float, box.high))}
    else:
        sphere = sphere_of(finding)
        place = {"center": list(map(float, sphere.center)), "diameter": float(sphere.diameter)}
    by = finding.provenance.model if not finding.provenance.person else ""
    return {"id": finding.id, **place, "by": by, "score": float(finding.score)}


def finding_of(details: Mapping[str, Any], score: float) -> Finding:
    """Make a finding of a described mark, for matching.

    Raises
    ------
    ValueError
        It describes none.
    """
    try:
        if "center" in details:
            center, diameter = tuple(map(float, details["center"])), float(details["diameter"])
            if len(center) != 3 or not all(map(math.isfinite, (*center, diameter))):
                raise ValueError("a sphere has three finite coordinates and a finite diameter")
            return Finding(Sphere(center, diameter), score=score, id=str(details["id"]))
        (top, left), (bottom, right) = (map(float, details[name]) for name in ("low", "high"))
        return Finding(Box((top, left), (bottom, right)), score=score, id=str(details["id"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"it describes no mark ({error})") from error


def image_details(reference: ImageReference) -> dict[str, Any]:
    """Describe an image as far as its truth is found by it."""
    return {
        "series_uid": reference.series_uid,
        "source": reference.source,
        "modality": reference.modality,
        "shape": list(reference.shape),
        "spacing": list(reference.spacing) if reference.spacing is not None else None,
        "origin": list(reference.origin),
        "units": reference.units,
    }


def image_of(details: Mapping[str, Any]) -> ImageReference:
    """Make the reference of a described image.

    Raises
    ------
    ValueError
        It describes none.
    """
    try:
        spacing = details["spacing"]
        return ImageReference(
            str(details["series_uid"]),
            str(details["source"]),
            str(details["modality"]),
            tuple(map(int, details["shape"])),
            tuple(map(float, spacing)) if spacing is not None else None,
            tuple(map(float, details["origin"])),
            str(details["units"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"it describes no image ({error})") from error
