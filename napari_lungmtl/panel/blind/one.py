"""One graft where a person clicks, with its live score."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ...jobs.worker import Worker
from ...layers.blind.graft_preview import GraftPreview
from ...reviewed_images import ReviewedImage
from ...training.blind.kinds import Kind
from ...training.blind.one import OneGraft, graft_one
from ...training.blind.radiograph import Film
from ..widgets.section import label, set_role, tool_button

_CLICK = 3.0
"""Pixels that a click may move."""


class OneAtAClick(QWidget):
    """A switch: while it is on, a click puts a nodule of the chosen kind there to look at, and says its score.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    device, kind
        Tell where to compute, and what to graft.
    """

    def __init__(self, viewer: ViewerModel, device: Callable[[], str], kind: Callable[[], Kind]) -> None:
        super().__init__()
        self._viewer, self._device, self._kind = viewer, device, kind
        self._reviewed: ReviewedImage | None = None
        self._asked: ReviewedImage | None = None
        self.off: Callable[[], bool] = lambda: False
        """Tells whether clicks do nothing at the moment."""
        self._seed = 0
        self._film: Film | None = None
        self.graft: OneGraft | None = None
        self.preview = GraftPreview(viewer)
        self.preview.gone.connect(self.take_away)
        self.work = Worker("The graft could not be tried", self)
        self.work.finished.connect(self._on_finished)
        self.work.failed.connect(self._on_failed)
        self.switch = tool_button(
            "Graft at a click", "While this is on, a click into a lung grafts one nodule there", bool
        )
        self.switch.setCheckable(True)
        self.switch.toggled.connect(self._on_switch)
        self.remove = tool_button("Take it away", "Show the image as it is", self.take_away)
        row = QHBoxLayout()
        row.addWidget(self.switch)
        row.addWidget(self.remove)
        row.addStretch(1)
        self.words = label("", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.words)
        viewer.mouse_drag_callbacks.append(self._on_press)
        self._show()

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Another image is looked at: the graft goes."""
        if reviewed is not self._reviewed:
            self.take_away()
        self._reviewed = reviewed
        if reviewed is not None:
            reviewed.session.events.thresholds.connect(self._show)
        self.switch.setEnabled(reviewed is not None)
        if reviewed is None:
            self.switch.setChecked(False)

    @property
    def is_on(self) -> bool:
        """Whether a click grafts a nodule."""
        return self.switch.isChecked() and not self.off()

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        if self._reviewed is not None:
            self._reviewed.session.events.thresholds.disconnect(self._show, missing_ok=True)

    def forget(self, reviewed: ReviewedImage) -> None:
        """The image is gone."""
        if reviewed is self._asked:
            self.take_away()

    def let_go(self) -> None:
        """The viewer may stay; no widget is touched."""
        self.work.abandon()
        self.preview.let_go()
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def put(self, place: tuple[float, ...]) -> None:
        """Graft one nodule at a world place of the image under review; the next one is another nodule."""
        reviewed = self._reviewed
        image = reviewed.session.image if reviewed is not None else None
        if reviewed is None or image is None:
            return
        self.take_away()
        self._asked, self._seed = reviewed, self._seed + 1
        orientation = reviewed.session.orientation if image.ndim == 2 else None
        work = partial(
            graft_one, image, self._kind(), place, self._device(), orientation, self._seed, self._film
        )
        self.work.start(work, image.series_uid)
        self._say("grafting …", "faint")

    def take_away(self) -> None:
        """Show the image as it is."""
        self.work.cancel()
        self.graft = self._asked = None
        self.preview.take_out()
        self._show()

    def _on_switch(self, on: bool) -> None:
        if not on:
            self.take_away()
        self._show()

    def _on_press(self, viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
        """A click that is no drag; napari calls this for every press."""
        active = viewer.layers.selection.active
        idle = str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"
        if not self.is_on or viewer.dims.ndisplay != 2 or not idle or event.button != 1 or event.modifiers:
            return
        start = np.asarray(event.pos, float)
        yield
        while event.type == "mouse_move":
            yield
        image = self._reviewed.session.image if self._reviewed is not None else None
        if image is not None and np.abs(np.asarray(event.pos, float) - start).max() <= _CLICK:
            self.put(tuple(float(c) for c in event.position[-image.ndim :]))

    def _on_finished(self, graft: OneGraft) -> None:
        reviewed = self._reviewed
        if reviewed is None or reviewed is not self._asked:
            return
        self.graft, self._film = graft, graft.film or self._film
        self.preview.show(graft.picture, reviewed.layer)
        self._show()

    def _on_failed(self, message: str) -> None:
        self._asked = None
        self._say(message, "error")

    def _say(self, text: str, role: str = "") -> None:
        set_role(self.words, role)
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def _show(self, _value: object = None) -> None:
        self.remove.setVisible(self.graft is not None)
        if self.graft is None or self._reviewed is None:
            self._say("Click into a lung." if self.switch.isChecked() else "", "faint")
            return
        trial, threshold = self.graft.trial, self._reviewed.session.thresholds.score
        if trial.before >= threshold:
            verdict = f"a mark of {trial.before:.2f} lies there without it"
        else:
            verdict = "found" if trial.found(threshold) else "not found"
        score = f"score {trial.score:.2f}" if trial.score else "no mark"
        self._say(f"Not in the image: {self.graft.words}; {score}, {verdict} at {threshold:.2f}.", "warning")
