"""Choose a weights' file for a network, see which weights are in use, and compare them with the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from ...jobs import run_modes
from ...jobs.compare_weights import Compared, compare_weights
from ...jobs.worker import Steps, Worker
from ...reviewed_images import ReviewedImage
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.inference import model_store, registry
from ...training.inference.others import kinds
from ...training.inference.predictor import ModelInfo, Progress
from ...training.inference.suitability import suits
from ...training.inference.weights import WeightsError, read_own_card
from ...training.learning.learn import learners
from ..run import RunSection
from ..widgets.qt import sure
from ..widgets.section import label, set_role, tool_button
from .learning import LearnReviewed

OWN, SHIPPED, OURS = "own weights", "shipped weights", "our networks"
"""Names of the two sets that are compared; one by a network of another make has its title, beside ours."""
FILES = "Weights (*.safetensors);;All files (*)"
OTHER_FILES = "Networks (*.zip *.onnx *.container.json);;All files (*)"


@dataclass(frozen=True)
class Sets:
    """What both weights say of an image."""

    reviewed: ReviewedImage
    by_name: dict[str, Findings]
    """Two sets, by their names in the order in which they are shown."""


class WeightsChoice(QWidget):
    """A line that is seen while own weights are in use; `button`, for the section's head, opens the menu of networks.

    Parameters
    ----------
    run
        Says what Run does, and on which device.
    """

    changed = Signal()
    """Other weights are in use."""
    compared = Signal(object)
    """`Sets`: both have said what they find."""

    def __init__(self, run: RunSection) -> None:
        super().__init__()
        self._run = run
        self.reviewed: ReviewedImage | None = None
        self._comparing: ReviewedImage | None = None
        self._names = (OWN, SHIPPED)
        self.reading = Worker("The weights cannot be used", self)
        self.reading.finished.connect(self._on_read)
        self.reading.failed.connect(self._on_refused)
        self.comparing = Worker("The comparison stopped", self)
        self.comparing.progressed.connect(self._on_progress)
        self.comparing.finished.connect(self._on_compared)
        self.comparing.failed.connect(self._on_failed)
        self.comparing.cancelled.connect(partial(self._on_failed, "Cancelled.", role="faint"))
        self.changed.connect(run.show_models)
        run.started.connect(self._forget_refused)
        self.learning = LearnReviewed(run)
        self.learning.used.connect(self.load)
        self.learning.changed.connect(self._keep_in_sight)
        self.button = QToolButton()
        self.button.setText("Weights")
        self.button.setToolTip("Run a network with weights of your own, from a .safetensors file")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.button.setMenu(self.menu)
        self.words = label("", "warning", wrap=True)
        self.compare = tool_button(
            "Compare with shipped",
            "Run these and the shipped networks on this image, and list what differs in the section compare",
            self.start_comparison,
        )
        self.back = tool_button("Use shipped", "Use the shipped networks again", self._use_shipped)
        self.cancel_button = tool_button("Cancel", "Stop the comparison", self.comparing.cancel)
        self.message = label("", "faint", wrap=True)
        row = QHBoxLayout()
        for each in (self.compare, self.back, self.cancel_button):
            row.addWidget(each)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.words)
        column.addLayout(row)
        column.addWidget(self.message)
        column.addWidget(self.learning)
        self._say("")

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Show which weights are in use for another image; a comparison of the former one is dropped."""
        if self._comparing is not None and self._comparing is not reviewed:
            self.comparing.cancel()
        self.reviewed = reviewed
        self._say("")

    def abandon(self) -> None:
        """The window is going."""
        self.reading.abandon()
        self.comparing.abandon()
        self.learning.abandon()

    # ---- choosing

    def networks(self) -> tuple[ModelInfo, ...]:
        """The networks at hand that suit the image."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        return tuple(info for info in registry.models() if image is not None and suits(info, image))

    def load(self, name: str, path: Path) -> None:
        """Read a network's weights off the GUI thread, and use them once they are found to be right."""
        self._say(f"Reading {path.name} …")
        self.reading.start(partial(_read, name, path, self._run.chosen_device), str(path))

    def load_other(self, path: Path) -> None:
        """Read a network of another make off the GUI thread, and use it in the place of ours."""
        self.load("", path.resolve())

    def _fill_menu(self) -> None:
        self.menu.clear()
        networks = self.networks()
        for info in networks:
            if registry.is_other(info):
                self._entry(f"{info.title}: back to our networks", partial(self._use_shipped, info.name))
                continue
            own = info.weights is not None
            self._entry(f"{info.title}: {'another' if own else 'a'} file…", partial(self._ask, info))
            if own:
                self._entry(f"{info.title}: shipped weights", partial(self._use_shipped, info.name))
        if networks:
            self.menu.addSeparator()
            self._entry("Another network: ONNX, MONAI or container file…", self._ask_other_file)
            self._entry("Another network: MONAI bundle folder…", self._ask_other_folder)
        learning = [info for info in networks if info.name in learners()]
        if learning and not self.learning.worker.running:
            self.menu.addSeparator()
            for info in learning:
                self._entry(f"{info.title}: learn from reviewed…", partial(self._learn, info))

    def _entry(self, words: str, do: Callable[[], object]) -> None:
        sure(self.menu.addAction(words)).triggered.connect(lambda _checked=False: do())

    def _ask(self, info: ModelInfo) -> None:
        folder = str(info.weights.parent) if info.weights is not None else ""
        path, _ = QFileDialog.getOpenFileName(self, f"Weights of {info.title}", folder, FILES)
        if path:
            self.load(info.name, Path(path))

    def _ask_other_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Another network", "", OTHER_FILES)
        if path:
            self.load_other(Path(path))

    def _ask_other_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Folder of a MONAI bundle"):
            self.load_other(Path(path))

    def _learn(self, info: ModelInfo) -> None:
        image = self.reviewed.session.image if self.reviewed is not None else None
        source = image.source if image is not None else None
        self.learning.ask(info, "" if source is None else str(source.parent))

    def _on_read(self, read: tuple[str, Path]) -> None:
        name, path = read
        try:
            if name:
                registry.use_weights(name, path)
            else:
                registry.use_file(path)
        except LungmtlError as error:  # exchanged since it was read
            self._say(str(error), "error")
            return
        self._say("")
        self.changed.emit()

    def _on_refused(self, why: str) -> None:
        own = any(info.weights is not None for info in self.networks())
        self._say(f"{why} {'What is in use stays' if own else 'The shipped networks stay in use'}.", "error")

    def _forget_refused(self) -> None:
        """A run begins with what is in use: what was refused before is no word about it."""
        if not self.reading.running and not self.comparing.running:
            self._say("")

    def _use_shipped(self, name: str | None = None) -> None:
        self.comparing.cancel()
        for info in self.networks():
            if info.weights is not None and name in (None, info.name):
                registry.give_back(info.name)
        self._say("")
        self.changed.emit()

    # ---- comparing

    def start_comparison(self) -> None:
        """Run both weights on the image, as the box beside Run says."""
        reviewed, mode = self.reviewed, self._run.mode.currentData()
        image = reviewed.session.image if reviewed is not None else None
        if reviewed is None or image is None or mode is None or self.comparing.running:
            return
        if self._run.runner.running or (busy := self._run.busy()):
            self._say("A run is going on: wait for its end." if self._run.runner.running else busy, "warning")
            return
        session = reviewed.session
        chain = run_modes.chain_for(image, mode, self._run.chosen_device)
        if not any(info.weights is not None for info in chain.infos):
            self._say(
                "What Run does here takes no part with own weights: choose another in the box beside it.",
                "warning",
            )
            return
        self._comparing = reviewed
        others = [info.title for info in chain.infos if registry.is_other(info)]
        self._names = (" + ".join(others), OURS) if others else (OWN, SHIPPED)
        findings, orientation = session.findings, session.orientation
        self.comparing.start(lambda: compare_weights(image, chain, findings, orientation), image.series_uid)
        self._say("Comparing …")

    def _on_progress(self, step: Progress) -> None:
        words = f"{step.stage[:1].upper()}{step.stage[1:]} · {step.fraction:.0%}".replace("%", "\u00a0%")
        self._say(words)

    def _on_compared(self, both: Compared) -> None:
        reviewed, self._comparing = self._comparing, None
        self._say("")
        if reviewed is not None and reviewed is self.reviewed:
            self.compared.emit(Sets(reviewed, dict(zip(self._names, both, strict=True))))

    def _on_failed(self, message: str, role: str = "error") -> None:
        self._comparing = None
        self._say(message, role)

    # ---- what is shown

    def _say(self, text: str, role: str = "faint") -> None:
        own = [info for info in self.networks() if info.weights is not None]
        others = [info for info in own if registry.is_other(info)]
        weights = [info for info in own if info not in others]
        named = (("Own weights", weights), ("In the place of our networks", others))
        lines = (
            f"⚠ {what}: {', '.join(f'{i.title} {i.version}' for i in infos)}"
            for what, infos in named
            if infos
        )
        self.words.setText("\n".join(lines))
        self.words.setToolTip("\n".join(str(info.weights) for info in own))
        self.words.setVisible(bool(own))
        running = self.comparing.running
        self.compare.setVisible(bool(own) and not running)
        self.back.setVisible(bool(own) and not running)
        self.cancel_button.setVisible(running)
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setToolTip(text)  # a long one may have no room
        self.message.setVisible(bool(text))
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Be seen while there is anything to see."""
        shown = (self.words, self.message, self.learning)
        self.setVisible(any(each.isVisibleTo(self) for each in shown))


def _read(name: str, path: Path, device: str) -> Steps[tuple[str, Path]]:
    """Check a file and its card, and build the network with it: what is wrong is said now, not by the next run.

    Without a name it is one of a network of another make.
    """
    yield
    if name:
        read_own_card(path, name)
    elif not kinds.is_other(path):
        raise WeightsError(
            f"{path} is no MONAI bundle (a folder or zip), no .onnx file and no .container.json: choose one of these."
        )
    model_store.store.get(name or kinds.read_card(path).name, device, path)
    return name, path
