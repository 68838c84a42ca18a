"""What stands above and below the list: folder, Run on all, Done; words, state and order; progress with Cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QProgressBar, QPushButton, QWidget

from ...session.case_summary import STATES
from ...shortcuts import tooltip
from ...training.storage.address import shown
from ..widgets.section import label, tool_button
from .case import ORDERS, UNREADABLE
from .figures import HEADS

FAILURES = 3
"""Cases that failed and are named; more are counted."""


def ended_words(words: str, failed: Sequence[str]) -> tuple[str, str]:
    """What a person is told when Run on all has ended, and in which role."""
    more = [f"… and {len(failed) - FAILURES} more"] if len(failed) > FAILURES else []
    return "\n".join([words, *failed[:FAILURES], *more]), "warning" if failed else "faint"


def button(text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
    """A button that a click does not give the focus, so that keys go on working."""
    widget = QPushButton(text)
    widget.setToolTip(tip)
    widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    widget.clicked.connect(lambda: slot())
    return widget


class FilterRow(QWidget):
    """Words to look for, a state, and an order."""

    changed = Signal()
    order_chosen = Signal(str, bool)  # name, from high to low

    def __init__(self) -> None:
        super().__init__()
        self.words = QLineEdit()
        self.words.setPlaceholderText("Find …")
        self.words.setClearButtonEnabled(True)
        self.show_tip(of_index=False)
        self.words.textChanged.connect(lambda _text: self.changed.emit())
        self.state = _combo(
            "List only cases in this state", {"all": "", **{s: s for s in (*STATES, UNREADABLE)}}
        )
        self.state.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.order = _combo(
            "What the list is sorted by", {f"by {n}" if n != "as found" else n: n for n in ORDERS}
        )
        self.order.activated.connect(lambda _index: self._choose_order())
        self.turn = tool_button("⇅", "Sort the other way round", self._turn_round)
        self.descending = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.words.setMinimumWidth(60)
        row.addWidget(self.words, 1)
        row.addWidget(self.state)
        row.addWidget(self.order)
        row.addWidget(self.turn)

    def show_tip(self, *, of_index: bool) -> None:
        """Say what may be looked for, in a list or in an index of many studies."""
        self.words.setToolTip(
            "List only studies with these words in path or series; figures as score>0.9, malignancy>=0.5, findings>3, diameter>10"
            if of_index
            else "List only cases with these words in name, modality, date, path, tags or note; figures as missed>0, false>=0.8, "
            "disagreement>0.3, distance>4, spread>0.1, score>0.9"
        )

    def show_order(self, order: str, descending: bool) -> None:
        """Show an order that a click on a head has chosen."""
        self.order.setCurrentIndex(self.order.findData(order))
        self.descending = descending

    def _choose_order(self) -> None:
        name = self.order.currentData()
        most_first = ("findings", "date", *HEADS)  # the most, the newest and the hardest
        self.order_chosen.emit(name, name in most_first)

    def _turn_round(self) -> None:
        self.order_chosen.emit(self.order.currentData(), not self.descending)


class ProgressRow(QWidget):
    """A bar, what is being done, and Cancel."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stage = label("", wrap=True)
        self.cancel = button("Cancel", "Stop; what is done stays", cancel)
        self.cancel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.stage, 1)
        row.addWidget(self.cancel)
        self.hide_all()

    def show_progress(self, fraction: float | None, stage: str) -> None:
        """Show how far it is; None where nobody knows how much there is."""
        self.bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.bar.setValue(round(1000 * fraction))
        self.stage.setText(stage)
        self.bar.show()
        self.show()

    def hide_all(self) -> None:
        """Nothing is going on."""
        self.bar.hide()
        self.hide()


def done_button(slot: Callable[[], object]) -> QPushButton:
    """Marks the case that is seen as done, and shows whether it is."""
    widget = button("Done", tooltip("done"), slot)
    widget.setCheckable(True)
    return widget


def _combo(tip: str, items: dict[str, str]) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
    for text, value in items.items():
        box.addItem(text, value)
    return box


def show_paths(name: QLabel, paths: Sequence[Path]) -> None:
    """Say which folders are listed; an address without what is secret in it."""
    name.setText(", ".join(path.name or str(path) for path in paths))
    name.setToolTip("\n".join(map(shown, paths)))
