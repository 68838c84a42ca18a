"""Section *findings*: the table of what is shown, sortable and read-only, and the buttons that act on the selected one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from qtpy.QtWidgets import QHBoxLayout, QMenu

from ...reviewed_images import ReviewedImage
from ...shortcuts import KEYS, tooltip
from ...text.boxes import BOTH, found_by
from ...training.findings import Finding
from ...training.findings.attribute_words import SCALES
from ..widgets.qt import sure
from ..widgets.section import Section, label, tool_button
from ..widgets.theme import Palette
from .columns import ALWAYS, COLUMNS, ORDER, Row, defaults
from .model import ID, FindingsModel
from .table import FindingsTable

__all__ = ["ID", "FindingsModel", "FindingsSection"]
EDITS = {
    **dict.fromkeys(("add sphere", "snap", "grow mask", "outline", "add box"), ""),
    "paint mask": "Paint a mask with napari's brush",
    **dict.fromkeys(("duplicate", "judge all", "delete"), ""),
}
"""Actions of the menu *Edit*, and words for what has no key."""
_ATTRIBUTES = frozenset(range(len(COLUMNS) - len(SCALES), len(COLUMNS)))


class FindingsSection(Section):
    """The table; its selection is the session's, both ways. The next finding is the next row, however it is sorted."""

    def __init__(self, actions: Mapping[str, Any]) -> None:
        super().__init__("findings")
        self.none_yet: Callable[[], str] = lambda: "None yet: press Run."
        self.model = FindingsModel()
        self.table = FindingsTable(self.model)
        self.table.columns_asked.connect(self._choose_columns)
        self._chosen: frozenset[int] | None = None  # by the person; None: what suits the findings
        self.table.show_columns(defaults(judged=False), chosen=False)
        # Not the current row: that moves to the first when the table merely takes the focus.
        self._selection = sure(self.table.selectionModel())
        self._selection.selectionChanged.connect(self._on_selection)
        self._empty = label("", "faint", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self.table, 1)
        self._empty.setTextFormat(Qt.TextFormat.RichText)
        self._empty.linkActivated.connect(self._list_all)
        self.body.addWidget(self._empty)
        self._buttons = {}
        row = QHBoxLayout()
        row.setSpacing(0)  # seven buttons beside the dock's scroll bar
        texts = {
            "previous": "↑",
            "next": "↓",
            "accept": "✓ Accept",
            "reject": "✕ Reject",
            "undo": "↶",
            "redo": "↷",
        }
        for action, text in texts.items():
            self._buttons[action] = tool_button(text, tooltip(action), actions[action])
            if action == "undo":
                row.addStretch(1)
            row.addWidget(self._buttons[action])
        self.columns = tool_button("☰", "Choose the columns of the table", self._choose_columns)
        row.insertWidget(4, self.columns)
        self.export = tool_button(
            "Export…", "Export the findings to a file for another program", lambda: None
        )
        self.edit = tool_button(
            "Edit…", "Draw, snap, grow, outline, paint and duplicate findings", self._choose_edit
        )
        self._edits = {action: actions[action] for action in EDITS if action in actions}
        self.head.addWidget(self.edit)
        self.head.addWidget(self.export)  # the row below is full
        self.body.addLayout(row)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show the image's findings and selection."""
        if reviewed is not None:
            events = reviewed.session.events
            for signal in (events.image, events.findings, events.thresholds):
                self.listen(signal, self._show)
            for signal in (reviewed.truth.events.truth, reviewed.truth.events.filter):
                self.listen(signal, self._show)
            self.listen(events.selection, self._show_selected)
            self.listen(events.undone, self._tell)
        self.table.forget_widths()
        self._show()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.model.colors = colors
        sure(self.table.viewport()).update()

    def step(self, step: int) -> None:
        """Select the next (1) or previous (-1) row, round at the ends."""
        rows = self.model.rowCount()
        if self.reviewed is None:
            return
        if not rows:
            show_info(_why_empty(self.reviewed, self.none_yet()))
            return
        row = self.model.row_of(self.reviewed.session.selected)
        if row is None:
            row = -1 if step > 0 else rows
        self.reviewed.session.select_all(self.model.ids_of((row + step) % rows))

    # ---- columns

    def choose(self, columns: frozenset[int]) -> None:
        """Show these columns from now on, whatever the findings hold."""
        self._chosen = columns | ALWAYS
        self.table.show_columns(self._chosen, chosen=True)

    def shown_columns(self) -> frozenset[int]:
        """The columns that are shown."""
        return self.table.shown_columns()

    def column_menu(self) -> QMenu:
        """A menu that shows and hides columns."""
        shown = self.shown_columns()
        menu = QMenu(self)
        for number in ORDER:
            if number in ALWAYS:
                continue
            if number == min(_ATTRIBUTES):
                menu.addSeparator()
            action = sure(menu.addAction(COLUMNS[number].name))
            action.setCheckable(True)
            action.setChecked(number in shown)
            action.triggered.connect(lambda _on, n=number: self.choose(self.shown_columns() ^ {n}))
        menu.addSeparator()
        sure(menu.addAction("All attributes")).triggered.connect(lambda: self.choose(shown | _ATTRIBUTES))
        sure(menu.addAction("As at first")).triggered.connect(self._choose_defaults)
        return menu

    def edit_menu(self) -> QMenu:
        """A menu of all that draws and changes findings, with the keys."""
        menu = QMenu(self)
        for action, slot in self._edits.items():
            key = next((k for k in KEYS if k.action == action), None)
            words = f"{key.description}\t{key.text}" if key is not None else EDITS[action]
            sure(menu.addAction(words)).triggered.connect(lambda _on, slot=slot: slot())
        return menu

    def _choose_edit(self) -> None:
        menu = self.edit_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.edit.mapToGlobal(self.edit.rect().bottomLeft()))

    def _choose_columns(self, at: QPoint | None = None) -> None:
        where = at if isinstance(at, QPoint) else self.columns.mapToGlobal(self.columns.rect().bottomLeft())
        menu = self.column_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def _choose_defaults(self) -> None:
        self._chosen = None
        self._show()

    def _show(self, _value: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        # A reset moves the current row; no one selected that.
        blocked = self._selection.blockSignals(True)
        image = session.image if session is not None else None
        flat = image is not None and image.ndim == 2
        rows = _listed(self.reviewed, flat) if self.reviewed is not None else []
        self.model.set_rows(rows, image)
        self._selection.blockSignals(blocked)
        judged = session is not None and any(f.malignancy is not None for f in session.findings)
        compared = self.reviewed is not None and self.reviewed.truth.truth is not None
        columns = defaults(judged, flat, compared) if self._chosen is None else self._chosen
        self.table.show_columns(columns, chosen=self._chosen is not None)
        self.table.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        filter_ = self.reviewed.truth.filter if self.reviewed is not None else None
        shown = session.visible if session is not None else ()
        words = _why_empty(self.reviewed, self.none_yet())
        self._empty.setText(f"{escape(words)} <a href='all'>List all</a>" if filter_ and shown else words)
        # A filter hides findings that the canvas shows: it is said as long as it does.
        if filter_ and shown and self.reviewed is not None:
            self.summary.setText(f"{len(rows)} of {len(_rows(self.reviewed, flat, shown))}: {filter_}")
            self.summary.setToolTip("Other findings are shown and not listed: see *compare*")
        else:
            marks = len(rows) + sum(row.partner is not None for row in rows)
            self.summary.setText(f"{len(rows) or ''}" + (" lesions" if marks > len(rows) else ""))
            told = f"{len(rows)} lesions of {marks} marks: what two networks marked is one line"
            self.summary.setToolTip(told if marks > len(rows) else "")
        self._show_selected()

    def _list_all(self, _link: str = "") -> None:
        if self.reviewed is not None:
            self.reviewed.truth.list_only(None)

    def _show_selected(self, _id: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        selected = session.selected if session is not None else None
        selection = self._selection
        blocked = selection.blockSignals(True)
        rows = [self.model.row_of(id) for id in (session.selection if session is not None else ())]
        selection.clear()
        flags = QItemSelectionModel.SelectionFlag
        for row in rows:
            if row is not None:
                selection.select(self.model.index(row, 0), flags.Select | flags.Rows)
        if rows and rows[-1] is not None:
            selection.setCurrentIndex(self.model.index(rows[-1], 0), flags.NoUpdate)
            self.table.scrollTo(self.model.index(rows[-1], 0))
        selection.blockSignals(blocked)
        sure(self.table.viewport()).update()
        for action in ("accept", "reject"):
            self._buttons[action].setEnabled(selected is not None)
        self.export.setEnabled(session is not None and len(session.findings) > 0)
        for action in ("next", "previous"):
            self._buttons[action].setEnabled(self.model.rowCount() > 0)
        for action, words in (
            ("undo", session.undo_words if session is not None else ""),
            ("redo", session.redo_words if session is not None else ""),
        ):
            self._buttons[action].setEnabled(bool(words))
            name = action.capitalize()
            self._buttons[action].setToolTip(tooltip(action, f"{name}: {words}" if words else name))

    def _tell(self, words: str) -> None:
        """What was undone stands in the title's line until something else happens."""
        self.summary.setText(words.replace("Undone:", "↶").replace("Done again:", "↷"))  # as on the buttons
        self.summary.setToolTip(words)

    def _on_selection(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        """All marked rows are the selection; the row that the person came to is the one that is looked at."""
        if self.reviewed is None:
            return
        current = self._selection.currentIndex().row()
        rows = sorted((i.row() for i in self._selection.selectedRows()), key=lambda row: row == current)
        if rows:
            self.reviewed.session.select_all(id for row in rows for id in self.model.ids_of(row))


def _why_empty(reviewed: ReviewedImage | None, none_yet: str) -> str:
    """Why no finding is listed, in a sentence; `none_yet` where nothing has looked for any."""
    if reviewed is None:
        return "No image is open."
    findings, shown, wanted = reviewed.session.findings, reviewed.session.visible, reviewed.truth.filter
    what = "marks" if reviewed.radiograph is not None else "findings"  # as *show* counts them
    if wanted is not None and shown:
        return f"Listed is only what is: {wanted}. That is none of the {len(shown)} {what} shown."
    if len(findings):
        return f"None of {len(findings)} {what} passes the thresholds."
    return "The model found nothing." if findings.models else none_yet


def _listed(reviewed: ReviewedImage, flat: bool) -> list[Row]:
    """The rows of what a person wants to be listed."""
    return _rows(reviewed, flat, [f for f in reviewed.session.visible if reviewed.truth.lists(f)])


def _rows(reviewed: ReviewedImage, flat: bool, shown: Sequence[Finding]) -> list[Row]:
    """One row for each visible finding; on a radiograph one for a lesion that two networks marked, led by the surer one."""
    session, marks = reviewed.session, reviewed.truth.outcomes.marks
    if not flat:
        return [Row(f, session.image, outcome=marks.get(f.id, "")) for f in shown]
    visible = {f.id: f for f in shown}
    rows = []
    for finding in shown:
        partner = visible.get(session.partners.get(finding.id, ""))
        if partner is not None and (partner.score, partner.id) > (finding.score, finding.id):
            continue
        words = found_by(finding, session.agreement) if partner is None else f"{BOTH} both"
        rows.append(Row(finding, session.image, words, partner, marks.get(finding.id, "")))
    return rows
