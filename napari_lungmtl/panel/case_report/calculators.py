"""The calculators of a report: which, about which finding, with what inputs, and what they say meanwhile."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from ...session.same_findings import same_lesion
from ...session.session import Session
from ...training.case_report.calculator_lines import calculator_line
from ...training.case_report.language import Language
from ...training.case_report.report import order
from ...training.case_report.words import Words
from ...training.findings import Finding
from ...training.findings.attribute_words import SCALES
from ...training.guidelines.calculation import Calculation, calculate, known
from ...training.guidelines.guideline import Guideline
from ...training.guidelines.inputs import NAMES, PATIENT
from ..widgets.section import label
from .input_rows import InputRows

RATED = {"texture": "texture", "spiculated": "spiculation"}
"""Inputs that networks have an opinion on, with the attribute; it is told, and decides nothing."""


class Calculators(QWidget):
    """Check boxes of the calculators, the finding, the inputs and their results; `changed` when any of it changes.

    Parameters
    ----------
    session
        Of the image under review.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._about: Finding | None = None
        """The finding as it was when the first thing was said of it."""
        self.boxes = {guideline: QCheckBox(_short(guideline)) for guideline in Guideline}
        self.nodule = QComboBox()
        self.nodule.setToolTip("The finding that the calculators are about")
        self.rows = InputRows()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setWidget(self.rows)
        self.results = label("", wrap=True)
        self._lay_out()
        for guideline, box in self.boxes.items():
            box.setToolTip(guideline.words)
            box.toggled.connect(self.refresh)
        self.nodule.activated.connect(self._on_nodule)
        self.rows.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for box in self.boxes.values():
            row.addWidget(box)
        row.addStretch(1)
        row.addWidget(label("on finding", "faint"))
        row.addWidget(self.nodule)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.area, 1)
        column.addWidget(self.results)

    @property
    def finding(self) -> Finding | None:
        """The finding that they are about."""
        id = self.nodule.currentData()
        return next((f for f in self._session.findings if f.id == id), None)

    @property
    def calculations(self) -> tuple[Calculation, ...]:
        """What they say now, of those that are checked."""
        finding = self.finding
        if finding is None:
            return ()
        given = known(self._session.findings, finding) | self.rows.said
        wanted = [guideline for guideline, box in self.boxes.items() if box.isChecked()]
        return tuple(calculate(guideline, given, finding.number) for guideline in wanted)

    @property
    def wrong(self) -> bool:
        """Whether something that is asked for was typed and cannot be; what is not asked for any more does not count."""
        return any(not self.rows.editors[name].isHidden() for name in self.rows.wrong)

    def refresh(self, _value: object = None) -> None:
        """Show the findings, inputs and results of now."""
        self._list_findings()
        self._follow_nodule()
        finding, made = self.finding, self.calculations
        asked = {name for one in made for name, _ in one.inputs}
        names = [name for name in NAMES if name in asked]
        if finding is not None:
            given = known(self._session.findings, finding) | self.rows.said
            self.rows.show_rows(names, given, _opinions(finding))
        self.area.setVisible(bool(names))
        self.results.setText("\n".join(map(_result, made)))
        self.results.setVisible(bool(made))
        flat = self._session.image is None or self._session.image.ndim != 3
        for box in self.boxes.values():
            box.setEnabled(finding is not None and not flat)
        self.changed.emit()

    def _list_findings(self) -> None:
        findings = order(self._session.visible)
        units = "mm" if self._session.findings.image.units == "mm" else "px"
        shown = [(f"{f.number}: {f.diameter:.1f} {units}", f.id) for f in findings]
        before = [(self.nodule.itemText(i), self.nodule.itemData(i)) for i in range(self.nodule.count())]
        if shown == before:
            return
        chosen = self.nodule.currentData() or self._session.selected
        self.nodule.clear()
        for text, id in shown:
            self.nodule.addItem(text, id)
        self.nodule.setCurrentIndex(max(self.nodule.findData(chosen), 0 if shown else -1))
        if before and self.nodule.currentData() != chosen:
            self._forget_nodule()

    def _follow_nodule(self) -> None:
        """A mark that was moved to another nodule meanwhile is one of which nothing was said."""
        finding, former = self.finding, self._about
        if finding is not None and former is not None and finding.id == former.id:
            if same_lesion(former, finding):
                return
            self._forget_nodule()
        self._about = finding

    def _on_nodule(self, _index: int) -> None:
        self._forget_nodule()
        self.refresh()

    def _forget_nodule(self) -> None:
        """What was said of another nodule does not hold for this one; the patient is the same."""
        self.rows.forget([name for name in NAMES if name not in (*PATIENT, "count")])


def _short(guideline: Guideline) -> str:
    return guideline.words.partition(" (")[0]


def _result(calculation: Calculation) -> str:
    line = calculator_line(calculation, Words(Language.EN))
    said = " ".join(part for part in (line.advice, *line.notes) if part)
    return f"{_short(calculation.guideline)}: {line.result}. {said}"


def _opinions(finding: Finding) -> dict[str, str]:
    hints = {}
    for name, attribute in RATED.items():
        value, scale = finding.attributes.get(attribute), SCALES[attribute]
        if value is not None:
            hints[name] = f"rated {value:.1f} of {scale.maximum} ({scale.low} … {scale.high})"
    return hints
