"""Rows of what calculators ask for: a name, what was said, and where that came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from ...training.case_report.calculator_lines import TITLES, UNITS, input_line
from ...training.case_report.language import Language
from ...training.case_report.words import Words
from ...training.errors import LungmtlError
from ...training.guidelines.calculation import Given, Source
from ...training.guidelines.inputs import CHOICES, NAMES, NUMBERS, parse
from ..widgets.section import label, set_role

NOT_GIVEN = "–"
_TIPS = {
    "high_risk": "Smoking, exposure, family, emphysema, fibrosis, upper lobe, spiculation: a person decides",
    "mean_diameter": "Mean of the long and the short axis on one slice",
    "benign_pattern": "Calcified completely, centrally, like popcorn or in rings, or with fat",
    "juxtapleural": "Smooth and oval, lens-shaped or triangular, at pleura or fissure",
    "timing": "baseline: first CT · growing: over 1.5 mm in 12 months · growing slowly: less, over several CTs · crossed: slightly "
    "larger, into a higher class of sizes · stable: or smaller",
    "suspicious": "Spiculation, enlarged lymph nodes, metastases, ground glass that grows fast",
}


class InputRows(QWidget):
    """The inputs that are asked for, and what a person has said; `changed` when that changes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.said: dict[str, Given] = {}
        """What a person has said, by name."""
        self.wrong: dict[str, str] = {}
        """Sentences on what was typed and cannot be, by name."""
        self.editors: dict[str, QComboBox | QLineEdit] = {}
        self.sources: dict[str, QLabel] = {}
        self._words = Words(Language.EN)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 6, 0)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(2, 1)
        self._titles: dict[str, QLabel] = {}
        for row, name in enumerate(NAMES):
            self._build(row, name)

    def show_rows(
        self, names: Sequence[str], given: Mapping[str, Given], hints: Mapping[str, str] | None = None
    ) -> None:
        """Show these inputs with what is known of them.

        Parameters
        ----------
        names
            Of the fields of `Inputs`.
        given
            What was measured or said.
        hints
            What stands beside an input that nobody gave: what networks think.
        """
        for name in NAMES:
            shown = name in names
            for widget in (self._titles[name], self.editors[name], self.sources[name]):
                widget.setVisible(shown)
            if shown and name not in self.wrong:
                self._show(name, given.get(name), (hints or {}).get(name, ""))

    def forget(self, names: Sequence[str]) -> None:
        """Drop what was said of these: another nodule was chosen."""
        for name in names:
            self.said.pop(name, None)
            self.wrong.pop(name, None)

    def _build(self, row: int, name: str) -> None:
        units = f" ({UNITS[name]})" if name in UNITS else ""
        title = self._titles[name] = label(self._words(TITLES[name]) + units)
        editor = self._number(name) if name in NUMBERS else self._choice(name)
        editor.setFixedWidth(130)
        editor.setAccessibleName(title.text())
        for widget in (title, editor):
            widget.setToolTip(_TIPS.get(name, ""))
        self.editors[name] = editor
        self.sources[name] = label("", "faint", wrap=True)
        for column, widget in enumerate((title, editor, self.sources[name])):
            self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)
            widget.hide()

    def _number(self, name: str) -> QLineEdit:
        edit = QLineEdit()
        edit.setPlaceholderText(NOT_GIVEN)
        edit.editingFinished.connect(lambda: self._take(name, edit.text()))
        return edit

    def _choice(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.addItems([NOT_GIVEN, *CHOICES.get(name, ("yes", "no"))])
        combo.textActivated.connect(lambda text: self._take(name, "" if text == NOT_GIVEN else text))
        return combo

    def _take(self, name: str, text: str) -> None:
        """A person has said something, or taken it back."""
        before, wrong = self.said.get(name), self.wrong.pop(name, "")
        shown = self.editors[name].property("shown")
        if not wrong and text == shown:  # left without a change
            return
        if not text.strip():
            self.said.pop(name, None)
        else:
            try:
                self.said[name] = Given(parse(name, text), Source.PERSON)
            except LungmtlError as error:
                self.said.pop(name, None)
                self.wrong[name] = str(error)
                set_role(self.sources[name], "error")
                self.sources[name].setText(str(error))
        if before != self.said.get(name) or wrong or name in self.wrong:
            self.changed.emit()

    def _show(self, name: str, given: Given | None, hint: str) -> None:
        editor = self.editors[name]
        text = "" if given is None else _text(given)
        editor.setProperty("shown", text)
        if isinstance(editor, QComboBox):
            editor.setCurrentText(text or NOT_GIVEN)
        elif not editor.hasFocus() or editor.text() != text:
            editor.setText(text)
        source = input_line(name, given, self._words).source
        set_role(self.sources[name], "faint" if given is not None else "warning")
        self.sources[name].setText(f"{source}; {hint}" if given is None and hint else source)


def _text(given: Given) -> str:
    """A value as it is typed."""
    if isinstance(given.value, bool):
        return "yes" if given.value else "no"
    return f"{given.value:.4g}" if isinstance(given.value, float) else str(given.value)
