"""What the networks think, drawn: probabilities of malignancy on one scale, and the scores slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF

from ...layers.malignancy_colors import malignancy_color
from ...text.networks import network
from ...text.votes import is_unlike, mean_and_deviation
from ...training.findings import Finding, Opinion
from ...training.findings.finding import MALIGNANCY
from ..widgets.painted_rows import CENTRE, GAP, LEFT, RIGHT, PaintedRows

ENDS = {"axial": ("feet", "head"), "coronal": ("front", "back"), "sagittal": ("right", "left")}
"""Where slices of a plane go to in the patient, from negative to positive offsets: world axes are LPS."""


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
    shares
        Drawn instead of dots: how a whole divides among the scale's categories, from its low end to its high one.
    """

    name: str
    text: str
    dots: tuple[float, ...]
    spread: float = 0.0
    main: bool = False
    shares: tuple[float, ...] = ()


def with_spread(value: float, spread: float | None) -> str:
    """``0.81 ± 0.07``."""
    return f"{value:.2f} ± {spread:.2f}" if spread else f"{value:.2f}"


def malignancy_rows(finding: Finding) -> list[ScoreRow]:
    """The fused probability and how readers would divide, then each network's own; of what is no nodule none is the main one."""
    rows, votes = [], finding.votes.get(MALIGNANCY, ())
    if finding.malignancy is not None:
        spread = 0.0 if votes else finding.malignancy_spread or 0.0
        text, dots, nodule = (
            with_spread(finding.malignancy, spread),
            (finding.malignancy,),
            not is_unlike(finding),
        )
        rows.append(ScoreRow("Malignancy" if nodule else "If a nodule", text, dots, spread, main=nodule))
    if votes:
        mean, deviation = mean_and_deviation(votes)
        rows.append(ScoreRow("Readers, 1–5", f"{mean:.1f} ± {deviation:.1f}", (), shares=votes))
    for opinion in finding.opinions:
        text = with_spread(opinion.malignancy, opinion.std)
        rows.append(ScoreRow(network(opinion.model), text, (opinion.malignancy,), opinion.std))
    return rows


def part_rows(opinion: Opinion) -> list[ScoreRow]:
    """One row for each view."""
    return [
        ScoreRow(place, f"{part:.2f}", (part,))
        for place, part in zip(opinion.view_names, opinion.view_scores, strict=True)
    ]


def fold_rows(opinions: Sequence[Opinion]) -> list[ScoreRow]:
    """One row for each network whose fold models were asked: a dot for each of them."""
    rows = []
    for opinion in opinions:
        if opinion.fold_scores:
            ends = dict.fromkeys(f"{p:.2f}" for p in (min(opinion.fold_scores), max(opinion.fold_scores)))
            rows.append(ScoreRow(network(opinion.model), " – ".join(ends), opinion.fold_scores))
    return rows


def slice_places(opinion: Opinion) -> tuple[tuple[str, float], ...] | None:
    """Plane, and millimetres from the centre, of an opinion's parts (``axial −4.5 mm``); None where they are no slices."""
    places = []
    for place in opinion.view_names:
        plane, _, offset = place.replace("−", "-").partition(" ")
        number, mm, rest = offset.partition("mm")
        try:
            places.append((plane, float(number)))
        except ValueError:
            return None
        if plane not in ENDS or not mm or rest:
            return None
    return tuple(places) or None


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

    def paintEvent(self, _event: QPaintEvent | None) -> None:
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
        if row.shares:
            self._divide(painter, scale, row.shares)
        if row.spread > 0:
            ends = max(row.dots[0] - row.spread, 0.0), min(row.dots[0] + row.spread, 1.0)
            self.whisker(painter, scale, *ends, whisker)
        if not row.main:
            for dot in row.dots:
                _dot(painter, QPointF(scale.left() + dot * scale.width(), scale.center().y()), dot)

    def _divide(self, painter: QPainter, scale: QRectF, shares: tuple[float, ...]) -> None:
        """A bar as long as the scale, a part of it for each category, in the colours of the scale of malignancy."""
        left, gap = scale.left(), 1.0
        for place, share in enumerate(shares):
            width = share * scale.width()
            part = QRectF(left, scale.center().y() - 4, max(width - gap, 0.5), 8)
            painter.fillRect(part, QColor.fromRgbF(*malignancy_color(place / (len(shares) - 1))))
            left += width


class SlicePlot(PaintedRows):
    """Probability of malignancy over the slices' distance from the centre: a panel for each plane, side by side."""

    ROWS = 4
    """Height of a panel; its name stands above, its ends below."""

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[tuple[str, float, float], ...] = ()
        self.set_row_count(self.ROWS + 2)

    def set_slices(self, places: Sequence[tuple[str, float]], scores: Sequence[float]) -> None:
        """Show scores (0–1) at planes and offsets (mm along the patient's axis, towards head, back and left)."""
        self.points = tuple((*place, score) for place, score in zip(places, scores, strict=True))
        self.setAccessibleDescription("; ".join(f"{p} {x:+g} mm {y:.2f}" for p, x, y in self.points))
        self.update()

    @property
    def planes(self) -> tuple[str, ...]:
        """The planes that there are slices of, in their order."""
        return tuple(dict.fromkeys(plane for plane, _, _ in self.points))

    @property
    def reach(self) -> float:
        """Millimetres from the middle of a panel to its ends."""
        return max([abs(x) for _, x, _ in self.points] + [1.0])

    def area(self, plane: str) -> QRectF:
        """Where a plane's points are drawn: 0 to 1 upwards."""
        left = self.widest(("0.5",)) + GAP
        width = (self.width() - left) / len(self.planes)
        x = left + self.planes.index(plane) * width
        return QRectF(x + 2 * GAP, 1.5 * self.row_height, width - 4 * GAP, (self.ROWS - 1) * self.row_height)

    def point_at(self, plane: str, offset: float, score: float) -> QPointF:
        """Where a point is drawn."""
        area = self.area(plane)
        x = area.center().x() + offset / self.reach * area.width() / 2
        return QPointF(x, area.bottom() - score * area.height())

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the panels."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, plane in enumerate(self.planes):
            self._draw_axes(painter, plane, numbered=number == 0)
            slices = sorted((x, score) for p, x, score in self.points if p == plane)
            drawn = [self.point_at(plane, *point) for point in slices]
            painter.setPen(QPen(self.color(self.colors.faint), 1.2))
            painter.drawPolyline(QPolygonF(drawn))
            for point, (_, score) in zip(drawn, slices, strict=True):
                _dot(painter, point, score)
        painter.end()

    def _draw_axes(self, painter: QPainter, plane: str, *, numbered: bool) -> None:
        area, high = self.area(plane), self.row_height
        wide = area.adjusted(-GAP, 0, GAP, 0)
        axis = QPen(self.color(self.colors.line), 1.0)
        for score in (0.0, 0.5, 1.0):
            y = area.bottom() - score * area.height()
            painter.setPen(axis)
            painter.drawLine(QLineF(wide.left(), y, wide.right(), y))
            if numbered:
                self.write(painter, QRectF(0, y - high / 2, wide.left() - GAP, high), RIGHT, f"{score:g}")
        painter.setPen(axis)
        painter.drawLine(QLineF(area.center().x(), area.top(), area.center().x(), area.bottom()))
        below = QRectF(wide.left(), area.bottom() + high / 2, wide.width(), high)
        self.write(painter, QRectF(wide.left(), 0, wide.width(), high), CENTRE, plane, self.colors.text)
        self.write(painter, below, LEFT, ENDS[plane][0])
        self.write(painter, below, RIGHT, ENDS[plane][1])


def _dot(painter: QPainter, center: QPointF, score: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor.fromRgbF(*malignancy_color(score)))
    painter.drawEllipse(center, 4, 4)
