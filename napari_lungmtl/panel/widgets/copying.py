"""A small dialog while files of a server are copied: how far it is, and Cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QProgressDialog

from ...training.storage.address import address_of
from ...training.storage.fetch import CopyStoppedError

PATIENCE_MS = 400
"""What is copied sooner shows no dialog."""


@contextmanager
def copying(path: Path | str) -> Iterator[Callable[[float, str], None] | None]:
    """Show what is copied from a server; nothing for what is here.

    Yields
    ------
    Callable or None
        Takes the fraction done (0–1) and what is going on; raises `CopyStoppedError` once a person pressed Cancel.
    """
    address = address_of(path)
    if address is None:
        yield None
        return
    dialog = QProgressDialog(f"Opening {address.name}", "Cancel", 0, 1000, QApplication.activeWindow())
    dialog.setWindowTitle("From the server")
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(PATIENCE_MS)
    dialog.setAutoClose(False)
    dialog.setAutoReset(False)

    def on_progress(fraction: float, what: str) -> None:
        dialog.setLabelText(f"{address.name}: {what}")
        dialog.setValue(round(1000 * fraction))
        QApplication.processEvents()
        if dialog.wasCanceled():
            raise CopyStoppedError(f"{address} was not opened: the copying was stopped.")

    try:
        yield on_progress
    finally:
        dialog.close()
        dialog.deleteLater()
