"""What the keys do to the findings and to the image that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari.utils.notifications import show_info

from .. import shortcuts
from ..editing.commands import lesions
from ..layers import window_presets
from ..reviewed_images import ReviewedImage
from ..session.session import Session
from ..training.findings import Sphere
from .measurements.section import MeasureSection
from .show.film_row import CHANGES, change


class ReviewCommands:
    """Judges, resizes, deletes, hides and brings back findings; turns and windows their image.

    Parameters
    ----------
    reviewed
        Gives the image that the dock acts on, or None.
    measure
        Has the measurements, of which one may be chosen to be deleted.
    """

    def __init__(self, reviewed: Callable[[], ReviewedImage | None], measure: MeasureSection) -> None:
        self._reviewed = reviewed
        self._measure = measure
        self.commands: dict[str, Callable[[], object]] = {
            "accept": partial(self._judge, "accept"),
            "reject": partial(self._judge, "reject"),
            "overlays": self._toggle_overlays,
            **{action: partial(self._orient, action) for action in CHANGES},
            **{f"window {n}": partial(self._choose_window, n) for n in range(1, 7)},
            "smaller": partial(self._resize, -1.0),
            "larger": partial(self._resize, 1.0),
            "delete": self._delete,
            "undo": self._undo,
            "redo": self._redo,
        }

    @property
    def _session(self) -> Session | None:
        reviewed = self._reviewed()
        return reviewed.session if reviewed is not None else None

    def _judge(self, verdict: str) -> None:
        session = self._session
        if session is not None and session.selection:
            (session.accept if verdict == "accept" else session.reject)(*lesions(session))

    def _undo(self) -> None:
        reviewed = self._reviewed()
        if reviewed is not None and reviewed.settle():
            reviewed.session.undo()

    def _redo(self) -> None:
        reviewed = self._reviewed()
        if reviewed is not None and reviewed.settle():
            reviewed.session.redo()

    def _toggle_overlays(self) -> None:
        reviewed = self._reviewed()
        if reviewed is not None and not (reviewed.session.overlays_shown and reviewed.bring_back()):
            reviewed.session.show_overlays(not reviewed.session.overlays_shown)

    def _choose_window(self, number: int) -> None:
        """Show the image in a window of the list, the sixth being the one that it was opened with."""
        reviewed = self._reviewed()
        image = reviewed.session.image if reviewed is not None else None
        if reviewed is None or image is None:
            return
        windows = list(window_presets.presets(image).values())
        if number == 6:
            window_presets.apply(reviewed.layer, window_presets.first_window(image))
        elif number <= len(windows):
            window_presets.apply(reviewed.layer, windows[number - 1])

    def _orient(self, action: str) -> None:
        change(self._session, action)

    def _resize(self, change: float) -> None:
        session = self._session
        if session is None or session.selected is None:
            return
        geometry = session.findings[session.selected].geometry
        if isinstance(geometry, Sphere) and geometry.diameter + change >= 1:
            session.change(session.selected, geometry=Sphere(geometry.center, geometry.diameter + change))

    def _delete(self) -> None:
        session = self._session
        if session is None or self._measure.delete_chosen():
            return
        drawn = [id for id in session.selection if not session.findings[id].provenance.model]
        session.edit(remove=drawn)
        if session.selection:  # what was removed is no longer selected
            key = next(key for key in shortcuts.KEYS if key.action == "reject")
            show_info(f"A model's finding is not deleted but rejected ({key.text}), so that it can be seen.")
