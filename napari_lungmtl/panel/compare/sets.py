"""Two sets of findings beside each other: a list of what differs, steps from one to the next, and one set made of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...layers import planes
from ...layers.follower import coalesced
from ...reviewed_images import ReviewedImage
from ...session.review import passes
from ...session.sets import SHOWN, as_mark, sets_of
from ...shortcuts import tooltip
from ...training.comparison.differences import WORDS, Difference, Kind, are_near, differences
from ...training.comparison.merge import merged
from ...training.errors import LungmtlError
from ...training.findings import Finding, Findings, new_id
from ...training.findings.formats.truth.load import load_truth
from ..widgets.quiet_list import QuietList
from ..widgets.section import label, tool_button
from .memory import Compared, Memory

FILE = "a file…"
SYMBOLS = {Kind.ONLY_A: "A", Kind.ONLY_B: "B", Kind.SAME: "="}
ROWS = 5
"""Rows of the list that are seen at once."""
REST_MS = 150
"""Milliseconds after the last change of findings or thresholds until the sets are compared again."""


class SetsView(QWidget):
    """Chooses sets A and B, and walks through what differs; B's findings can be taken into the session in one step."""

    def __init__(self, viewer: ViewerModel, memory: Memory) -> None:
        super().__init__()
        self._viewer, self._memory = viewer, memory
        self._of = Compared()
        self.reviewed: ReviewedImage | None = None
        self._runs: dict[str, Findings] = {}
        self._connections: list[object] = []
        self.differences: list[Difference] = []
        self._later = coalesced(
            self._list_if_seen, REST_MS
        )  # a threshold that is dragged does not wait for it
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        self.a, self.b = QComboBox(), QComboBox()
        for name, box in (("A", self.a), ("B", self.b)):
            row.addWidget(QLabel(name))
            row.addWidget(box, 1)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            box.activated.connect(lambda _place, box=box: self._on_chosen(box))
        column.addLayout(row)
        self.words = label("", "faint", wrap=True)
        column.addWidget(self.words)
        self.list = QuietList()
        self.list.currentRowChanged.connect(self._on_row)
        column.addWidget(self.list)
        buttons = QHBoxLayout()
        self.next = tool_button("Next difference", tooltip("next difference"), self.step)
        self.take = tool_button(
            "Take B's", "Make the selected difference as B has it; it can be undone", self.take_one
        )
        self.merge = tool_button(
            "Merge B",
            "Add all findings that only B has, and what a person changed in B; it can be undone",
            self.merge_all,
        )
        for button in (self.next, self.take, self.merge):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self._list_sets()

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Show the sets of another image."""
        self.reviewed = reviewed
        self._of = self._memory.of(reviewed)
        self._runs = {}
        if reviewed is not None:
            for signal in (
                reviewed.session.events.findings,
                reviewed.session.events.thresholds,
                reviewed.truth.events.truth,
            ):
                signal.connect(self._on_session)
                self._connections.append(signal)
        chosen = self._of.chosen
        self._list_sets()
        if chosen is not None and set(chosen) <= set(self._sets()):
            self.choose(*chosen)

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        for signal in self._connections:
            signal.disconnect(self._on_session)  # type: ignore[attr-defined]
        self._connections = []
        self._later.stop()

    def open(self, path: Path) -> bool:
        """Read a file as a set, and choose it as B; whether it could be read."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        if image is None:
            return False
        try:
            truth = load_truth(path, image)
        except LungmtlError as error:
            self.words.setText(str(error))
            return False
        self._of.files |= {f"{path.name}: {name}": found for name, found in truth.readers.items()}
        rejected = (f for f in truth.excluded if f.status == "rejected")  # a reader's decisions too
        found = truth.nodules.with_items((*truth.nodules, *rejected, *truth.unreviewed))
        self.add(path.name, found, " ".join(truth.problems))
        return True

    def add(self, name: str, findings: Findings, doubt: str = "") -> None:
        """Compare with a set, by its name; `doubt` says what is wrong with it."""
        self._of.doubts[name] = doubt
        self._of.files[name] = findings
        self._list_sets()
        self.choose(self.a.currentText(), name)

    def show_runs(self, a: str, b: str, runs: Mapping[str, Findings]) -> None:
        """Compare what two runs found, as far as the thresholds let it be seen, without taking it into the session."""
        self._runs = dict(runs)
        self._list_sets()
        self.choose(a, b)

    def choose(self, a: str, b: str) -> None:
        """Compare two sets by their names."""
        self.a.setCurrentText(a)
        self.b.setCurrentText(b)
        self._compare()

    def step(self) -> None:
        """Go to the next difference, round at the end; what both have is passed over."""
        if self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + 1) % self.list.count())

    def take_one(self) -> None:
        """Make the selected difference in the session as B has it."""
        row = self.list.currentRow()
        session = self.reviewed.session if self.reviewed is not None else None
        if session is None or not 0 <= row < len(self.differences):
            return
        one = self.differences[row]
        known = {f.id: f for f in session.findings}
        if one.b is None:
            return
        ours = known.get((one.a or one.b).id)
        if one.a is None and ours is not None and not are_near(ours, one.b):
            ours = None  # files may give one id to two lesions
        if ours is not None:
            before = session.findings
            session.change(ours.id, **_as_b(ours, one))
            if session.findings is before:
                show_info("The findings have it as B does: a threshold hides it.")
        elif one.a is None:
            theirs = as_mark(one.b)
            session.edit(add=[theirs.with_(id=new_id()) if theirs.id in known else theirs])

    def merge_all(self) -> None:
        """Take into the session all that only B has, and what a person changed there, as one step that can be undone."""
        session = self.reviewed.session if self.reviewed is not None else None
        b = self._sets().get(self.b.currentText())
        if session is None or b is None:
            return
        known = {f.id: f for f in session.findings}
        both = merged(session.findings, b)
        fresh = [as_mark(f) for f in both if f.id not in known]
        changed = [
            as_mark(f).with_(number=known[f.id].number) for f in both if f.id in known and f != known[f.id]
        ]
        session.edit(add=fresh, change=changed)

    # ---- what is shown

    def _sets(self) -> dict[str, Findings]:
        if self.reviewed is None:
            return {}
        session = self.reviewed.session
        runs = {
            name: found.with_items(tuple(f for f in found if passes(f, session.thresholds)))
            for name, found in self._runs.items()
        }
        return sets_of(session, self.reviewed.truth.loaded, self._of.files) | runs

    def _list_sets(self) -> None:
        """Offer the sets that there are; what was chosen stays where it still is."""
        names = list(self._sets())
        for box, first in ((self.a, 0), (self.b, min(1, len(names)))):
            chosen = box.currentText()
            items = [*names, FILE] if names else []
            if items != [box.itemText(i) for i in range(box.count())]:
                box.clear()
                box.addItems(items)
                box.setCurrentIndex(items.index(chosen) if chosen in names else first)
            box.setEnabled(bool(items))
        self._compare()

    def _on_session(self) -> None:
        self._later.start()

    def _list_if_seen(self) -> None:
        if self.isVisible():
            self._list_sets()

    def showEvent(self, event: object) -> None:
        """What changed while the section was folded is compared now."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._list_sets()

    def _on_chosen(self, box: QComboBox) -> None:
        if box.currentText() != FILE:
            self._compare()
            return
        path, _ = QFileDialog.getOpenFileName(self, "A set of findings of this image")
        other = self.a.currentText() if box is self.b else self.b.currentText()
        if path and self.open(Path(path)) and box is self.a:
            self.choose(Path(path).name, other)
        elif not path:
            box.setCurrentIndex(0)

    def _compare(self) -> None:
        sets = self._sets()
        a, b = (sets.get(box.currentText()) for box in (self.a, self.b))
        found = differences(a, b) if a is not None and b is not None else []
        self.differences = [one for one in found if not one.same]
        blocked = self.list.blockSignals(True)
        row = self.list.currentRow()
        self.list.clear()
        self.list.addItems([self._line(one) for one in self.differences])
        self.list.setCurrentRow(row if row < self.list.count() else -1)
        self.list.blockSignals(blocked)
        self.list.setVisible(bool(self.differences))
        self.list.setFixedHeight(4 + self.list.sizeHintForRow(0) * min(max(self.list.count(), 1), ROWS))
        same = len(found) - len(self.differences)
        said = [f"{same} alike, {len(self.differences)} differ"] if found else []
        chosen = self._of.chosen = (self.a.currentText(), self.b.currentText())
        said += [
            doubt
            for name, doubt in self._of.doubts.items()
            if doubt and any(c.startswith(name) for c in chosen)
        ]
        self.words.setText("\n".join(said))
        self.words.setVisible(bool(said))
        for button in (self.next, self.take, self.merge):
            button.setVisible(bool(self.differences))
        ours = self.a.currentText() == SHOWN
        self.take.setEnabled(ours and self.list.currentRow() >= 0)
        self.merge.setEnabled(ours and any(one.b is not None for one in self.differences))

    def _line(self, one: Difference) -> str:
        image = self.reviewed.session.image if self.reviewed is not None else None
        place = ""
        center = one.finding.center
        if image is not None and image.ndim == 3:
            place = f"slice {round((center[0] - image.origin[0]) / image.scale[0]) + 1}, "
        sizes = " → ".join(f"{f.diameter:.1f}" for f in (one.a, one.b) if f is not None)
        units = "mm" if image is None or image.spacing is not None else "px"
        decided = ""
        if one.a is not None and one.b is not None and Kind.DECISION in one.kinds:
            decided = f", {one.a.status} → {one.b.status}"
        return f"{', '.join(one.kinds)}: {place}Ø {sizes} {units}{decided}"

    def _on_row(self, row: int) -> None:
        self.take.setEnabled(self.a.currentText() == SHOWN and 0 <= row < len(self.differences))
        if not 0 <= row < len(self.differences):
            return
        finding = self.differences[row].finding
        session = self.reviewed.session if self.reviewed is not None else None
        if session is not None and any(f.id == finding.id for f in session.findings):
            session.select(finding.id)
        elif finding.box is not None:
            planes.go_to_box(self._viewer, finding.box.low, finding.box.high)
        else:
            planes.go_to(self._viewer, finding.center)


def _as_b(ours: Finding, one: Difference) -> dict[str, Any]:
    """Fields that make a finding of the session as B has it; who decided on another finding has not decided on this one."""
    assert one.b is not None
    fields: dict[str, Any] = {"geometry": one.b.geometry}
    if one.b.malignancy is not None:
        fields["malignancy"] = one.b.malignancy
    if ours.id == one.b.id or Kind.DECISION in one.kinds:
        fields |= {name: getattr(one.b, name) for name in ("status", *WORDS)}
    return fields
