"""The button *Picture*: the canvas with all that is painted on it, to a file or to the clipboard, with or without the name."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from napari import Viewer
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QBuffer, Qt
from qtpy.QtGui import QGuiApplication, QImage
from qtpy.QtWidgets import QFileDialog, QMenu, QToolButton

from ..canvas.corners import CornerTexts
from ..canvas.marks.overlay import MarkTexts
from ..canvas.picture import picture
from ..prior.beside import PriorBeside
from ..shortcuts import KEYS
from ..text.cases import case_name
from ..training.error_boundary import as_sentences
from ..training.errors import LungmtlError
from ..training.findings.formats.atomic import write_atomically
from ..views.linked import LinkedViews
from .measurements.section import MeasureSection
from .widgets.qt import sure

_KINDS = "Pictures (*.png *.jpg)"


class Pictures(QToolButton):
    """Saves and copies what is seen: images, marks, captions, measurements, linked views and prior study.

    Parameters
    ----------
    viewer
        Whose canvas it is.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._over: tuple[LinkedViews, CornerTexts, MarkTexts, MeasureSection, PriorBeside] | None = None
        self.commands: dict[str, Callable[[], object]] = {
            "picture": lambda: self.ask_where(),
            "copy picture": lambda: self.copy(),
        }
        self.setText("Picture")
        self.setToolTip("Save or copy the canvas with all that is painted on it")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        keys = {key.action: key for key in KEYS}
        entries: tuple[tuple[str, Callable[[], object]], ...] = (
            (f"Save…\t{keys['picture'].text}", self.commands["picture"]),
            ("Save without case, series and date…", lambda: self.ask_where(named=False)),
            (
                f"Copy without case, series and date\t{keys['copy picture'].text}",
                self.commands["copy picture"],
            ),
        )
        for words, do in entries:
            sure(menu.addAction(words)).triggered.connect(lambda _checked=False, do=do: do())
        self.setMenu(menu)

    def watch(
        self,
        views: LinkedViews,
        corners: CornerTexts,
        marks: MarkTexts,
        measure: MeasureSection,
        prior: PriorBeside,
    ) -> None:
        """Take pictures with what these paint over the canvas and beside it."""
        self._over = views, corners, marks, measure, prior

    def take(self, named: bool = True) -> QImage | None:
        """The picture as it is now; None where no image is open."""
        if self._over is None:
            return None
        views, corners, marks, measure, prior = self._over
        canvas = corners.parentWidget()
        if measure.reviewed is None or canvas is None:
            return None
        overlays = (views.canvas_marks, prior.marks, marks, measure.hand.overlay, corners)
        with ExitStack() as unnamed:
            for one in () if named else (corners, prior.pane):
                unnamed.enter_context(one.naming_nobody())
            return picture(self._viewer, canvas, overlays, (*views.panes.values(), prior.pane))

    def ask_where(self, named: bool = True) -> None:
        """Save the picture as it is now, under the name that a person gives."""
        image = self.take(named)
        reviewed = self._over[3].reviewed if self._over is not None else None
        if image is None or reviewed is None:
            return
        session = reviewed.session
        folder = session.sidecar.parent if session.sidecar is not None else Path.home()
        stem = "picture"
        if named and session.image is not None:
            stem = re.sub(r"[^\w.-]+", "_", case_name(session.image)).strip("_.") or stem
        path, _ = QFileDialog.getSaveFileName(self, "Save picture", str(folder / f"{stem}.png"), _KINDS)
        if path:
            self.save(image, path)

    def save(self, image: QImage, path: Path | str) -> None:
        """Write a picture as PNG or, where the name ends so, as JPEG, and say where it is or why it could not be."""
        path = Path(path)
        kind = "JPG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG"
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        image.save(buffer, kind, 92 if kind == "JPG" else -1)
        try:
            with as_sentences(path):
                write_atomically(path, buffer.data().data())
        except LungmtlError as error:
            show_error(str(error))
            return
        show_info(f"{path.name}: the picture was saved.")

    def copy(self) -> None:
        """Put the picture without the name on the clipboard: nobody knows where it will be pasted."""
        image, clipboard = self.take(named=False), QGuiApplication.clipboard()
        if image is not None and clipboard is not None:
            clipboard.setImage(image)
            show_info("The picture was copied, without case, series and date.")
