"""What the networks think, drawn: probabilities of malignancy on one scale, and the scores slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen

from ..malignancy_colors import malignancy_color
from ..training.findings import Finding, Opinion
from .painted import CENTRE, GAP, LEFT, RIGHT, PaintedRows

NETWORKS = {"mtmr": "MTMR-Net", "mtcnn": "MT-CNN"}
"""Names of the characterising networks in their papers."""


def network(model: str) -> str:
    """A network's name in its paper; the model's own where it has none."""
    return NETWORKS.get(model, model)


@dataclass(frozen=True)
class ScoreRow:
    """One line of `ScoreRows`.

    Parameters
    ----------
    name, text
        What stands to the left and to the right.
    dots
        Probabilities, 0–1.
    spread
        A whisker of ± this around the first dot.
    main
        Drawn as a bar and in bold.
    """

    name: str
    text: str
    dots: tuple[float, ...]
    spread: float = 0.0
    main: bool = False


def with_spread(value: float, spread: float | None) -> str:
    """``0.81 ± 0.07``."""
    return f"{value:.2f} ± {spread:.2f}" if spread else f"{value:.2f}"


def malignancy_rows(finding: Finding) -> list[ScoreRow]:
    """The fused probability, then each network's own."""
    rows = []
    if finding.malignancy is not None:
        text = with_spread(finding.malignancy, finding.malignancy_spread)
        spread = finding.malignancy_spread or 0.0
        rows.append(ScoreRow("Malignancy", text, (finding.malignancy,), spread, main=True))
    for opinion in finding.opinions:
        text = with_spread(opinion.malignancy, opinion.spread)
        rows.append(ScoreRow(network(opinion.model), text, (opinion.malignancy,), opinion.spread))
    return rows


def part_rows(opinion: Opinion) -> list[ScoreRow]:
    """One row for each view."""
    return [
        ScoreRow(place, f"{part:.2f}", (part,))
        for place, part in zip(opinion.places, opinion.parts, strict=True)
    ]


def fold_rows(opinions: Sequence[Opinion]) -> list[ScoreRow]:
    """One row for each network whose fold models were asked: a dot for each of them."""
    rows = []
    for opinion in opinions:
        if opinion.folds:
            low, high = min(opinion.folds), max(opinion.folds)
            text = f"{low:.2f}" if len(opinion.folds) == 1 else f"{low:.2f} – {high:.2f}"
            rows.append(ScoreRow(network(opinion.model), text, opinion.folds))
    return rows


def slice_offsets(opinion: Opinion) -> tuple[float, ...] | None:
    """Millimetres from the centre (towards the head) of an opinion's parts; None where they are no slices."""
    offsets = []
    for place in opinion.places:
        number, mm, rest = place.replace("−", "-").partition("mm")
        try:
            offsets.append(float(number))
        except ValueError:
            return None
        if not mm or rest:
            return None
    return tuple(offsets) or None


class ScoreRows(PaintedRows):
    """Probabilities of malignancy, one row each, over one scale from 0 to 1."""

    def __init__(self, *, ends: bool = False) -> None:
        super().__init__()
        self._ends = ends
        self.rows: tuple[ScoreRow, ...] = ()

    def set_rows(self, rows: Sequence[ScoreRow]) -> None:
        """Show other rows; with `ends`, one more names the ends of the scale."""
        self.rows = tuple(rows)
        self.set_row_count(len(self.rows) + (self._ends and bool(self.rows)))
        self.setAccessibleDescription("; ".join(f"{row.name} {row.text}" for row in self.rows))
        self.update()

    def scale(self, row: int) -> QRectF:
        """Place of a row's scale: its width is the probabilities from 0 to 1."""
        names = [row.name for row in self.rows] + ["Malignancy"]
        left = min(self.widest(names), 0.4 * self.width()) + 2 * GAP
        right = self.width() - self.widest([row.text for row in self.rows] + ["0.00 ± 0.00"]) - 2 * GAP
        height = 8.0 if row < len(self.rows) and self.rows[row].main else 2.0
        return QRectF(left, self.row(row).center().y() - height / 2, max(right - left, 24.0), height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, row in enumerate(self.rows):
            line, scale = self.row(number), self.scale(number)
            self.track(painter, scale)
            name = QRectF(0, line.y(), scale.left() - GAP, line.height())
            color = self.colors.text if row.main or not self._ends else None
            self.write(painter, name, LEFT, row.name, color, bold=row.main)
            self.write(painter, line, RIGHT, row.text, self.colors.text, bold=row.main)
            self._draw(painter, scale, row)
        if self._ends and self.rows:
            line, scale = self.row(len(self.rows)), self.scale(len(self.rows))
            words = QRectF(scale.left(), line.y(), scale.width(), line.height())
            self.write(painter, words, LEFT, "benign")
            self.write(painter, words, RIGHT, "malignant")
        painter.end()

    def _draw(self, painter: QPainter, scale: QRectF, row: ScoreRow) -> None:
        whisker = self.color(self.colors.text, 255 if row.main else 170)
        painter.setPen(Qt.PenStyle.NoPen)
        if row.main:
            filled = QRectF(scale)
            filled.setWidth(max(scale.width() * row.dots[0], 2.0))
            painter.setBrush(QColor.fromRgbF(*malignancy_color(row.dots[0])))
            painter.drawRoundedRect(filled, 2, 2)
        if row.spread > 0:
            ends = max(row.dots[0] - row.spread, 0.0), min(row.dots[0] + row.spread, 1.0)
            self.whisker(painter, scale, *ends, whisker)
        if not row.main:
            for dot in row.dots:
                _dot(painter, QPointF(scale.left() + dot * scale.width(), scale.center().y()), dot)


class SlicePlot(PaintedRows):
    """Probability of malignancy over the slices' distance from the centre, feet to the left."""

    ROWS = 5

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[tuple[float, float], ...] = ()
        self.set_row_count(self.ROWS + 1)

    def set_points(self, offsets: Sequence[float], scores: Sequence[float]) -> None:
        """Show scores (0–1) at offsets (mm, towards the head)."""
        self.points = tuple(sorted(zip(offsets, scores, strict=True)))
        self.setAccessibleDescription("; ".join(f"{x:+g} mm {y:.2f}" for x, y in self.points))
        self.update()

    def area(self) -> QRectF:
        """Where the points are drawn: 0 to 1 upwards."""
        left = self.widest(("0.0",)) + GAP
        height = (self.ROWS - 1) * self.row_height
        return QRectF(left + GAP, self.row_height / 2, self.width() - left - 3 * GAP, height)

    def place(self, offset: float, score: float) -> QPointF:
        """Where a point is drawn."""
        area, reach = self.area(), self._reach()
        return QPointF(
            area.center().x() + offset / reach * area.width() / 2, area.bottom() - score * area.height()
        )

    def _reach(self) -> float:
        return max([abs(x) for x, _ in self.points] + [1.0])

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axes, line and points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, high = self.area(), self.row_height
        for score in (0.0, 0.5, 1.0):
            y = area.bottom() - score * area.height()
            painter.setPen(QPen(self.color(self.colors.line), 1.0))
            painter.drawLine(QLineF(area.left() - GAP, y, area.right() + GAP, y))
            self.write(painter, QRectF(0, y - high / 2, area.left() - 2 * GAP, high), RIGHT, f"{score:g}")
        reach = self._reach()
        below = QRectF(area.left() - GAP, area.bottom() + high / 2, area.width() + 2 * GAP, high)
        self.write(painter, below, LEFT, f"−{reach:g} mm (feet)")
        self.write(painter, below, CENTRE, "0")
        self.write(painter, below, RIGHT, f"+{reach:g} mm (head)")
        drawn = [self.place(x, y) for x, y in self.points]
        painter.setPen(QPen(self.color(self.colors.faint), 1.2))
        painter.drawPolyline(drawn)
        for point, (_, score) in zip(drawn, self.points, strict=True):
            _dot(painter, point, score)
        painter.end()


def _dot(painter: QPainter, center: QPointF, score: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor.fromRgbF(*malignancy_color(score)))
    painter.drawEllipse(center, 4, 4)
