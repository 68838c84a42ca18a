"""napari's slider *point size* over spheres: its whole numbers are millimetres, and its turns are one command."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari.layers import Points

from ...session.review import moved
from ...session.session import Session
from ...training.findings import Finding, Findings, Sphere
from ..follower import coalesced
from . import rows

PAUSE = 300
"""Milliseconds after which turns of the slider are one command."""


class SizeSlider:
    """Reads the slider in mm: napari takes it for units of the layer's data, of which one is 60 mm.

    Parameters
    ----------
    session
        Whose spheres are resized.
    preview
        Shows a sphere (an id) with another diameter (mm) meanwhile; None ends that.
    """

    def __init__(self, session: Session, preview: Callable[..., None]) -> None:
        self._session, self._preview = session, preview
        self._asked: tuple[Findings, tuple[Finding, ...], float] | None = None
        self._rests = coalesced(self.take, PAUSE)

    def turned(self, layer: Points, chosen: Sequence[Finding]) -> None:
        """A person has turned it: the chosen spheres get its size when it rests."""
        diameter = rows.within(float(layer.current_size))
        self._asked = self._session.findings, tuple(chosen), diameter
        if any(f.id == self._session.selected for f in chosen):
            self._preview(self._session.selected, diameter)
        self._rests.start()

    def show(self, layer: Points, diameter: float) -> None:
        """Set it to what is selected, unless a person has it in hand."""
        if self._asked is None and layer.current_size != diameter:
            with layer.block_update_properties():
                layer.current_size = diameter

    def take(self) -> None:
        """Make one command of its turns; of findings that have changed meanwhile nothing is left to resize."""
        self._rests.stop()
        asked, self._asked = self._asked, None
        if asked is None:
            return
        findings, chosen, diameter = asked
        if findings is self._session.findings:
            change = [moved(f, Sphere(f.center, diameter)) for f in chosen if f.diameter != diameter]  # type: ignore[arg-type]
            if change:
                self._session.edit(change=change)
        self._preview(None)
