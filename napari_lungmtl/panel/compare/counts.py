"""How many nodules are hit and missed, and how many marks are false: buttons that list or show them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

from ...layers.overlay_colors import EXCLUDED, FALSE_ALARM, MISS, TRUTH
from ...session.truth import TruthReview
from ...training.comparison.outcomes import Outcome
from ..widgets.section import tool_button

LOOKS = {
    Outcome.HIT: ("□", "hit", TRUTH, "Nodules that a shown finding hits; press to list these findings alone"),
    Outcome.MISS: ("◇", "missed", MISS, "Nodules that no shown finding hits; press to see the next one"),
    Outcome.FALSE_ALARM: (
        "✕",
        "false",
        FALSE_ALARM,
        "Shown findings that hit no nodule; press to list them alone",
    ),
    Outcome.EXCLUDED: (
        "△",
        "excl.",
        EXCLUDED,
        "Shown findings that count neither way, on what readers did not agree on; press to list them alone",
    ),
}
"""Symbol, word, colour and what hovers over each."""


class Counts(QWidget):
    """A button for each outcome; one that is pressed in lists its findings alone."""

    def __init__(
        self, next_miss: Callable[[], object], list_only: Callable[[Outcome | None], object]
    ) -> None:
        super().__init__()
        self._list_only = list_only
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.buttons: dict[Outcome, QToolButton] = {}
        for outcome, (_, _, color, tip) in LOOKS.items():
            slot = next_miss if outcome is Outcome.MISS else partial(self._press, outcome)
            button = tool_button("", tip, slot)
            button.setCheckable(outcome is not Outcome.MISS)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            colors = button.palette()
            colors.setColor(QPalette.ColorRole.ButtonText, QColor(color))
            button.setPalette(colors)
            button.setStyleSheet(f"QToolButton {{ color: {color}; font-weight: 600; padding: 2px; }}")
            self.buttons[outcome] = button
            row.addWidget(button)
        row.addStretch(1)

    def show_review(self, review: TruthReview) -> None:
        """Say the numbers of a review."""
        for outcome, button in self.buttons.items():
            symbol, word, *_ = LOOKS[outcome]
            count = review.outcomes.count(outcome)
            button.setText(f"{symbol} {count} {word}")
            button.setChecked(review.filter is outcome)
            button.setEnabled(count > 0 or review.filter is outcome)
            button.setVisible(outcome is not Outcome.EXCLUDED or count > 0 or review.filter is outcome)

    def _press(self, outcome: Outcome) -> None:
        self._list_only(outcome if self.buttons[outcome].isChecked() else None)
