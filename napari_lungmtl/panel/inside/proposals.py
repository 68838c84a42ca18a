"""The proposals of a network by score: what it considered, and what fell in non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QVBoxLayout, QWidget

from ...training.inference.inside.feature_maps import Extent, Inside, Proposal
from ...training.inference.predictor import SCORE_FLOOR
from ..widgets.quiet_list import QuietList
from ..widgets.section import label

ROWS = 5
"""Rows of the list that are seen at once."""


class ProposalList(QWidget):
    """One line for each proposal; the one that is chosen is outlined on the maps, and the view goes there."""

    chosen = Signal(object)
    """A `Proposal`."""

    def __init__(self) -> None:
        super().__init__()
        self.proposals: tuple[Proposal, ...] = ()
        self.words = label("", "faint", wrap=True)
        self.list = QuietList()
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setToolTip(
            "Suppressed: a better one lies over it. Below floor: no finding, its score is under 0.05."
        )
        self.list.currentRowChanged.connect(self._on_row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.words)
        column.addWidget(self.list)
        self.hide()

    def show_proposals(self, inside: Inside, units: str) -> None:
        """List the proposals of a place; the best of those that cover it is marked, and none is chosen."""
        self.proposals = inside.proposals
        blocked = self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([line(p, inside.place, units) for p in self.proposals])
        self.list.setCurrentRow(-1)
        first = next((i for i, p in enumerate(self.proposals) if covers(p, inside.place)), None)
        if first is not None and (item := self.list.item(first)) is not None:
            self.list.scrollToItem(item, QListWidget.ScrollHint.PositionAtTop)
        self.list.blockSignals(blocked)
        rows = min(max(len(self.proposals), 1), ROWS)
        self.list.setFixedHeight(4 + max(self.list.sizeHintForRow(0), 1) * rows)
        kept = sum(p.kept for p in self.proposals)
        self.words.setText(
            f"Proposals by score: {len(self.proposals)} before suppression, {kept} after. ● covers the place."
        )
        self.setVisible(bool(self.proposals))

    @property
    def selected(self) -> Proposal | None:
        """The chosen proposal, or the one whose crops are shown."""
        row = self.list.currentRow()
        if 0 <= row < len(self.proposals):
            return self.proposals[row]
        return next((p for p in self.proposals if p.shown), None)

    def outlines(self, place: Sequence[float]) -> list[tuple[Extent, bool]]:
        """Boxes of those that became findings or cover the place, with whether they were kept; of all, nothing could be seen."""
        shown = [p for p in self.proposals if covers(p, place) or (p.kept and p.score >= SCORE_FLOOR)]
        return [(p.extent, p.kept) for p in shown]

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self.proposals):
            self.chosen.emit(self.proposals[row])


def covers(proposal: Proposal, place: Sequence[float]) -> bool:
    """Whether a place lies in a proposal's box."""
    low, high = np.asarray(proposal.extent)
    return bool(np.all((low <= place) & (place <= high)))


def line(proposal: Proposal, place: Sequence[float], units: str) -> str:
    """``● 0.62  Ø 14 mm  rpn 0.93  kept``."""
    parts = [f"{proposal.score:.2f}", f"Ø {proposal.diameter:.0f} {units}"]
    parts += [f"{name} {value:.2f}" for name, value in proposal.scores.items()]
    parts.append(
        "suppressed" if not proposal.kept else "kept" if proposal.score >= SCORE_FLOOR else "below floor"
    )
    return ("● " if covers(proposal, place) else "   ") + " · ".join(parts)
