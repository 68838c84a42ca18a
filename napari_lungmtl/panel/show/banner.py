"""The banner of a radiograph: the verdict in words, and a bar with the threshold marked."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QPolygonF

from ..widgets.painted_rows import LEFT, RIGHT, PaintedRows
from .verdict import State, Verdict

BAR = 10
"""Height of the bar in pixels."""
_PAD, _LINES = 8, 3


class Banner(PaintedRows):
    """One block for each network: the probability in words, a bar with the threshold marked, and the verdict."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: tuple[Verdict, ...] = ()
        self.setToolTip(
            "Chance that the radiograph shows a nodule anywhere. It depends on how many radiographs show one where you work: "
            "'Prevalence' in the section 'show'. The mark is the threshold; 'Radiograph' there moves it."
        )
        self.hide()

    def show_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Show these, or nothing."""
        self.verdicts = tuple(verdicts)
        self.setAccessibleDescription(
            "; ".join(
                f"{v.network}: {' '.join(filter(None, (v.headline, v.condition)))}, {v.words}"
                for v in verdicts
            )
        )
        self.setFixedHeight(round(self._block() * len(self.verdicts)) or 1)
        self.setVisible(bool(self.verdicts))
        self.update()

    def bar(self, number: int) -> QRectF:
        """Place of a network's bar, from probability 0 to 1."""
        above = 2 if any(v.condition for v in self.verdicts) else 1
        top = number * self._block() + _PAD + above * self.row_height + 2
        return QRectF(_PAD, top, self.width() - 2 * _PAD, BAR)

    def _block(self) -> float:
        lines = _LINES if any(v.condition for v in self.verdicts) else _LINES - 1
        return lines * self.row_height + BAR + 2 * _PAD + 8

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the blocks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, verdict in enumerate(self.verdicts):
            self._draw(painter, number, verdict)
        painter.end()

    def _draw(self, painter: QPainter, number: int, verdict: Verdict) -> None:
        top, bar = number * self._block(), self.bar(number)
        color = self._color(verdict)
        voided = verdict.state is State.VOID
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.raised))
        painter.drawRoundedRect(QRectF(0, top, self.width(), self._block() - 4), 4, 4)
        painter.setBrush(self.color(color))
        painter.drawRoundedRect(QRectF(0, top, 4, self._block() - 4), 2, 2)
        line = QRectF(bar.left(), top + _PAD - 2, bar.width(), self.row_height)
        self.write(painter, line, LEFT, verdict.headline, self.colors.text, bold=True)
        if verdict.condition:  # beside the headline there is no room for two networks
            line.moveTop(line.bottom())
            self.write(painter, line, LEFT, verdict.condition)
        self.write(painter, line, RIGHT, verdict.network)
        self.track(painter, bar)
        painter.setBrush(self.color(color))
        filled = QRectF(bar)
        filled.setWidth(max(bar.width() * verdict.chance, 2.0))
        if not voided:
            painter.drawRoundedRect(filled, 2, 2)
            self._mark(painter, bar, verdict.limit)
        line.moveTop(bar.bottom() + 6)
        self.write(painter, line, LEFT, verdict.words, self.colors.text)

    def _color(self, verdict: Verdict) -> str:
        """Green only where nothing is suspected, nothing marked, and nothing more to come."""
        if verdict.state is State.CLEAR:
            return self.colors.accepted
        return self.colors.faint if verdict.state is State.OPEN else self.colors.warning

    def _mark(self, painter: QPainter, bar: QRectF, threshold: float) -> None:
        """A line across the bar with a small triangle below: told by shape."""
        x = bar.left() + threshold * bar.width()
        painter.setPen(QPen(self.color(self.colors.text), 2))
        painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.text))
        foot = bar.bottom() + 6
        painter.drawPolygon(
            QPolygonF([QPointF(x, bar.bottom() + 1), QPointF(x - 4, foot), QPointF(x + 4, foot)])
        )
