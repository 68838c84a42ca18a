"""A row of pictures: the nodules of the cohort that are most like the selected one, with what their readers said."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ...jobs.latest import LatestAnswer
from ...layers.window_presets import CT_WINDOWS
from ...training.cohort import COUNT, Alike, Cohort, Nodule
from ...training.cohort.cubes import read_cube
from ...training.findings import Finding
from ..cases.thumbnail import pixmap_of
from ..widgets.section import label

SIDE = 52
"""Pixels of a picture: five beside each other in the narrowest dock."""
FIELD_MM = 40.0
"""Width of what a picture shows, of a larger nodule one and a half diameters."""


class AlikeRow(QWidget):
    """Up to five look-alikes; hidden where there are none."""

    chosen = Signal(int)
    """A row of `cohort` was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cohort: Cohort | None = None
        self._rows: tuple[int, ...] = ()
        self.title = label("", "faint", wrap=True)
        self.buttons = [self._button(place) for place in range(COUNT)]
        row = QHBoxLayout()
        row.setSpacing(2)
        for button in self.buttons:
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addLayout(row)
        self.pictures = LatestAnswer("the pictures of like nodules cannot be read", self)
        self.pictures.ready.connect(self._on_pictures)
        self.pictures.failed.connect(self._on_failed)
        self.hide()

    def show_none(self) -> None:
        """Nothing is selected, or nothing is known of it."""
        self._rows = ()
        self.pictures.forget()
        self.hide()

    def show_rows(self, cohort: Cohort, finding: Finding, found: Sequence[Alike]) -> None:
        """Show the nodules most like a finding; their pictures come when they have been read.

        Parameters
        ----------
        cohort
            The table that `found` has rows of.
        finding
            The selected one.
        found
            The nearest first.
        """
        rows = tuple(one.row for one in found)
        if not rows:
            self.show_none()
            return
        nodules = [cohort.nodules[row] for row in rows]
        self.title.setText(f"Like nodule {finding.number}, the nearest first. {summary(nodules)}")
        for place, button in enumerate(self.buttons):
            button.setVisible(place < len(rows))
            if place < len(rows):
                button.setText(words(nodules[place]))
                button.setToolTip(f"{told(nodules[place], found[place])}\nClick to open it.")
        self.show()
        if rows != self._rows or cohort is not self.cohort:
            self._rows, self.cohort = rows, cohort
            for button in self.buttons:
                button.setIcon(QIcon())
            self.pictures.ask((id(cohort), rows), lambda: _pictures(nodules))

    def abandon(self) -> None:
        """The window is going."""
        self.pictures.forget()

    def _button(self, place: int) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(SIDE, SIDE))
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.chosen.emit(self._rows[place]))
        return button

    def _on_pictures(self, pictures: list[np.ndarray | None]) -> None:
        for button, picture in zip(self.buttons, pictures):
            button.setIcon(QIcon(pixmap_of(picture)))

    def _on_failed(self, message: str) -> None:
        self.title.setToolTip(message)


def words(nodule: Nodule) -> str:
    """What stands under a picture: the readers' votes, ``1 3 3 4``, or the networks' malignancy, ``M .81``."""
    if nodule.votes:
        return " ".join(map(str, nodule.votes))
    said = nodule.finding.malignancy
    return "not judged" if said is None else f"M {said:.2f}".replace("0.", ".", 1)


def told(nodule: Nodule, one: Alike) -> str:
    """What hovers over a picture."""
    lines = [f"Ø {nodule.diameter:.1f} mm, {one.distance:.2f} standard deviations away"]
    if nodule.votes:
        lines.append(
            f"Malignancy by {len(nodule.votes)} readers, 1 to 5: {', '.join(map(str, nodule.votes))}"
        )
    if nodule.finding.malignancy is not None:
        lines.append(f"Malignancy by the networks: {nodule.finding.malignancy:.2f}")
    return "\n".join(lines)


def summary(nodules: Sequence[Nodule]) -> str:
    """How many readers found the look-alikes suspicious: ``Of 19 readers' votes 12 are over 3.``."""
    votes = [vote for nodule in nodules for vote in nodule.votes]
    if not votes:
        return ""
    return (
        f"Malignancy by their readers (1–5) below: {sum(v > 3 for v in votes)} of {len(votes)} votes over 3."
    )


def _pictures(nodules: Sequence[Nodule]) -> Generator[None, None, list[np.ndarray | None]]:
    pictures: list[np.ndarray | None] = []
    for nodule in nodules:
        yield None
        pictures.append(_picture(nodule))
    return pictures


def _picture(nodule: Nodule) -> np.ndarray | None:
    """The axial slice through a cube's nodule as uint8 (SIDE, SIDE); None where the cohort has scans, which take long to read."""
    if nodule.cube is None:
        return None
    from PIL import Image as Picture

    cube = read_cube(nodule.file, nodule.cube)
    z, y, x = np.rint(np.subtract(nodule.center, cube.origin) / cube.scale).astype(int)
    reach = round(max(FIELD_MM, 1.5 * nodule.diameter) / 2)
    plane = np.pad(cube.voxels[z], reach, mode="edge")[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
    center, width = CT_WINDOWS["Lung"]
    grays = 255 * np.clip((plane - (center - width / 2)) / width, 0, 1)
    small = Picture.fromarray(grays.astype(np.uint8)).resize((SIDE, SIDE), Picture.Resampling.BILINEAR)
    return np.asarray(small)
