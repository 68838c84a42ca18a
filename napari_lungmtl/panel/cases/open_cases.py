"""Which rows of the list are open images, and what those say now."""

from __future__ import annotations

from collections.abc import Sequence

from ...reviewed_images import ReviewedImages
from ...session.case_summary import recounted, summary_of
from ...session.session import Session
from .case import Case, case_of_image, key_of
from .model import CasesModel


def add(model: CasesModel, cases: Sequence[Case]) -> None:
    """List cases that were found; images may open at other thresholds than when these were read."""
    for case in cases:
        case.summary = recounted(case.summary)
    model.add(cases)


def match(model: CasesModel, images: ReviewedImages) -> None:
    """Give rows the layers of the images that are open: known rows theirs, other images rows of their own."""
    layers = images.layers
    there = {id(layer) for layer in layers}
    gone = [case for case in model.cases if case.layer is not None and id(case.layer) not in there]
    for case in gone:
        case.layer = case.shown_in = None  # which would keep its voxels in memory
    model.remove([case for case in gone if case.series is None])
    known = {id(case.layer) for case in model.cases if case.layer is not None}
    new: list[Case] = []
    for layer in layers:
        image = images.image_of(layer) if id(layer) not in known else None
        if image is None:
            continue
        found = None if image.source is None else model.get(key_of(image.source, image.series_uid))
        if found is None:
            new.append(case_of_image(image, layer))
        elif found.layer is None:
            found.layer = layer
    model.add(new)
    sum_up_open(model, images)


def sum_up_open(model: CasesModel, images: ReviewedImages) -> None:
    """Bring the rows of all open images up to date."""
    sessions = {id(reviewed.layer): reviewed.session for reviewed in images}
    for case in model.cases:
        if (session := sessions.get(id(case.layer))) is not None:
            sum_up(model, case, session)


def sum_up(model: CasesModel, case: Case, session: Session) -> None:
    """Bring the row of an open image up to date."""
    before, case.summary = case.summary, summary_of(session.findings, session.visible)
    if case.summary != before:
        model.update_case(case)


def count_anew(model: CasesModel, images: ReviewedImages) -> None:
    """Bring the rows of all cases up to date where images open at other thresholds than before."""
    for case in model.cases:
        before = case.summary
        if case.layer is None and (summary := recounted(before)) != before:
            case.summary = summary
            model.update_case(case)
    sum_up_open(model, images)


def beside(rows: Sequence[Case], case: Case | None, step: int) -> Case | None:
    """The next case that can be opened, in a direction (1 or -1) and round at the ends; None where there is no other."""
    row = next((n for n, each in enumerate(rows) if each is case), None)
    start = row if row is not None else (-1 if step > 0 else len(rows))
    places = ((start + step * n) % len(rows) for n in range(1, len(rows) + 1))
    found = next((rows[place] for place in places if rows[place].can_open), None)
    return None if found is case else found
