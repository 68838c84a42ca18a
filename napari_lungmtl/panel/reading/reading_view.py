"""What the dock says while a study runs: the state one is in, which case this is, how sure the reader is, and what comes next."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from ...shortcuts import tooltip
from ..widgets.section import label, tool_button
from .study import State, Study

_COLORS = {
    State.LOOKING: "#805500",
    State.UNAIDED: "#805500",
    State.REVEALED: "#1667b7",
    State.AIDED: "#1667b7",
    State.PAUSED: "#b3261e",
}
"""Of the banner, under white letters, in any theme: brown hides, blue shows."""
_OTHER = "#4f545c"


class SureSlider(QWidget):
    """A slider from 0 to 100 with its caption and value; `said` comes once the hand lets go, not for every step on the way."""

    said = Signal(float)

    def __init__(self, caption: str, tip: str) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setToolTip(tip)
        self.slider.setAccessibleName(caption)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.value = label("", "faint")
        self.value.setMinimumWidth(40)
        self.slider.valueChanged.connect(self._on_changed)
        self.slider.sliderReleased.connect(self._on_released)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        caption_label = label(caption)
        caption_label.setFixedWidth(128)
        row.addWidget(caption_label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)

    def show_value(self, value: float | None) -> None:
        """Show what was said; None where nothing was."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(50 if value is None else round(100 * value))
        self.slider.blockSignals(blocked)
        self.value.setText("–" if value is None else f"{round(100 * value)} %")

    def _on_changed(self, position: int) -> None:
        self.value.setText(f"{position} %")
        if not self.slider.isSliderDown():
            self.said.emit(position / 100)

    def _on_released(self) -> None:
        self._on_changed(self.slider.value())


class ReadingView(QWidget):
    """The banner and what a reader presses."""

    drawing = Signal()
    advanced = Signal()
    paused = Signal()
    ended = Signal()
    skipped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.banner = QLabel()
        self.banner.setTextFormat(Qt.TextFormat.PlainText)
        self.banner.setWordWrap(True)
        self.case = SureSlider(
            "Nodule in the case",
            "How sure you are that there is one: what ROC and MRMC go by; else it is your surest mark",
        )
        self.mark = SureSlider(
            "Selected mark", "How sure you are of the selected mark; 100 % where nothing is said"
        )
        self.next = QPushButton()
        self.next.setObjectName("primary")
        self.next.clicked.connect(self.advanced)
        self.pause = tool_button("Pause", "Cover the pictures and stop the clock", self.paused.emit)
        self.draw = tool_button(
            "Mark",
            "Click on nodules in the picture; drag what you have marked, [ and ] resize it",
            self.drawing.emit,
        )
        self.skip = tool_button("Skip", "Go on without this case", self.skipped.emit)
        self.end = tool_button(
            "End",
            "End the study: log that the study is over, and come back to everything else",
            self.ended.emit,
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.next)
        buttons.addWidget(self.draw)
        buttons.addStretch(1)
        for button in (self.skip, self.pause, self.end):
            buttons.addWidget(button)
        grid = QGridLayout()
        grid.addWidget(self.case, 0, 0)
        grid.addWidget(self.mark, 1, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.banner)
        column.addLayout(grid)
        column.addLayout(buttons)

    def show_study(self, study: Study, selected: str | None, failed: bool) -> None:
        """Say where the study stands; `selected` is a mark that may be rated, `failed` that the case cannot be opened."""
        state = study.state
        self.banner.setText(str(state)[0].upper() + str(state)[1:])
        color = _COLORS.get(state, _OTHER)
        self.banner.setStyleSheet(
            f"background: {color}; color: #ffffff; font-weight: 600; padding: 5px 8px; border-radius: 3px;"
        )
        reading = state in (State.LOOKING, State.REVEALED, State.AIDED, State.UNAIDED)
        self.next.setText("Done looking" if state is State.LOOKING else "Done")
        what = (
            "Show the networks' marks; yours stay"
            if state is State.LOOKING
            else "This case is read: show the next one"
        )
        self.next.setToolTip(tooltip("done", what))
        for widget in (self.next, self.case, self.draw):
            widget.setEnabled(reading)
        self.case.show_value(study.rating)
        self.mark.setEnabled(reading and selected is not None)
        self.mark.show_value(study.sure.get(selected, 1.0) if selected is not None else None)
        self.pause.setText("Resume" if state is State.PAUSED else "Pause")
        self.skip.setVisible(failed)
