"""MT-CNN's nine views of a nodule, each beside the picture that the network made of it again.

The pictures are computed in a worker, once they are asked for; a finding that was left in the meantime gets none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from napari.qt.threading import FunctionWorker, create_worker
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ...training.findings import Finding
from ...training.imaging.image import Image
from ..section import eliding, label, set_role

log = logging.getLogger("napari_lungmtl")

Reconstruct = Callable[[Image, Finding], tuple[np.ndarray, np.ndarray, tuple[str, ...]]]
"""(image, finding) to views (9, n, n), reconstructions (9, n, n), both 0–1, and the views' names."""

COLUMNS = 3
SIDE = 54
"""Logical pixels of one picture."""


def reconstruct(
    image: Image, finding: Finding, device: str = "auto"
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """MT-CNN's views and reconstructions; imports torch, so only ever called in a worker."""
    from ...training.inference.chain import reconstruct as run

    return run(image, finding, device)


class _Request(NamedTuple):
    image: Image
    finding: Finding


@dataclass(frozen=True)
class Answer:
    """What a worker brings back: the arrays and names, or a sentence."""

    views: np.ndarray | None = None
    again: np.ndarray | None = None
    names: tuple[str, ...] = ()
    message: str = ""


def _work(reconstruct: Reconstruct, request: _Request) -> Answer:
    """Never raises: an exception that leaves a worker may end the process."""
    try:
        views, again, names = reconstruct(*request)
    except Exception as error:
        log.exception("reconstruction of finding %s failed", request.finding.id)
        return Answer(message=f"The views could not be computed: {error or type(error).__name__}")
    return Answer(np.asarray(views), np.asarray(again), tuple(names))


class Reconstructions(QObject):
    """Asks for the views of one finding after the other, off the GUI thread: only the latest wish counts.

    Parameters
    ----------
    reconstruct
        What computes them.
    """

    ready = Signal(object)  # Answer

    def __init__(self, reconstruct: Reconstruct, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reconstruct = reconstruct
        self._wanted: _Request | None = None
        self._running: _Request | None = None
        self._worker: FunctionWorker | None = None

    def ask(self, image: Image, finding: Finding) -> None:
        """Wish for a finding's views; `ready` brings them, unless another wish or `forget` comes first."""
        running = self._running
        if running is not None and running.image is image and running.finding == finding:
            self._wanted = running  # left and come back to
            return
        self._wanted = _Request(image, finding)
        if running is None:
            self._start()

    def forget(self) -> None:
        """Nothing is wanted any more; what is being computed is dropped when it arrives."""
        self._wanted = None

    def _start(self) -> None:
        self._running = self._wanted
        self._worker = create_worker(_work, self._reconstruct, self._running)
        self._worker.returned.connect(self._on_returned)
        self._worker.start()

    def _on_returned(self, answer: Answer) -> None:
        self._worker, self._running, ran = None, None, self._running
        if self._wanted is ran:
            self._wanted = None
            self.ready.emit(answer)
        elif self._wanted is not None:  # one at a time: workers for findings that were left would pile up
            self._start()


class ViewGrid(QWidget):
    """Three by three pairs: what the network saw on the left, what it made of it on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.message = label("", "faint", wrap=True)
        self._pairs = QWidget()
        grid = QGridLayout(self._pairs)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self.names, self.pictures = [], []
        for number in range(9):
            name = eliding("faint")
            name.setAlignment(Qt.AlignmentFlag.AlignCenter)
            pair = (QLabel(), QLabel())
            row = QHBoxLayout()
            row.setSpacing(1)
            for picture in pair:
                picture.setFixedSize(SIDE, SIDE)
                row.addWidget(picture)
            place, column = 2 * (number // COLUMNS), number % COLUMNS
            grid.addWidget(name, place, column)
            grid.addLayout(row, place + 1, column)
            self.names.append(name)
            self.pictures.append(pair)
        grid.setColumnStretch(COLUMNS, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.message)
        layout.addWidget(self._pairs)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self.say("")

    def say(self, text: str, role: str = "faint") -> None:
        """A sentence instead of pictures."""
        set_role(self.message, role)
        self.message.setText(text)
        self._pairs.hide()

    def show_answer(self, answer: Answer) -> None:
        """Show the pictures, or why there are none."""
        if answer.views is None or answer.again is None:
            self.say(answer.message, "warning")
            return
        self.say("Each pair: what the network saw, and what it drew again from that.")
        for pair, name, text, view, again in zip(
            self.pictures, self.names, answer.names, answer.views, answer.again, strict=False
        ):
            name.setText(short(text))
            name.setToolTip(text)
            for picture, values in zip(pair, (view, again), strict=True):
                picture.setPixmap(_pixmap(values, self.devicePixelRatioF()))
        self._pairs.show()


def short(view: str) -> str:
    """A view's name in the width of a pair: ``ax–cor +45°`` for ``axial–coronal +45°``."""
    if "–" not in view:
        return view
    return view.replace("axial", "ax").replace("coronal", "cor").replace("sagittal", "sag")


def _pixmap(values: np.ndarray, ratio: float) -> QPixmap:
    """A square of values 0–1, in the side of the grid."""
    levels = np.ascontiguousarray(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)
    height, width = levels.shape
    drawn = QImage(levels.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
    side = round(SIDE * ratio)
    smooth = Qt.TransformationMode.SmoothTransformation
    drawn = drawn.scaled(side, side, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    drawn.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(drawn)
