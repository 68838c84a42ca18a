"""The button *Archive…* of the section *hand on*."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel

from ...reviewed_images import ReviewedImage, ReviewedImages
from ..hand_on.button import HandOnButton
from .dialog import ArchiveDialog


class ArchiveButton(HandOnButton):
    """Opens the dialog with or without an image, and leaves it open when another one comes under review: it may have opened it.

    Parameters
    ----------
    viewer, reviewed_images
        Where images are opened.
    """

    def __init__(self, viewer: ViewerModel, reviewed_images: Callable[[], ReviewedImages]) -> None:
        self._viewer, self._reviewed_images = viewer, reviewed_images
        super().__init__(
            "Archive…", "Studies from the hospital's archive, findings back to it", self._make_for
        )

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be for another image, or for none."""
        self._reviewed = reviewed
        if self.off():
            self.close_dialog()
        elif isinstance(self.dialog, ArchiveDialog):
            self.dialog.sending.follow(reviewed)

    def why_not(self) -> str:
        """A reader study is the only reason."""
        return self.off()

    def make_dialog(self) -> ArchiveDialog:
        """Make the dialog for whatever is under review."""
        return self._make_for(self._reviewed)

    def _make_for(self, reviewed: ReviewedImage | None, _parent: object = None) -> ArchiveDialog:
        dialog = ArchiveDialog(self._viewer, self._reviewed_images, self)
        dialog.sending.follow(reviewed)
        return dialog
