"""The index of many studies as a list: conditions that their findings are searched by, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QWidget

from ...training.cluster.search import ORDERS, Conditions, results_of
from ..widgets.section import label
from .figures import of_index

REST_MS = 300
"""From the last key or turn of a wheel until the index is searched."""


class ManyRow(QWidget):
    """What stands above the list while it is one of an index; hidden otherwise.

    Parameters
    ----------
    held
        Whether the list must stay as it is for now: other conditions wait.
    """

    changed = Signal()
    """The conditions are others, and rest."""
    counted = Signal(int, int, int, str)
    """Studies listed, findings that meet the conditions, findings, what the index lacks; may come from any thread."""

    def __init__(self, held: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self._held = held
        self.results: Path | None = None
        self._words = ""
        self.least = {
            "score": _least("score ≥ ", "List only studies with a finding of at least this score", 1.0),
            "malignancy": _least("malignancy ≥ ", "… of at least this malignancy", 1.0),
            "diameter": _least("Ø ≥ ", "… of at least this diameter in mm", 100.0),
        }
        self.least["diameter"].setDecimals(0)
        self.least["diameter"].setSuffix(" mm")
        self.order = QComboBox()
        self.order.setToolTip("The studies with the highest of these are listed, the highest first")
        for name in ORDERS:
            self.order.addItem(f"highest {name}", name)
        self.count = label("", wrap=True)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask)
        self.counted.connect(self._show_count)
        for box in self.least.values():
            box.valueChanged.connect(lambda _value: self._rest.start())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for number, widget in enumerate((*self.least.values(), self.order)):
            grid.addWidget(widget, number // 2, number % 2)
        grid.addWidget(self.count, 2, 0, 1, 2)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        self.order.currentIndexChanged.connect(lambda _index: self._rest.start())
        self.hide()

    def open(self, paths: Sequence[Path]) -> None:
        """Take the index that lies at some paths, if there is one; the conditions stay."""
        self.results = next(filter(None, map(results_of, paths)), None)
        self.setVisible(self.results is not None)
        self._rest.stop()
        self.count.setText("")

    def take_words(self, words: str) -> str:
        """Search an index for studies with these words in their path or series.

        Returns
        -------
        str
            The words that are left for the list itself.
        """
        if self.results is not None and words.split() != self._words.split():
            self._rest.start()
        self._words = words
        return words if self.results is None else ""

    @property
    def conditions(self) -> Conditions | None:
        """What is asked for; None while the list is of no index."""
        if self.results is None:
            return None
        least = {name: round(box.value(), 2) for name, box in self.least.items()}
        words, figures, _ = of_index(self._words)
        return Conditions(**least, words=words, figures=figures, by=self.order.currentData())

    def _ask(self) -> None:
        if self._held():
            self.count.setText("Run on all is going on: the index is searched when it has ended.")
            self._rest.start()
        else:
            self.changed.emit()

    def _show_count(self, studies: int, findings: int, total: int, lacks: str) -> None:
        of = f"{findings:,}" if findings == total else f"{findings:,} of {total:,}"
        counts = f"{of} findings · {studies:,} studies listed".replace(",", "\N{NARROW NO-BREAK SPACE}")
        self.count.setText("\n".join(filter(None, (counts, of_index(self._words)[2], lacks))))


def _least(prefix: str, tip: str, most: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setPrefix(prefix)
    box.setToolTip(tip)
    box.setRange(0.0, most)
    box.setSingleStep(0.05 if most == 1.0 else 1.0)
    box.setKeyboardTracking(False)
    box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # two stand side by side in the dock
    return box
