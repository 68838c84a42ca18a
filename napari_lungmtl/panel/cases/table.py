"""The table of cases: a picture, a name and what is known, in rows of two lines."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QKeyEvent, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from ..widgets.qt import sure
from ..widgets.theme import Palette
from .case import Case
from .model import CASE, FINDINGS, ROW, SCORE, STATE, CasesModel
from .thumbnail import SIDE

ROW_HEIGHT = SIDE + 4
ROWS = (2, 4)
"""Fewest and most rows that are seen at once; more are scrolled."""
WIDTHS = {FINDINGS: 44, SCORE: 52, STATE: 70}
"""Pixels of the columns beside the first, which has the rest."""


class CaseDelegate(QStyledItemDelegate):
    """Draws the first column: the thumbnail, the name, and below it modality and date."""

    wanted = Signal(object)
    """A `Case` that is seen and has no thumbnail yet."""

    def __init__(self, parent: QAbstractItemView) -> None:
        super().__init__(parent)
        self.colors: Palette | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Room for the thumbnail."""
        return QSize(160, ROW_HEIGHT)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw the background as other cells have it, and the case on it."""
        painter = sure(painter)
        case: Case = index.data(ROW)
        style = sure(sure(option.widget).style())
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        if case.thumbnail is None:
            self.wanted.emit(case)
        area = option.rect.adjusted(3, 2, -2, -2)
        picture = QRect(area.left(), area.top(), SIDE, SIDE)
        painter.save()
        self._draw_picture(painter, picture, case)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colors = self.colors
        name = (
            option.palette.text().color()
            if colors is None
            else QColor(colors.on_accent if selected else colors.text)
        )
        faint = name if selected or colors is None else QColor(colors.faint)
        text = area.adjusted(SIDE + 7, 0, 0, 0)
        upper = QRect(text.left(), text.top(), text.width(), text.height() // 2)
        bold = QFont(option.font)
        bold.setBold(True)
        lines = (
            (upper, bold, name, case.name),
            (upper.translated(0, upper.height()), option.font, faint, _below(case)),
        )
        for place, font, color, words in lines:
            painter.setFont(font)
            painter.setPen(color)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def _draw_picture(self, painter: QPainter, place: QRect, case: Case) -> None:
        if case.thumbnail is not None and not case.thumbnail.isNull():
            size = case.thumbnail.size()
            at = QRect(0, 0, size.width(), size.height())
            at.moveCenter(place.center())
            painter.fillRect(place, QColor("black"))
            painter.drawPixmap(at, case.thumbnail)
            return
        line = QColor(self.colors.line if self.colors is not None else "gray")
        painter.setPen(line)
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        if case.problem:
            painter.setPen(QColor(self.colors.error if self.colors is not None else "red"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "!")


def _below(case: Case) -> str:
    if case.problem:
        return case.problem
    return " · ".join(part for part in (*case.notes.tags, case.modality, case.date) if part)


class CasesTable(QTableView):
    """Shows a `CasesModel`; a click or Return opens a row."""

    asked = Signal(object)
    """A `Case` that a person wants to see."""

    def __init__(self, model: CasesModel) -> None:
        super().__init__()
        self._cases = model
        self.setModel(model)
        self.setAccessibleName("Cases")
        self.delegate = CaseDelegate(self)
        self.setItemDelegateForColumn(CASE, self.delegate)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows, header = sure(self.verticalHeader()), sure(self.horizontalHeader())
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(
            False
        )  # an arrow has no room beside the words; the box above says the order
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(CASE, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        header.sectionClicked.connect(self._sort)
        self.clicked.connect(lambda index: self.asked.emit(index.data(ROW)))
        model.changed.connect(self.fit_height)
        self.fit_height()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.delegate.colors = self._cases.colors = colors
        sure(self.viewport()).update()

    def show_case(self, case: Case | None) -> None:
        """Mark the row of a case, and bring it to sight."""
        row = self._cases.row_of(case)
        if row is None:
            self.clearSelection()
            return
        self.setCurrentIndex(self._cases.index(row, CASE))
        self.selectRow(row)
        self.scrollTo(self._cases.index(row, CASE))

    def fit_height(self) -> None:
        """Take the height of the rows, within `ROWS`."""
        fewest, most = ROWS
        rows = min(max(self._cases.rowCount(), fewest), most)
        head = sure(self.horizontalHeader()).sizeHint().height()
        self.setFixedHeight(rows * ROW_HEIGHT + head + 2 * self.frameWidth())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Return opens the row that the arrows have come to."""
        if sure(event).key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.asked.emit(self.currentIndex().data(ROW))
            return
        super().keyPressEvent(event)

    def _sort(self, column: int) -> None:
        order, descending = self._cases.order
        wanted = self._cases.order_of(column)
        again = wanted == order
        # Of numbers the highest is wanted first.
        self._cases.set_order(wanted, not descending if again else column in (FINDINGS, SCORE))
