"""Section *hand on*: a button for each way that findings go to other programs, and come from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtWidgets import QHBoxLayout

from ...reviewed_images import ReviewedImage
from ..widgets.section import Section
from .button import HandOnButton


class HandOnSection(Section):
    """Buttons that open dialogs; the section tells them which image is under review.

    Parameters
    ----------
    buttons
        Further ways on, each a `HandOnButton(text, tip, make_dialog)`: ``HandOnSection((report, archive))``.
    """

    def __init__(self, buttons: Sequence[HandOnButton] = ()) -> None:
        super().__init__("hand on")
        self.buttons: tuple[HandOnButton, ...] = tuple(buttons)
        row = QHBoxLayout()
        for button in self.buttons:
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.set_open(False)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be for another image."""
        for button in self.buttons:
            button.follow(reviewed)

    def forbid(self, why: Callable[[], str]) -> None:
        """Ask `why` before a dialog opens: a sentence forbids it."""
        for button in self.buttons:
            button.off = why

    def let_go(self) -> None:
        """The dock goes: no dialog stays."""
        for button in self.buttons:
            button.close_dialog()
