"""A file dropped onto the dock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QWidget


class FileDrop(QObject):
    """Calls a function with the path of each file that is dropped onto a widget."""

    def __init__(self, take: Callable[[Path], None]) -> None:
        super().__init__()
        self._take = take

    def watch(self, widget: QWidget) -> None:
        """Accept files dropped onto a widget."""
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take what is dropped; leave everything else alone."""
        if isinstance(event, QDropEvent) and event.type() in (
            QEvent.Type.DragEnter,
            QEvent.Type.DragMove,
            QEvent.Type.Drop,
        ):
            paths = _paths(event)
            if not paths:
                return False
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:  # once the drag is over: reading takes a moment
                for path in paths:
                    QTimer.singleShot(0, lambda path=path: self._take(path))
            return True
        return super().eventFilter(watched, event)


def _paths(event: QDropEvent | QDragEnterEvent) -> list[Path]:
    data = event.mimeData()
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []
