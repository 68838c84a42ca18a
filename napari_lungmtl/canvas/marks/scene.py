"""All that is said of the marks on a canvas, and where: the findings of a session as a slice shows them. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...layers.malignancy_colors import malignancy_hex
from ...layers.overlay_colors import REJECTED, color_of
from ...layers.rectangle import Rectangle, overlap
from ...layers.spheres.discs import SELECTED_WIDTH, ring_radius
from ...layers.spheres.rows import ACCENT
from ...session.session import Session
from ...text.votes import attributes_of, shown_malignancy
from ...training.findings import Finding, Mask, Sphere
from ...training.imaging.image import Image
from ..frame import Frame
from . import layout, table, words

MARGIN = 8.0
"""Pixels to the edge of the canvas."""
ACCENT_HEX = "#" + "".join(f"{round(255 * channel):02x}" for channel in ACCENT)


@dataclass(frozen=True)
class Mark:
    """A finding on the screen: its outline with the ring's line, what is said of it, and in which colour it is drawn."""

    finding: Finding
    shape: layout.Shape
    text: str
    color: str
    selected: bool


@dataclass(frozen=True)
class Caption:
    """A mark whose caption has a place."""

    mark: Mark
    place: layout.Place


@dataclass(frozen=True)
class Table:
    """The attributes of a finding, and where they stand."""

    title: str
    bars: tuple[table.Bar, ...]
    rectangle: Rectangle


@dataclass(frozen=True)
class Scene:
    """What is painted over a canvas."""

    marks: tuple[Mark, ...] = ()
    captions: tuple[Caption, ...] = ()
    table: Table | None = None


def lay_out(
    session: Session,
    frame: Frame,
    measure: Callable[[str], layout.Size],
    *,
    findings: Sequence[Finding],
    with_table: bool = True,
    taken: Sequence[Rectangle] = (),
    truth: Sequence[Finding] = (),
) -> Scene:
    """The captions and the table for a session's findings on one canvas.

    Parameters
    ----------
    session
        Of the image that is shown.
    frame
        What the canvas shows.
    measure
        Height and width of a caption in pixels.
    findings
        Those of its visible findings that are drawn, where they are now.
    with_table
        Whether the attributes of the selected finding are shown.
    taken
        Other texts on the canvas.
    truth
        True nodules that are drawn too: nothing may cover them either.
    """
    image = session.image
    if image is None or not session.overlays_shown:
        return Scene()
    marks = marks_on(session, frame, findings)
    true = (_shape(finding, image, frame) for finding in truth)
    blocked = [*taken, *(shape.rectangle for shape in true if shape is not None)]
    chosen = next((mark for mark in marks if mark.finding.id == session.selected), None)
    shown = _table(chosen, marks, image, frame, blocked) if with_table and chosen is not None else None
    # The selected one chooses its place first, then the surest.
    marks = tuple(sorted(marks, key=lambda m: (not m.selected, -m.finding.score)))
    places = layout.place_captions(
        [mark.shape for mark in marks],
        [measure(mark.text) if mark.text else None for mark in marks],
        _inner(frame),
        blocked if shown is None else [*blocked, shown.rectangle],
    )
    captions = (Caption(mark, place) for mark, place in zip(marks, places, strict=True) if place is not None)
    return Scene(marks, tuple(captions), shown)


def marks_on(session: Session, frame: Frame, findings: Sequence[Finding]) -> tuple[Mark, ...]:
    """Those findings that a slice cuts, or that a radiograph shows, as they lie on the screen; also beyond the canvas."""
    image, by_id = session.image, {f.id: f for f in findings}
    if image is None:
        return ()
    selected, agreements = set(session.selection), session.agreement if image.ndim == 2 else {}
    marks = []
    for finding in findings:
        shape = _shape(finding, image, frame)
        if shape is not None:
            agreement = agreements.get(finding.id)
            partner = by_id.get(agreement.other or "") if agreement is not None else None
            text = words.caption(finding, image.units, partner)
            chosen = finding.id in selected
            marks.append(Mark(finding, shape, text, ACCENT_HEX if chosen else color(finding), chosen))
    return tuple(marks)


def color(finding: Finding) -> str:
    """``#rrggbb`` of a finding that is not selected: a sphere's malignancy, whose word a box is; grey where rejected."""
    if not isinstance(finding.geometry, Sphere):
        return color_of(finding)
    return REJECTED if finding.status == "rejected" else malignancy_hex(shown_malignancy(finding))


def _inner(frame: Frame) -> Rectangle:
    """The canvas without its margins."""
    return MARGIN, MARGIN, frame.size[0] - MARGIN, frame.size[1] - MARGIN


def _shape(finding: Finding, image: Image, frame: Frame) -> layout.Shape | None:
    if isinstance(finding.geometry, Sphere):
        axis = frame.axis
        if axis is None or image.ndim != 3:
            return None
        distance = finding.center[axis] - frame.position
        radius = ring_radius(finding.diameter, distance, image.scale[axis], frame.reach)
        if radius is None:
            return None
        column, row = frame.to_screen(finding.center).tolist()
        reach = radius / frame.mm + SELECTED_WIDTH / 2
        return layout.Shape((row - reach, column - reach, row + reach, column + reach), round=True)
    if isinstance(finding.geometry, Mask) and image.ndim == 3:
        return _cut(finding.geometry, frame)
    if finding.box is None or image.ndim != 2:
        return None
    return layout.Shape(frame.rectangle(finding.box.low, finding.box.high))


def _cut(mask: Mask, frame: Frame) -> layout.Shape | None:
    """The rectangle around a mask of a CT, where the slice or slab reaches it."""
    (low, high), axis = mask.extent, frame.axis
    if axis is None or len(low) != 3:
        return None
    reached = low[axis] - frame.reach <= frame.position <= high[axis] + frame.reach
    return layout.Shape(frame.rectangle(low, high)) if reached else None


def _table(
    of: Mark, marks: Sequence[Mark], image: Image, frame: Frame, blocked: Sequence[Rectangle]
) -> Table | None:
    """The table of a nodule on this slice, if it has attributes, is in sight, and there is room."""
    attributes = attributes_of(of.finding)
    if image.ndim != 3 or not attributes or not overlap(of.shape.rectangle, (0.0, 0.0, *frame.size)):
        return None
    place = layout.place_table(
        table.size(attributes),
        _inner(frame),
        [*(mark.shape.rectangle for mark in marks), *blocked],
        frame.rectangle(*image.extent),
    )
    return (
        None
        if place is None
        else Table(f"Nodule {of.finding.number}", table.bars(attributes, of.finding.votes), place)
    )
