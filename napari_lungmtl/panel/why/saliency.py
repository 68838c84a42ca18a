"""The switch that lays over the close-ups what the malignancy of the selected nodule hangs on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QCheckBox

from ...jobs.worker import Worker, one_step
from ...training.crossval.saliency import saliency
from ...training.findings import Finding, Sphere
from ...training.imaging.image import Image

Compute = Callable[[Image, Finding], Image]


class SaliencySwitch(QCheckBox):
    """Asks for the map of the selected sphere while it is on, one at a time, off the GUI thread."""

    ready = Signal(object)
    """The map (Image), or None to show none."""
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None, compute: Compute = saliency) -> None:
        super().__init__("Close-ups: what malignancy hangs on")
        self.setToolTip(
            "Lay over the close-ups of the selected nodule how strongly each voxel moves the networks' malignancy (gradient)"
        )
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.compute = compute
        self._image: Image | None = None
        self._finding: Finding | None = None
        self._worker = Worker("The map cannot be computed", self)
        self._worker.finished.connect(self.ready)
        self._worker.failed.connect(self.failed)
        self.toggled.connect(self._ask)

    def show_finding(self, image: Image | None, finding: Finding | None) -> None:
        """Another finding is selected, or none, or it was changed."""
        fits = (
            image is not None
            and image.ndim == 3
            and finding is not None
            and isinstance(finding.geometry, Sphere)
        )
        self.setEnabled(fits)
        before = self._finding.geometry if self._finding is not None else None
        after = finding.geometry if finding is not None and fits else None
        same = image is self._image and before == after
        self._image, self._finding = (image, finding) if fits else (None, None)
        if not same:
            self._ask()

    def forget(self) -> None:
        """Let go of what is being computed."""
        self._worker.abandon()

    def _ask(self, _on: bool = False) -> None:
        self._worker.cancel()
        self.ready.emit(None)
        if self.isChecked() and self._image is not None and self._finding is not None:
            self._worker.start(partial(one_step, self.compute, self._image, self._finding))
