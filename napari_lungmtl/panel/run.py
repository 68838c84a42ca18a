"""Section *run*: one button, which model on which device, how far it is, and what went wrong."""

from __future__ import annotations

import logging
import math
import time
from functools import partial

from napari.qt.threading import create_worker
from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QPushButton, QWidget

from ..runner import Runner
from ..session import Thresholds
from ..training.engine import registry
from ..training.engine.predictor import ModelInfo, Progress
from ..training.findings import Findings
from ..training.imaging.image import Image
from .section import Section, label, set_role
from .studies import Study

log = logging.getLogger("napari_lungmtl")


class DeviceBox(QComboBox):
    """``auto`` and ``cpu``, and what else torch knows once someone looks: importing torch takes seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.addItems(["auto", "cpu"])
        self.setToolTip("Where the network runs; auto takes the fastest")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._asked = False

    def showPopup(self) -> None:
        """Open the list, and find the machine's devices off the GUI thread when it is opened first."""
        super().showPopup()
        if not self._asked:
            self._asked = True
            worker = create_worker(_devices)
            worker.returned.connect(self._add)
            worker.start()

    def _add(self, devices: list[str]) -> None:
        self.addItems([d for d in devices if self.findText(d) < 0])


def _devices() -> list[str]:
    """What torch can use; nothing where torch cannot be imported (an exception in a worker may end the process)."""
    try:
        return registry.devices()
    except Exception:
        log.exception("devices cannot be listed")
        return []


class RunSection(Section):
    """Runs a model on the study that the dock acts on; the result goes to that study, whichever is looked at then."""

    finished = Signal(object)  # Study

    def __init__(self) -> None:
        super().__init__("run")
        self.runner = Runner(self)
        self._running: Study | None = None
        self._since: tuple[float, float] | None = None
        self._started = 0.0
        self._build()
        self.runner.progressed.connect(self._on_progress)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _build(self) -> None:
        self.button = QPushButton("Run")
        self.button.setObjectName("primary")
        self.button.clicked.connect(self.start)
        self.model = QComboBox()
        self.model.setToolTip("Which network looks at the image")
        self.model.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.currentIndexChanged.connect(self._show_purpose)
        self.device = DeviceBox()
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.model, 1)
        row.addWidget(self.device)
        self.body.addLayout(row)
        self.purpose = label("", "faint", wrap=True)
        self.body.addWidget(self.purpose)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stage = label("", wrap=True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.cancel_button.clicked.connect(self.cancel)
        self._progress = QWidget()
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.addWidget(self.stage, 1)
        progress.addWidget(self.cancel_button)
        self.body.addWidget(self.bar)
        self.body.addWidget(self._progress)
        self.message = label("", wrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self.message)
        self._say("")
        self._show_running()

    def follow(self, study: Study | None) -> None:
        """Offer the models that suit the study's image."""
        if study is not None:
            self.listen(study.session.events.image, self._show_models)
        self._show_models(study.session.image if study is not None else None)
        if not self.runner.running:
            self._say("")

    def start(self) -> None:
        """Run the chosen model on the study."""
        study, info = self.study, self.model.currentData()
        if study is None or study.session.image is None or info is None or self.runner.running:
            return
        self._running, self._since, self._started = study, None, time.monotonic()
        self._info = info
        self._say("")
        load = partial(registry.load_predictor, info.name, device=self.device.currentText())
        self.runner.start(load, study.session.image)
        self._on_progress(Progress(0.0, "starting"))
        self._show_running()

    def cancel(self) -> None:
        """Stop; the session stays as it is."""
        self.runner.cancel()

    def forget(self, study: Study) -> None:
        """The study's image is gone: stop a run on it."""
        if study is self._running:
            self.runner.cancel()

    def _show_models(self, image: Image | None) -> None:
        infos = models_for(image) if image is not None else ()
        self.model.blockSignals(True)
        self.model.clear()
        for info in infos:
            self.model.addItem(info.title, info)
        self.model.blockSignals(False)
        self._show_purpose()
        self._show_running()

    def _show_purpose(self, _index: int = 0) -> None:
        info: ModelInfo | None = self.model.currentData()
        image = self.study.session.image if self.study is not None else None
        if info is not None:
            self.purpose.setText(info.purpose)
        elif image is not None:
            kind = image.modality or ("volume" if image.ndim == 3 else "radiograph")
            self.purpose.setText(f"There is no model for this kind of image ({kind}, {image.ndim}-D).")
        else:
            self.purpose.setText("")
        self.purpose.setVisible(bool(self.purpose.text()))

    def _show_running(self) -> None:
        running = self.runner.running
        self.button.setEnabled(not running and self.model.count() > 0)
        self.button.setToolTip("A run is going on" if running else "Find nodules in this image")
        self.bar.setVisible(running)
        self._progress.setVisible(running)
        self.summary.setText(
            f"on “{self._running.layer.name}”" if running and self._running is not None else ""
        )

    def _on_progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._since is None and progress.fraction > 0:
            self._since = now, progress.fraction
        self.bar.setValue(round(1000 * progress.fraction))
        parts = [f"{progress.stage} {progress.fraction:.0%}".replace("%", " %")]
        if self._since is not None and now - self._since[0] > 0.5 and progress.fraction > self._since[1]:
            speed = (progress.fraction - self._since[1]) / (now - self._since[0])
            parts.append(f"{clock(math.ceil((1 - progress.fraction) / speed))} left")
        if progress.findings is not None:
            parts.append(f"{len(progress.findings)} so far")
        self.stage.setText(" · ".join(parts))
        if progress.note:
            self._say(progress.note, "warning")
            show_warning(progress.note)

    def _on_finished(self, findings: Findings) -> None:
        study, self._running = self._running, None
        took = time.monotonic() - self._started
        self._show_running()
        if study is None:
            return
        if study.session.thresholds == Thresholds():  # nobody has moved them
            study.session.set_thresholds(score=self._info.default_threshold)
        study.session.replace_findings(findings)
        if self.message.property("role") != "warning":  # a note of the run stays
            self._say(
                f"Done in {clock(took)}: {len(study.session.visible)} shown of {len(findings)}.", "faint"
            )
        self.finished.emit(study)

    def _on_failed(self, message: str) -> None:
        self._running = None
        self._show_running()
        self._say(message, "error")
        show_error(message)

    def _on_cancelled(self) -> None:
        self._running = None
        self._show_running()
        self._say("Cancelled. Nothing was changed.", "faint")

    def _say(self, text: str, role: str = "") -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))


def models_for(image: Image) -> tuple[ModelInfo, ...]:
    """Models for an image's modality; where the file does not say, volumes count as CT and flat images as radiographs."""
    modalities = {image.modality} if image.modality else ({"CT"} if image.ndim == 3 else {"CR", "DX"})
    return tuple(info for info in registry.models() if modalities & set(info.modalities))


def clock(seconds: float) -> str:
    """``0:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
