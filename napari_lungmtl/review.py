"""Whose word a finding is, and how a run's result joins what a person has done."""

from __future__ import annotations

import getpass
from functools import cache

import numpy as np

from .training.findings import Box, Finding, Findings, ImageReference
from .training.imaging.image import Image


def image_reference(image: Image) -> ImageReference:
    """How findings name the image that they belong to."""
    return ImageReference(
        series_uid=image.series_uid,
        source=str(image.source or ""),
        modality=image.modality,
        shape=tuple(image.shape),
        spacing=image.spacing,
        origin=image.origin,
        units=image.units,
    )


def is_by_person(finding: Finding) -> bool:
    """Whether a person drew it, or moved or resized what a model found."""
    return bool(finding.origin.person) or not finding.origin.model


def is_reviewed(finding: Finding) -> bool:
    """Whether a person has said anything about it: drew, moved, judged or noted."""
    return is_by_person(finding) or finding.status != "unreviewed" or bool(finding.note)


@cache
def reviewer() -> str:
    """The person at the keyboard, as findings name them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # containers without a user database
        return "person"


def merge_run(present: Findings, run: Findings) -> Findings:
    """A run's result together with what a person accepted, rejected, drew, edited or noted.

    Of the new findings those are dropped whose centre lies inside a kept one: the same nodule, found again.
    """
    kept = tuple(f for f in present if is_reviewed(f))
    ids = {f.id for f in kept}
    new = (f for f in run if f.id not in ids and not any(_covers(k, f) for k in kept))
    items = sorted((*kept, *new), key=lambda f: -f.score)
    return Findings(tuple(items), present.image, run.models)


def _covers(kept: Finding, new: Finding) -> bool:
    """Whether the centre of `new` lies inside `kept`."""
    if len(kept.center) != len(new.center):
        return False
    if isinstance(kept.geometry, Box):
        inside = zip(kept.geometry.low, new.center, kept.geometry.high, strict=True)
        return all(low <= c <= high for low, c, high in inside)
    distance = np.linalg.norm(np.subtract(kept.center, new.center))
    return bool(distance < kept.diameter / 2)
