"""Section *where is it blind?*: nodules grafted all over the lungs, the chance that they are found, and one at a click."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from ...jobs import run_modes
from ...jobs.worker import Worker
from ...layers import planes
from ...layers.blind.chance import ChanceLayer
from ...reviewed_images import ReviewedImage
from ...training.blind.at_hand import bank_at_hand
from ...training.blind.kinds import Kind, looks_for, sizes_for
from ...training.blind.look import Request, look
from ...training.blind.steps import Step
from ...training.blind.trials import interval, share
from ...training.errors import LungmtlError
from ...training.inference.chain import choose
from ..widgets.section import Section, label, set_role, tool_button
from .one import OneAtAClick
from .scale import ChanceScale

HINT = (
    "Puts nodules all over the lungs, lets the detector look, and colours how often it finds them. "
    "Nothing of it is kept in the image or among the findings."
)


@dataclass(eq=False)
class Map:
    """What was found out about one image."""

    layer: ChanceLayer
    kind: Kind | None = None
    nodules: str = ""
    """Which were grafted."""


class BlindSection(Section):
    """Fills a map of the chance of detection in the background, for the image that it was started on.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    device
        Tells where to compute.
    """

    def __init__(self, viewer: ViewerModel, device: Callable[[], str]) -> None:
        super().__init__("where is it blind?")
        self._viewer, self._device = viewer, device
        self._maps: dict[ReviewedImage, Map] = {}
        self._working_on: ReviewedImage | None = None
        self.work = Worker("The map could not be computed", self)
        self.work.progressed.connect(self._on_step)
        self.work.finished.connect(self._on_ended)
        self.work.failed.connect(self._on_failed)
        self.one = OneAtAClick(viewer, device, self._kind)
        self._build()
        self.set_open(False)
        self._show()

    def _build(self) -> None:
        self.hint = label(HINT, "faint", wrap=True)
        self.source = label("", "faint", wrap=True)
        self._title.toggled.connect(self._show_source)
        self.sizes, self.looks = _box("Diameter of the nodules"), _box("Texture or contrast of the nodules")
        self.sizes.activated.connect(self._show)
        self.looks.activated.connect(self._show)
        self.start_button = QPushButton("Show where")
        self.start_button.setToolTip(
            "Graft on a lattice in the lungs, from coarse to fine; takes minutes, in the background"
        )
        self.start_button.clicked.connect(self.start)
        self.cancel_button = QPushButton("Stop")
        self.cancel_button.setToolTip("Stop; what is known until now stays")
        self.cancel_button.clicked.connect(self.cancel)
        for button in (self.start_button, self.cancel_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        grid = QGridLayout()
        self._look_name = QLabel("Texture")
        grid.addWidget(QLabel("Size"), 0, 0)
        grid.addWidget(self.sizes, 0, 1)
        grid.addWidget(self._look_name, 0, 2)
        grid.addWidget(self.looks, 0, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stage = label("", "faint", wrap=True)
        row = QHBoxLayout()
        row.addWidget(self.start_button)
        row.addWidget(self.cancel_button)
        row.addWidget(self.stage, 1)
        self.scale = ChanceScale()
        self.result = label("", wrap=True)
        self.steps = QWidget()
        steps = QHBoxLayout(self.steps)
        steps.setContentsMargins(0, 0, 0, 0)
        steps.addWidget(
            tool_button("Go to the blindest place", "Show where it is found least", self.go_to_blindest)
        )
        steps.addWidget(tool_button("Take the map away", "Remove the colours", self.forget_map))
        steps.addStretch(1)
        self.message = label("", "error", wrap=True)
        self.body.addWidget(self.hint)
        self.body.addLayout(grid)
        self.body.addWidget(self.source)
        self.body.addLayout(row)
        for widget in (self.bar, self.scale, self.result, self.steps, self.message, self.one):
            self.body.addWidget(widget)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Offer what can be grafted into another image, and show its own map."""
        for image, known in self._maps.items():
            known.layer.set_current(image is reviewed)
        flat = reviewed is not None and reviewed.radiograph is not None
        ndim = 2 if flat else 3
        for box, items, first in (
            (self.sizes, sizes_for(ndim), 1),
            (self.looks, looks_for(ndim), 1 if flat else 0),
        ):
            if [box.itemText(i) for i in range(box.count())] != list(items):
                box.clear()
                box.addItems(items)
                box.setCurrentIndex(first)
        self._look_name.setText("Contrast" if flat else "Texture")
        if reviewed is not None:
            self.listen(reviewed.session.events.thresholds, self._show_result)
            self.listen(reviewed.session.events.image, self._show)
        self.one.set_reviewed(reviewed)
        self._say("")
        self._show()

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        super().release()
        self.one.release()

    # ---- what a person asks for

    def start(self) -> None:
        """Begin a map of the image under review; one that is there is made anew."""
        reviewed = self.reviewed
        image = reviewed.session.image if reviewed is not None else None
        if reviewed is None or image is None or self.work.running:
            return
        known = self._maps.get(reviewed)
        if known is None:
            known = self._maps[reviewed] = Map(ChanceLayer(self._viewer, reviewed.session, reviewed.layer))
        known.kind, known.nodules = self._kind(), self._at_hand()[0]
        known.layer.deleted = False
        known.layer.set_trials(None, ())
        with suppress(LungmtlError):  # which the work says as well
            run_modes.set_threshold(reviewed.session, choose(image).info.default_threshold)
        self._working_on = reviewed
        self._say("")
        request = Request(
            image, known.kind, self._device(), reviewed.session.orientation if image.ndim == 2 else None
        )
        self.work.start(partial(look, request), image.series_uid)
        self._on_step(Step(0.0, "starting"))
        self._show()

    def cancel(self) -> None:
        """Stop; what is known until then stays."""
        self.work.cancel()
        self._on_ended()

    def forget_map(self) -> None:
        """Take the colours of the image under review away."""
        if self.reviewed is None:
            return
        if self._working_on is self.reviewed:
            self.cancel()
        known = self._maps.pop(self.reviewed, None)
        if known is not None:
            known.layer.close()
        self._show()

    def go_to_blindest(self) -> None:
        """Show the place with the lowest chance."""
        known = self._known()
        if known is None or known.layer.chance is None or known.layer.grid is None:
            return
        chance = known.layer.chance
        if np.isnan(chance).all():
            return
        place = np.unravel_index(int(np.nanargmin(chance)), chance.shape)
        where = known.layer.grid.to_world(np.array(place))
        if len(where) == 2:
            reach = known.layer.grid.kernel
            planes.go_to_box(self._viewer, (where - reach).tolist(), (where + reach).tolist())
        else:
            planes.go_to(self._viewer, where.tolist())

    def forget(self, reviewed: ReviewedImage) -> None:
        """The image is gone: stop working on it."""
        if self._working_on is reviewed:
            self.work.cancel()
            self._working_on = None
        known = self._maps.pop(reviewed, None)
        if known is not None:
            known.layer.close()
        self.one.forget(reviewed)

    def let_go(self) -> None:
        """The dock goes, and the viewer may stay; no widget is touched."""
        self.work.abandon()
        self.one.let_go()
        for known in self._maps.values():
            known.layer.close()
        self._maps.clear()

    # ---- the work

    def _on_step(self, step: Step) -> None:
        self.bar.setValue(round(1000 * step.fraction))
        self.stage.setText(step.stage)
        known = self._maps.get(self._working_on) if self._working_on is not None else None
        if known is None or known.kind is None or not step.trials:
            return
        known.layer.set_trials(step.grid, step.trials, f"chance: {known.kind.words}")
        self._show_result()

    def _on_ended(self, _trials: Any = None) -> None:
        self._working_on = None
        self._show()

    def _on_failed(self, message: str) -> None:
        of = self._working_on
        self._on_ended()
        elsewhere = f"“{of.layer.name}”: " if of is not None and of is not self.reviewed else ""
        self._say(f"{elsewhere}{message}")

    # ---- what is shown

    def _kind(self) -> Kind:
        return Kind(self.sizes.currentText(), self.looks.currentText())

    def _known(self) -> Map | None:
        return self._maps.get(self.reviewed) if self.reviewed is not None else None

    def _at_hand(self) -> tuple[str, str]:
        """Which nodules are grafted, in words, and what is wrong with them."""
        try:
            bank = bank_at_hand()
        except LungmtlError as error:
            return "", str(error)
        return bank.words, bank.note

    def _show_source(self, _open: bool = True) -> None:
        if not self._title.isChecked():  # the file is read when somebody looks
            return
        known = self._known()
        of_map = known.nodules if known is not None and known.layer.trials else ""
        words, wrong = (of_map, "") if of_map else self._at_hand()
        self.source.setText(wrong or f"Grafted: {words}.")
        set_role(self.source, "warning" if wrong else "faint")

    def _say(self, text: str) -> None:
        set_role(self.message, "error")
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _show(self, _value: object = None) -> None:
        running = self.work.running and self._working_on is not None
        image = self.reviewed.session.image if self.reviewed is not None else None
        self.start_button.setEnabled(image is not None and not running)
        self.start_button.setVisible(not running)
        for widget in (self.cancel_button, self.bar, self.stage):
            widget.setVisible(running)
        self._show_result()

    def _show_result(self, _thresholds: object = None) -> None:
        known, reviewed = self._known(), self.reviewed
        trials = known.layer.trials if known is not None else ()
        for widget in (self.scale, self.result, self.steps):
            widget.setVisible(bool(trials))
        self.hint.setVisible(not trials)
        self._show_source()
        if self.work.running and self._working_on is not None and self._working_on is not reviewed:
            self.summary.setText(f"at work on “{self._working_on.layer.name}”")
        else:
            self.summary.setText("")
        if not trials or known is None or known.kind is None or reviewed is None:
            return
        threshold = reviewed.session.thresholds.score
        found, tried = share(trials, threshold)
        low, high = interval(found, tried)
        self.result.setText(
            f"{found} of {tried} {known.kind.words} found at score\u00a0≥\u00a0{threshold:.2f}: "
            f"{100 * found / tried:.0f}\u00a0% ({100 * low:.0f}–{100 * high:.0f}\u00a0%)"
        )
        if not self.summary.text():
            self.summary.setText(f"{100 * found / tried:.0f}\u00a0% found")


def _box(tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box
