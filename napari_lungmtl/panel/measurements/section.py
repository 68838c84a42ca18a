"""Section *measure*: the tools, what is said of the chosen measurement, and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from ...canvas.measuring.hand import MeasuringHand
from ...jobs.worker import Worker, one_step
from ...layers import planes
from ...reviewed_images import ReviewedImage
from ...session import measuring
from ...session.session import Session
from ...shortcuts import tooltip
from ...text.measurements import summary
from ...training.error_boundary import as_sentences
from ...training.errors import LungmtlError
from ...training.findings import Finding, Measurement, Sphere
from ...training.findings.formats.json_file import SUFFIX, write_findings
from ...training.findings.measurements.csv_file import write_measurements
from ...training.findings.measurements.measurement import Kind
from ...training.findings.measurements.nodule import measure_nodule
from ...training.imaging.slab import Slab
from ..widgets.qt import sure
from ..widgets.section import Section, label, set_role, tool_button
from .table import MeasurementsTable

TOOLS: Mapping[str, tuple[Kind, str]] = {
    "line": ("line", "Line"),
    "ellipse": ("ellipse", "Ellipse"),
    "rectangle": ("rectangle", "Rectangle"),
    "angle": ("angle", "Angle"),
    "axes": ("axes", "Axes"),
}
"""Each action with its kind and what stands on its button."""
_HINTS: Mapping[str, str] = {
    "line": "Drag from one end to the other.",
    "ellipse": "Drag from corner to corner.",
    "rectangle": "Drag from corner to corner.",
    "angle": "Drag one arm, then click the end of the other.",
    "axes": "Drag the long axis; then move the ends of the short one.",
}


class MeasureSection(Section):
    """Tools and list; it owns the hand that measures on the canvas.

    Parameters
    ----------
    viewer
        The napari viewer.
    shown_slab
        As for a `MeasuringHand`.
    """

    def __init__(self, viewer: ViewerModel, shown_slab: Callable[[], Slab] = Slab) -> None:
        super().__init__("measure")
        self._viewer = viewer
        self.hand = MeasuringHand(viewer, shown_slab)
        self.hand.tool_changed.connect(self._show_tool)
        self.hand.chosen_changed.connect(self._show)
        self.work = Worker("The nodule could not be measured", self)
        self.work.finished.connect(self._keep)
        self.work.failed.connect(self._tell_failure)
        self._asked: tuple[Session, Finding] | None = None
        self.commands: dict[str, Callable[[], object]] = {
            **{f"measure {name}": partial(self._use, name) for name in TOOLS},
            "no tool": lambda: self.hand.take(None),
        }
        row = QHBoxLayout()
        row.setSpacing(0)
        self.buttons = {}
        for name, (_, face) in TOOLS.items():
            action = f"measure {name}"
            self.buttons[name] = tool_button(face, tooltip(action), self.commands[action])
            self.buttons[name].setCheckable(True)
            row.addWidget(self.buttons[name])
        row.addStretch(1)
        self.body.addLayout(row)
        self.words = label("", "faint", wrap=True)
        self.body.addWidget(self.words)
        self.table = MeasurementsTable()
        self.table.chosen.connect(self._go_to)
        self.body.addWidget(self.table)
        self.export = tool_button(
            "Export…", "Export the measurements to a table, or with the findings to a file", self._ask_where
        )
        self.delete = tool_button(
            "✕", tooltip("delete", "Delete the selected measurement"), self.delete_chosen
        )
        self.head.addWidget(self.delete)
        self.head.addWidget(self.export)

    def attach(self, window: QWidget) -> None:
        """Measure on the canvas of a window."""
        self.hand.attach(window)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show what was measured on the image, and measure on it."""
        self.work.cancel()
        self._asked = None
        self.hand.set_session(reviewed.session if reviewed is not None else None)
        if reviewed is not None:
            self.listen(reviewed.session.events.findings, self._show)
            self.listen(reviewed.session.events.image, self._show)
        self._show()

    def let_go(self) -> None:
        """Stop listening for good; no widget is touched."""
        self.work.abandon()
        self.hand.let_go()

    def delete_chosen(self) -> bool:
        """Delete the selected measurement; False where none is."""
        session, id = self._session, self.hand.chosen
        if session is None or measuring.find(session.findings, id) is None or id is None:
            return False
        measuring.remove(session, id)
        return True

    @property
    def _session(self) -> Session | None:
        return self.reviewed.session if self.reviewed is not None else None

    # ---- tools

    def _use(self, name: str) -> None:
        """Take a tool, put it away where it is in hand; the axes of a selected nodule are found without a hand."""
        session = self._session
        kind = TOOLS[name][0]
        if session is None or session.image is None or self.hand.tool == kind:
            self.hand.take(None)
            return
        if self._viewer.dims.ndisplay == 3:
            self.hand.take(None)
            show_info("In 3-D nothing can be measured: choose a plane first.")
            return
        if not session.overlays_shown:
            session.show_overlays(True)  # what is drawn must be seen
        finding = session.findings[session.selected] if session.selected is not None else None
        if kind == "axes" and finding is not None and isinstance(finding.geometry, Sphere):
            self.hand.take(None)
            self._measure(session, finding)
        else:
            self.hand.take(kind)

    def _measure(self, session: Session, finding: Finding) -> None:
        """Find a nodule's edge, off the GUI thread: half a second for a large one."""
        image = sure(session.image)
        self._asked = (session, finding)
        self.work.start(lambda: one_step(measure_nodule, image, finding.center, finding.diameter, finding.id))
        self._show()

    def _keep(self, measurement: Measurement) -> None:
        asked, self._asked = self._asked, None
        if asked is None or asked[0] is not self._session:
            return
        session, finding = asked
        now = next((f for f in session.findings if f.id == finding.id), None)
        if now is None or now.geometry != finding.geometry:  # moved or gone meanwhile
            self._show()
            return
        kept = measuring.keep(session, measurement)
        self._go_to(kept.id)

    def _tell_failure(self, sentence: str) -> None:
        self._asked = None
        self._show()
        self._say(sentence, "warning")

    # ---- what is shown

    def _show_tool(self, tool: Kind | None) -> None:
        for name, button in self.buttons.items():
            button.setChecked(TOOLS[name][0] == tool)
        self._show()

    def _show(self, _value: object = None) -> None:
        session, chosen = self._session, self.hand.chosen
        image = session.image if session is not None else None
        measurements = session.findings.measurements if session is not None else ()
        self.table.setVisible(bool(measurements))
        self.table.show_measurements(measurements, image, chosen)
        self.summary.setText(f"{len(measurements)}" if measurements else "")
        one = measuring.find(session.findings, chosen) if session is not None else None
        self.delete.setEnabled(one is not None)
        self.export.setEnabled(bool(measurements))
        for name, button in self.buttons.items():
            button.setEnabled(image is not None)
            button.setChecked(TOOLS[name][0] == self.hand.tool)
        if self.hand.tool is not None:
            self._say(f"{_HINTS[self.hand.tool]} Esc puts the tool away.")
        elif self._asked is not None:
            self._say("Looking for the nodule's edge …")
        elif one is not None and image is not None:
            said = " ".join((f"{summary(one, image.units, image.modality == 'CT')}.", *one.notes))
            self._say(said, "warning" if one.notes else "faint")
        else:
            self._say("")

    def _say(self, text: str, role: str = "faint") -> None:
        set_role(self.words, role)
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def _go_to(self, id: str) -> None:
        """Select a measurement, and show its slice."""
        session = self._session
        one = measuring.find(session.findings, id) if session is not None else None
        if one is None:
            return
        self.hand.choose(id)
        if one.axis is None or self._viewer.dims.ndisplay == 3:
            return
        plane = planes.PLANES[one.axis]
        if planes.current(self._viewer) != plane:
            planes.show(self._viewer, plane)
        middle = [sum(c) / len(one.points) for c in zip(*one.points, strict=True)]
        planes.go_to(self._viewer, middle)

    # ---- export

    def save(self, path: Path | str) -> None:
        """Write the measurements to a table, or all of the findings file where the name ends in .json; say what was done."""
        session = self._session
        if session is None:
            return
        try:
            with as_sentences(path):
                if Path(path).suffix.lower() == ".json":
                    write_findings(session.findings, path)
                else:
                    write_measurements([session.findings], path)
        except LungmtlError as error:
            self._say(str(error), "error")
            return
        n = len(session.findings.measurements)
        show_info(
            f"{Path(path).name}: {'1 measurement was' if n == 1 else f'{n} measurements were'} written."
        )

    def _ask_where(self) -> None:
        session = self._session
        if session is None:
            return
        folder = session.sidecar.parent if session.sidecar is not None else Path.home()
        kinds = f"Table of measurements (*.csv);;Findings and measurements (*{SUFFIX})"
        proposed = str(folder / "measurements.csv")
        path, _ = QFileDialog.getSaveFileName(self, "Export measurements", proposed, kinds)
        if path:
            self.save(path)
