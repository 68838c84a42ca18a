"""A way on of the findings: a button that opens a dialog beside which the window goes on working."""

from __future__ import annotations

from collections.abc import Callable

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QToolButton, QWidget

from ...reviewed_images import ReviewedImage

Make = Callable[[ReviewedImage, QWidget], QDialog]
"""Makes the dialog for an image under review; the widget is its parent."""


class HandOnButton(QToolButton):
    """Opens one dialog at a time for the image under review, not modal; it closes when another image comes under review.

    Parameters
    ----------
    text
        Of the button: ``Export…``.
    tip
        What hovers over it.
    make
        Makes the dialog.
    """

    def __init__(self, text: str, tip: str, make: Make) -> None:
        super().__init__()
        self.setText(text)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus, so that keys go on working
        self._make = make
        self._reviewed: ReviewedImage | None = None
        self.beside: QWidget = self
        """Whose child a dialog becomes: of the button itself, unless that may not be in the window yet."""
        self.dialog: QDialog | None = None
        self.off: Callable[[], str] = lambda: ""
        """Why it may not be used at the moment, in a sentence; empty where it may."""
        self.clicked.connect(lambda: self.open())
        self.follow(None)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be for another image, or for none."""
        if reviewed is not self._reviewed:
            self.close_dialog()
        self._reviewed = reviewed
        self.setEnabled(reviewed is not None)

    def open(self) -> QDialog | None:
        """Show the dialog, a new one where none is open; None where that is not possible now, and the window says why."""
        if why := self.why_not():
            show_warning(why)
            return None
        if self.dialog is None:
            self.dialog = self.make_dialog()
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.finished.connect(self._forget)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        return self.dialog

    def why_not(self) -> str:
        """Why the dialog cannot be opened now, in a sentence; empty where it can."""
        return "Open an image first." if self._reviewed is None else self.off()

    def make_dialog(self) -> QDialog:
        """Make the dialog, a child of the dock, so that it looks like it."""
        assert self._reviewed is not None
        return self._make(self._reviewed, self.beside)

    def close_dialog(self) -> None:
        """Close the dialog, if it is open."""
        if self.dialog is not None:
            self.dialog.close()

    def _forget(self, _result: int = 0) -> None:
        self.dialog = None
