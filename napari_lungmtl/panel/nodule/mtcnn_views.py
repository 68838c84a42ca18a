"""MT-CNN's nine views of a nodule, each beside the picture that the network made of it again.

The pictures are computed in a worker, once they are asked for; a finding that was left in the meantime gets none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal, SignalInstance
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ...jobs.worker import Worker, one_step
from ...training.findings import Finding
from ...training.imaging.image import Image
from ..widgets.section import eliding, label, set_role

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


class Reconstructions(QObject):
    """Asks for the views of one finding after the other, off the GUI thread: only the latest wish counts.

    Parameters
    ----------
    reconstruct
        What computes them.
    """

    ready = Signal(object)
    """What `reconstruct` returned."""
    failed = Signal(str)
    """A sentence for the person."""

    def __init__(self, reconstruct: Reconstruct, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reconstruct = reconstruct
        self._wish: _Request | None = None
        self._request: _Request | None = None
        self._worker = Worker("The views could not be computed", self)
        self._worker.finished.connect(partial(self._on_ended, self.ready))
        self._worker.failed.connect(partial(self._on_ended, self.failed))

    @property
    def busy(self) -> bool:
        """Whether views are being computed, wished for or not."""
        return self._worker.running

    def ask(self, image: Image, finding: Finding) -> None:
        """Wish for a finding's views; `ready` or `failed` brings them, unless another wish or `forget` comes first."""
        self._wish = _Request(image, finding)
        if not self.busy:
            self._start(self._wish)

    def forget(self) -> None:
        """Wish for nothing any more; what is being computed is dropped when it arrives."""
        self._wish = None

    def _start(self, request: _Request) -> None:
        self._request = request
        self._worker.start(partial(one_step, self._reconstruct, *request), f"finding {request.finding.id}")

    def _on_ended(self, signal: SignalInstance, answer: object) -> None:
        wish = self._wish
        if wish is None:
            return
        if wish == self._request:  # perhaps left and come back to in the meantime
            self._wish = None
            signal.emit(answer)
        else:  # one at a time: workers for findings that were left would pile up
            self._start(wish)


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

    def show_views(self, answer: tuple[np.ndarray, np.ndarray, tuple[str, ...]]) -> None:
        """Show the pictures: views and reconstructions (9, n, n), and the views' names."""
        views, reconstructions, names = answer
        self.say("Each pair: what the network saw, and what it drew again from that.")
        for pair, name, text, view, again in zip(
            self.pictures, self.names, names, views, reconstructions, strict=False
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
    drawn = QImage(levels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
    side = round(SIDE * ratio)
    smooth = Qt.TransformationMode.SmoothTransformation
    drawn = drawn.scaled(side, side, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    drawn.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(drawn)
