"""Learn from reviewed studies: a folder is chosen, a network learns in the background, and says before and after."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from functools import partial
from pathlib import Path

from platformdirs import user_data_path
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ...jobs.worker import Worker
from ...training.inference.predictor import ModelInfo, Progress
from ...training.learning.learn import Learned, learn
from ..run import RunSection
from ..widgets.section import label, set_role, tool_button


class LearnReviewed(QWidget):
    """Lines that are seen while a network learns from reviews, and when it has.

    Parameters
    ----------
    run
        Says on which device.
    """

    used = Signal(str, object)
    """A person wants the weights that were learnt: the network's name, and the file."""
    changed = Signal()
    """There is something else to see, or nothing any more."""

    def __init__(self, run: RunSection) -> None:
        super().__init__()
        self._run = run
        self._title = ""
        self.learned: Learned | None = None
        self.worker = Worker("Learning stopped", self)
        self.worker.progressed.connect(self._on_progress)
        self.worker.finished.connect(self._on_learned)
        self.worker.failed.connect(partial(self._show, role="error"))
        self.worker.cancelled.connect(
            partial(
                self._show,
                "Cancelled; begun again with the same folder, it goes on where it stood.",
                role="faint",
            )
        )
        self.words = label("", "faint", wrap=True)
        self.use = tool_button("Use learnt", "Run the network with the weights that were learnt", self._use)
        self.cancel_button = tool_button("Cancel", "Stop learning", self.worker.cancel)
        self.close_button = tool_button(
            "Close", "Put this away; the weights stay where they are", self._put_away
        )
        row = QHBoxLayout()
        for each in (self.use, self.cancel_button, self.close_button):
            row.addWidget(each)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.words)
        column.addLayout(row)
        self._show("")

    def ask(self, info: ModelInfo, folder: str) -> None:
        """Ask for a folder of reviewed studies, and learn from them."""
        if self.worker.running:
            return
        chosen = QFileDialog.getExistingDirectory(self, f"Reviewed studies for {info.title}", folder)
        if chosen:
            self.start(info, Path(chosen))

    def start(self, info: ModelInfo, folder: Path) -> None:
        """Let a network learn from the reviewed studies in a folder."""
        self._title, self.learned = info.title, None
        out, device = place_of(info.name, folder), self._run.chosen_device
        self.worker.start(
            lambda: learn(info.name, [folder], out.with_name(_stamped(out)), device=device, kept=out),
            str(folder),
        )
        self._show(f"{self._title} learns …")

    def abandon(self) -> None:
        """The window is going."""
        self.worker.abandon()

    def _on_progress(self, step: Progress) -> None:
        self._show(f"{self._title} learns: {step.stage} · {step.fraction:.0%}".replace("%", "\u00a0%"))

    def _on_learned(self, learned: Learned) -> None:
        self.learned = learned
        said = [f"{self._title}: {learned.verdict.headline}"]
        said += [c.sentence[:1].upper() + c.sentence[1:] for c in learned.verdict.comparisons]
        if learned.passed_over:
            said.append(f"Studies that could not be used: {len(learned.passed_over)}.")
        self._show("\n".join(said), "faint" if learned.verdict.recommended else "warning")
        self.words.setToolTip(
            "\n".join((learned.lesson, f"Written to {learned.weights}", *learned.passed_over))
        )

    def _use(self) -> None:
        if self.learned is not None:
            learned, self.learned = self.learned, None
            self._show("")
            self.used.emit(learned.network, learned.weights)

    def _put_away(self) -> None:
        self.learned = None
        self._show("")

    def _show(self, text: str, role: str = "faint") -> None:
        running = self.worker.running
        set_role(self.words, role)
        self.words.setText(text)
        self.words.setToolTip("")
        self.cancel_button.setVisible(running)
        self.close_button.setVisible(bool(text) and not running)
        self.use.setVisible(self.learned is not None and self.learned.verdict.recommended)
        self.setVisible(bool(text))
        self.changed.emit()


def place_of(name: str, folder: Path) -> Path:
    """Where what is learnt from a folder is kept: among the user's own data, whether or not the folder may be written."""
    digest = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=3).hexdigest()
    own = user_data_path("napari-lungmtl", appauthor=False) / "learned" / name
    return own / f"{folder.name or 'studies'}-{digest}"


def _stamped(out: Path) -> str:
    """Weights in use are not written over: each learning has a folder of its own, by which findings name them."""
    return f"{out.name}-{datetime.now():%Y%m%d-%H%M%S}"
