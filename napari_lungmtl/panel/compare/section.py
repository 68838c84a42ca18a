"""Section *compare*: the truth beside the findings, live with the thresholds, and two sets of findings beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QWidget

from ...layers import planes
from ...layers.overlay_colors import TRUTH as COLOR
from ...layers.truth.layer import LOADED
from ...reviewed_images import ReviewedImage
from ...session.truth import ALL
from ...shortcuts import tooltip
from ...training.errors import LungmtlError
from ...training.findings import Finding, Findings
from ...training.findings.formats.truth.load import load_truth
from ...training.findings.truth import Truth
from ..widgets.section import Section, eliding, label, tool_button
from .counts import Counts
from .drop import FileDrop
from .memory import Memory
from .sets import SetsView

FILES = "Truth (*.xml *.json *.csv *.csv.gz *.txt *.dcm *.nii *.nii.gz *.nrrd *.mha *.mhd);;All files (*)"


class CompareSection(Section):
    """Opens a truth, counts hits, misses and false alarms, leads to each of them, and compares sets of findings."""

    changed = Signal()
    """Another truth lies beside the image, or none."""
    missed = Signal(object)
    """A nodule of the truth that no finding hits is looked at: a finding."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("compare")
        self._viewer = viewer
        self._memory = Memory()
        self.sets = SetsView(viewer, self._memory)
        self.commands: dict[str, Callable[[], object]] = {
            "next miss": self.next_miss,
            "next false alarm": self.next_false_alarm,
            "next difference": self.sets.step,
        }
        self._at: str | None = None
        self.off: Callable[[], bool] = lambda: False
        """Tells whether no truth may be shown at the moment."""
        row = QHBoxLayout()
        self.file = eliding("faint")
        self.open = tool_button(
            "Open truth…", "Lay the truth beside the image; or drop its file onto the window", self._ask
        )
        self.remove = tool_button("✕", "Take the truth away", lambda: self.set_truth(None))
        self.voice = QComboBox()
        self.voice.setToolTip("Whose truth: that of all readers together, or of one of them")
        self.voice.activated.connect(self._on_voice)
        row.addWidget(self.open)
        row.addWidget(self.file, 1)
        row.addWidget(self.voice)
        row.addWidget(self.remove)
        self.problems = label("", "warning", wrap=True)
        self.counts = Counts(self.next_miss, self._list_only)
        self.steps = QWidget()
        steps = QHBoxLayout(self.steps)
        steps.setContentsMargins(0, 0, 0, 0)
        for action, text in (("next miss", "Next miss"), ("next false alarm", "Next false alarm")):
            steps.addWidget(tool_button(text, tooltip(action), self.commands[action]))
        self.where = eliding("faint")
        steps.addWidget(self.where, 1)
        self.body.addLayout(row)
        for widget in (self.problems, self.counts, self.steps, self.sets):
            self.body.addWidget(widget)
        self.drop = FileDrop(self._load)
        self.drop.watch(self)
        self._viewer.layers.events.inserted.connect(self._on_inserted)
        self.set_open(False)
        self._show()

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show the truth of another image, and what became of its findings."""
        self._at = None
        self.sets.set_reviewed(reviewed)
        if reviewed is not None:
            events = reviewed.truth.events
            for signal in (events.truth, events.outcomes, events.filter):
                self.listen(signal, self._show)
            self.listen(reviewed.session.events.thresholds, self._show_summary)
            self._memory.recall_truth(reviewed, self.set_truth)
        self._show()

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        super().release()
        self.sets.release()

    def let_go(self) -> None:
        """The dock goes, and the viewer may stay."""
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    # ---- the truth

    def set_truth(self, truth: Truth | None) -> None:
        """Lay a truth beside the image under review, or take it away."""
        if self.reviewed is None:
            return
        if truth is not None and self.off():  # before it is drawn, counted in the legend, or remembered
            show_warning("No truth is shown in a reader study.")
            return
        self._at = None
        self.reviewed.truth.set(truth)
        flat = self.reviewed.radiograph is not None
        if truth is None:
            self.reviewed.legend = None
        else:
            count = len(truth.nodules)
            nodules = f"{count} nodule" + ("" if count == 1 else "s")
            self.reviewed.legend = "[ ]" if flat else "□", f"truth: {nodules}", COLOR
            self.set_open(True)
        self._memory.keep_truth(self.reviewed)
        self.changed.emit()

    def show_set(self, name: str, findings: Findings, doubt: str = "") -> None:
        """Compare the findings with a set from a file."""
        self.set_open(True)
        self.sets.add(name, findings, doubt)

    def load(self, path: Path) -> bool:
        """Read a file as the truth of the image under review; whether it could be read. What was there stays where it cannot."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        if image is None:
            self._tell("Open an image first: the truth lies beside one.")
            return False
        try:
            truth = load_truth(path, image)
        except LungmtlError as error:
            self.set_open(True)
            self._tell(str(error))
            return False
        self.set_truth(truth)
        return True

    def _load(self, path: Path) -> None:
        self.load(path)

    def _ask(self) -> None:
        image = self.reviewed.session.image if self.reviewed is not None else None
        folder = str(Path(image.source).parent) if image is not None and image.source else ""
        path, _ = QFileDialog.getOpenFileName(self, "Truth of this image", folder, FILES)
        if path:
            self.load(Path(path))

    def _on_inserted(self, event: object) -> None:
        """A truth came by napari's own way (dropped onto the canvas, or File → Open): its layer becomes ours."""
        layer: Layer = event.value  # type: ignore[attr-defined]
        truth = layer.metadata.get(LOADED)
        if isinstance(truth, Truth):
            QTimer.singleShot(0, lambda: self._adopt(layer, truth))

    def _adopt(self, layer: Layer, truth: Truth) -> None:
        image = self.reviewed.session.image if self.reviewed is not None else None
        if image is None or layer not in self._viewer.layers:
            return
        self._viewer.layers.remove(layer)
        self.set_truth(truth)

    def _on_voice(self, place: int) -> None:
        if self.reviewed is not None:
            self.reviewed.truth.choose(self.voice.itemText(place))
            self._memory.keep_truth(self.reviewed)

    def _list_only(self, outcome: object) -> None:
        if self.reviewed is not None:
            self.reviewed.truth.list_only(outcome)  # type: ignore[arg-type]
            self._memory.keep_truth(self.reviewed)

    # ---- steps

    def next_miss(self) -> None:
        """Look at the next nodule that no shown finding hits, round at the end."""
        review = self.reviewed.truth if self.reviewed is not None else None
        missed = review.missed if review is not None else ()
        if not missed:
            show_info(
                "No nodule of the truth is missed."
                if review and review.truth
                else "There is no truth to compare with."
            )
            return
        ids = [f.id for f in missed]
        place = (ids.index(self._at) + 1) % len(ids) if self._at in ids else 0
        self._at = ids[place]
        self.look_at(missed[place])
        self.where.setText(f"◇ {place + 1} of {len(ids)}")
        self.where.setToolTip(self._words(missed[place]))
        self.missed.emit(missed[place])

    def next_false_alarm(self) -> None:
        """Select the next false alarm, round at the end."""
        review = self.reviewed.truth if self.reviewed is not None else None
        false = [f.id for f in review.false_alarms] if review is not None else []
        if self.reviewed is None or not false:
            show_info(
                "No finding is a false alarm."
                if review and review.truth
                else "There is no truth to compare with."
            )
            return
        session = self.reviewed.session
        place = (false.index(session.selected) + 1) % len(false) if session.selected in false else 0
        session.select(false[place])
        self.where.setText(f"✕ {place + 1} of {len(false)}")

    def look_at(self, finding: Finding) -> None:
        """Move the view to a finding that need not be the session's."""
        if finding.box is not None:
            planes.go_to_box(self._viewer, finding.box.low, finding.box.high)
        else:
            planes.go_to(self._viewer, finding.center)

    def _words(self, finding: Finding) -> str:
        assert self.reviewed is not None
        image = self.reviewed.session.image
        place = self.reviewed.truth.place(finding)
        unit = "mm" if image is not None and image.spacing is not None else "px"
        return f"Ø {place[-1]:.1f} {unit}"

    # ---- what is shown

    def _tell(self, words: str) -> None:
        self.problems.setText(words)
        self.problems.setToolTip(words)
        self.problems.setVisible(bool(words))

    def _show(self) -> None:
        review = self.reviewed.truth if self.reviewed is not None else None
        truth = review.loaded if review is not None else None
        self.open.setEnabled(review is not None)
        self.file.setText(Path(truth.source).name if truth is not None and truth.source else "")
        self.file.setToolTip(truth.source if truth is not None else "")
        for widget in (self.remove, self.counts, self.steps):
            widget.setVisible(truth is not None)
        self._show_voices(truth, review.voice if review is not None else ALL)
        problems = truth.problems if truth is not None else ()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        short = (
            problems[0].replace(truth.source, Path(truth.source).name)
            if problems and truth is not None
            else ""
        )
        self._tell(f"{short}{more}")
        self.problems.setToolTip("\n".join(problems))
        if review is not None and truth is not None:
            self.counts.show_review(review)
        else:
            self.where.setText("")
        self._show_summary()

    def _show_voices(self, truth: Truth | None, voice: str) -> None:
        names = [ALL, *truth.readers] if truth is not None and truth.readers else []
        if names != [self.voice.itemText(i) for i in range(self.voice.count())]:
            self.voice.clear()
            self.voice.addItems(names)
        self.voice.setCurrentText(voice)
        self.voice.setVisible(bool(names))

    def _show_summary(self) -> None:
        review = self.reviewed.truth if self.reviewed is not None else None
        if review is None or review.truth is None:
            self.summary.setText("")
            return
        total, missed = len(review.truth.nodules), len(review.missed)
        self.summary.setText(f"{total - missed} of {total} found, {len(review.false_alarms)} false")
