"""The eight LIDC attributes, painted in two columns: six bars over the words of their ends, two named categories."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent

from ...training.findings.attribute_words import SCALES, AttributeScale
from ..widgets.painted_rows import LEFT, RIGHT, PaintedRows

ORDER = (
    "subtlety",
    "margin",
    "sphericity",
    "lobulation",
    "texture",
    "spiculation",
    "internalStructure",
    "calcification",
)
"""From left to right, then down: what belongs together stands together, the categories last."""
COLUMNS = 2
_GUTTER = 14
_BAR = 8


class AttributeScales(PaintedRows):
    """Each attribute's title and value, its bar with ± the spread as a fine line, and below it the words of the ends."""

    def __init__(self) -> None:
        super().__init__()
        self._values: Mapping[str, float] = {}
        self._spread: Mapping[str, float] = {}
        self.setToolTip("\n".join(_explain(SCALES[name]) for name in ORDER))

    def set_values(self, values: Mapping[str, float], spread: Mapping[str, float]) -> None:
        """Show attributes by LIDC name on the LIDC scales; those that are missing are left out."""
        self._values, self._spread = dict(values), dict(spread)
        self.setAccessibleDescription("; ".join(f"{s.title} {s.describe(v)}" for s, v in self.shown()))
        self.updateGeometry()
        self.update()

    def shown(self) -> list[tuple[AttributeScale, float]]:
        """Scales and values in their order."""
        return [(SCALES[name], self._values[name]) for name in ORDER if name in self._values]

    def sizeHint(self) -> QSize:
        """Two columns as high as their lines."""
        return QSize(200, round(sum(self._heights())))

    def cell(self, number: int) -> QRectF:
        """Place of an attribute."""
        width = (self.width() - (COLUMNS - 1) * _GUTTER) / COLUMNS
        row, column = divmod(number, COLUMNS)
        heights = self._heights()
        return QRectF(column * (width + _GUTTER), sum(heights[:row]), width, heights[row])

    def bar(self, number: int) -> QRectF:
        """Place of an attribute's bar, from 1 to the scale's maximum."""
        cell = self.cell(number)
        return QRectF(cell.left(), cell.top() + self.row_height, cell.width(), _BAR)

    def _heights(self) -> list[float]:
        """Heights of the rows: a title, and below it bar and words, or a category's name."""
        nominal = [scale.nominal for scale, _ in self.shown()]
        rows = [nominal[i : i + COLUMNS] for i in range(0, len(nominal), COLUMNS)]
        words = _BAR + self.row_height + 2
        return [self.row_height + (self.row_height if all(row) else words) for row in rows]

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the attributes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, (scale, value) in enumerate(self.shown()):
            cell, text = self.cell(number), scale.describe(value)
            line = QRectF(cell.left(), cell.top(), cell.width(), self.row_height)
            self.write(painter, line, LEFT, scale.title, self.colors.text)
            if scale.nominal:
                line.moveTop(line.bottom() - 2)
                self.write(painter, line, LEFT, text, self.colors.text, bold=True)
                continue
            self.write(painter, line, RIGHT, text, self.colors.text, bold=True)
            bar = self.bar(number)
            line.moveTop(bar.bottom())
            self.write(painter, line, LEFT, scale.low)
            self.write(painter, line, RIGHT, scale.high)
            self._draw_bar(painter, bar, scale, value)
        painter.end()

    def _draw_bar(self, painter: QPainter, bar: QRectF, scale: AttributeScale, value: float) -> None:
        self.track(painter, bar)
        filled = QRectF(bar)
        filled.setWidth(max(bar.width() * scale.fraction(value), 2.0))  # the lowest value is one, too
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.accent))
        painter.drawRoundedRect(filled, 2, 2)
        spread = self._spread.get(scale.name, 0.0)
        if spread > 0:
            ends = (scale.fraction(value - spread), scale.fraction(value + spread))
            self.whisker(painter, bar, *ends, self.color(self.colors.text, 190))


def _explain(scale: AttributeScale) -> str:
    if scale.nominal:
        return f"{scale.title}: {', '.join(f'{i} {name}' for i, name in enumerate(scale.categories, 1))}"
    return f"{scale.title}: 1 {scale.low} … {scale.maximum} {scale.high}"
