"""A person's edits of a layer's rows, found by comparing the rows with the findings that the layer was given. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..session.review import moved, reviewer
from ..training.findings import Box, Finding, Provenance, Sphere

Row = TypeVar("Row")


@dataclass(frozen=True)
class Edit:
    """What a person did to the rows: arguments of `Session.edit`."""

    add: tuple[Finding, ...] = ()
    change: tuple[Finding, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.change or self.remove)


def reconcile(
    rendered: Sequence[Finding],
    ids: Iterable[object],
    rows: Iterable[Row],
    new: Callable[[Row], Sphere | Box | None],
    changed: Callable[[Finding, Row], Sphere | Box | None],
) -> Edit:
    """Compare a layer's rows with the findings that they were made of.

    Parameters
    ----------
    rendered
        The findings that the layer was given, in the order of its rows.
    ids
        The rows' ids. A row is a new finding where no finding has its id, or where the id comes a second time or out of
        order: napari appends new rows, and gives them the id of a row that was selected.
    rows
        What the layer holds of each row.
    new
        The geometry of a new row; None where a person drew nothing.
    changed
        The geometry of a finding's row where it differs from the finding's own, else None.
    """
    places = {f.id: place for place, f in enumerate(rendered)}
    kept: set[str] = set()
    last = -1
    add: list[Finding] = []
    change: list[Finding] = []
    for id, row in zip(ids, rows, strict=True):
        place = places.get(str(id), -1)
        if place <= last:
            if (geometry := new(row)) is not None:
                add.append(Finding(geometry, provenance=Provenance(person=reviewer())))
            continue
        last, finding = place, rendered[place]
        kept.add(finding.id)
        if (geometry := changed(finding, row)) is not None:
            change.append(moved(finding, geometry))
    return Edit(tuple(add), tuple(change), tuple(id for id in places if id not in kept))
