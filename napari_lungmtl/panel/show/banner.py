"""The banner of a radiograph: how probable networks think it that the radiograph shows a nodule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QPolygonF

from ...session.session import Session
from ...text.networks import network
from ...training.findings import Findings, ImageScore
from ...training.findings.models import doubts
from ...training.imaging.errors import NotAFrontalRadiographError
from ...training.imaging.image import Image
from ...training.imaging.radiograph.frontal import check_frontal
from ..painted_rows import LEFT, RIGHT, PaintedRows

BAR = 10
"""Height of the bar in pixels."""
_PAD, _LINES = 8, 2


@dataclass(frozen=True)
class Doubt:
    """Why a verdict is to be taken with care; `voids` says that it does not count at all (the radiograph is turned)."""

    reason: str
    voids: bool


@dataclass(frozen=True)
class Verdict:
    """What one network says of the whole radiograph, the threshold that it is held against, and what speaks against it.

    It is `open` while other networks, which may find that the radiograph is turned, still run.
    """

    score: ImageScore
    threshold: float
    doubt: Doubt | None = None
    open: bool = False

    @property
    def above(self) -> bool:
        """Whether the radiograph counts as showing a nodule."""
        return self.score.probability >= self.threshold

    @property
    def headline(self) -> str:
        """``Nodule on this radiograph: 83 %``."""
        if self.doubt is not None and self.doubt.voids:
            return "No verdict on this radiograph"
        return f"Nodule on this radiograph: {100 * self.score.probability:.0f} %"

    @property
    def words(self) -> str:
        """``above the threshold 0.50: nodule suspected``."""
        if self.doubt is not None and self.doubt.voids:
            return f"{100 * self.score.probability:.0f} % does not count, because:"
        if self.open and not self.above:
            return f"below the threshold {self.threshold:.2f}; the run goes on"
        if self.doubt is not None and not self.above:
            return f"below the threshold {self.threshold:.2f}: read with care"
        if self.above:
            return f"above the threshold {self.threshold:.2f}: nodule suspected"
        return f"below the threshold {self.threshold:.2f}: no nodule suspected"

    @property
    def network(self) -> str:
        """``DHN 0.1``."""
        return f"{network(self.score.model)} {self.score.version}".strip()


def verdicts(session: Session | None, doubt: Doubt | None = None) -> tuple[Verdict, ...]:
    """What networks have said of the session's image, each against the person's threshold or else its own."""
    if session is None or session.image is None or session.image.ndim != 2:
        return ()
    chosen, partial = session.thresholds.image, session.is_partial
    return tuple(
        Verdict(s, s.threshold if chosen is None else chosen, doubt, partial)
        for s in session.findings.image_scores
    )


def noticed(findings: Findings) -> Doubt | None:
    """What networks noticed of the radiograph, in this run or before the file was saved."""
    said = doubts(findings.models)
    return Doubt("\n".join(said), voids=True) if said else None


def not_frontal(image: Image) -> Doubt | None:
    """What header and pixels say against a frontal chest radiograph; it takes tens of milliseconds."""
    try:
        reason = check_frontal(image)
    except NotAFrontalRadiographError as error:
        return Doubt(str(error), voids=True)
    return Doubt(reason, voids=False) if reason else None


class Banner(PaintedRows):
    """One block for each network: the probability in words, a bar with the threshold marked, and the verdict."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: tuple[Verdict, ...] = ()
        self.setToolTip(
            "Probability that the radiograph shows a nodule anywhere, whatever boxes are drawn. "
            "The mark is the threshold; 'Radiograph' in the section 'show' moves it."
        )
        self.hide()

    def show_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Show these, or nothing."""
        self.verdicts = tuple(verdicts)
        self.setAccessibleDescription("; ".join(f"{v.network}: {v.headline}, {v.words}" for v in verdicts))
        self.setFixedHeight(round(self._block() * len(self.verdicts)) or 1)
        self.setVisible(bool(self.verdicts))
        self.update()

    def bar(self, number: int) -> QRectF:
        """Place of a network's bar, from probability 0 to 1."""
        top = number * self._block() + _PAD + self.row_height + 2
        return QRectF(_PAD, top, self.width() - 2 * _PAD, BAR)

    def _block(self) -> float:
        return _LINES * self.row_height + BAR + 2 * _PAD + 8

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
        voided = verdict.doubt is not None and verdict.doubt.voids
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.raised))
        painter.drawRoundedRect(QRectF(0, top, self.width(), self._block() - 4), 4, 4)
        painter.setBrush(self.color(color))
        painter.drawRoundedRect(QRectF(0, top, 4, self._block() - 4), 2, 2)
        line = QRectF(bar.left(), top + _PAD - 2, bar.width(), self.row_height)
        self.write(painter, line, LEFT, verdict.headline, self.colors.text, bold=True)
        self.write(painter, line, RIGHT, verdict.network)
        self.track(painter, bar)
        painter.setBrush(self.color(color))
        filled = QRectF(bar)
        filled.setWidth(max(bar.width() * verdict.score.probability, 2.0))
        if not voided:
            painter.drawRoundedRect(filled, 2, 2)
            self._mark(painter, bar, verdict.threshold)
        line.moveTop(bar.bottom() + 6)
        self.write(painter, line, LEFT, verdict.words, self.colors.text)

    def _color(self, verdict: Verdict) -> str:
        """Green only where a network that saw a proper radiograph has nothing against it, and nothing more is to come."""
        if verdict.above or verdict.doubt is not None:
            return self.colors.warning
        return self.colors.faint if verdict.open else self.colors.accepted

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
