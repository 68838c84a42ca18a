"""One table of keys; it feeds the window's shortcuts, the tooltips and the help.

Window-wide `QShortcut` win over napari's own keys, which the selected layer would otherwise take (a, p, Delete …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from .layers.masks.labels import FOLLOWED


@dataclass(frozen=True)
class Key:
    """A key, the action that it calls, and what it does in a person's words.

    `painting` says whether it stays on while a Labels layer is active, which has its own use for [ ] and Ctrl+Z.
    """

    key: str
    action: str
    description: str
    painting: bool = True

    @property
    def text(self) -> str:
        """The key as this platform writes it."""
        return QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)


KEYS = (
    Key("N", "next", "Next finding"),
    Key("P", "previous", "Previous finding"),
    Key("A", "accept", "Accept the selected finding"),
    Key("R", "reject", "Reject the selected finding"),
    Key("C", "characterise", "Characterise the selected sphere"),
    Key("H", "overlays", "Hide or show the overlays"),
    Key("T", "turn_right", "Turn a radiograph by 90° clockwise"),
    Key("Shift+T", "turn_left", "Turn a radiograph by 90° anticlockwise"),
    Key("M", "mirror", "Mirror a radiograph", painting=False),
    Key("I", "invert", "Exchange bright and dark of a radiograph"),
    Key("[", "smaller", "Selected sphere 1 mm smaller", painting=False),
    Key("]", "larger", "Selected sphere 1 mm larger", painting=False),
    Key("Delete", "delete", "Delete a finding drawn by a person"),
    Key("Ctrl+Z", "undo", "Undo", painting=False),
    Key("Ctrl+Shift+Z", "redo", "Redo", painting=False),
    Key("?", "help", "Show or hide this list"),
)


def tooltip(action: str, text: str = "") -> str:
    """What hovers over the widget of an action: its description (or `text`) and its key."""
    key = next(k for k in KEYS if k.action == action)
    return f"{text or key.description}  ({key.text})"


def install(
    window: QWidget, viewer: ViewerModel, actions: Mapping[str, Callable[[], object]]
) -> list[QShortcut]:
    """Make every key of the table call its action from anywhere in `window`, line edits excepted.

    Returns
    -------
    list of QShortcut
        Delete them (``deleteLater``) when the dock goes and the window stays.
    """
    shortcuts = []
    for key in KEYS:
        shortcut = QShortcut(QKeySequence(key.key), window)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(actions[key.action])
        shortcuts.append(shortcut)

    def leave_painting_keys() -> None:
        active = viewer.layers.selection.active
        painting = isinstance(active, Labels)
        ours = painting and active.metadata.get(FOLLOWED)  # its strokes are the session's commands
        for key, shortcut in zip(KEYS, shortcuts, strict=True):
            undo = key.action in ("undo", "redo")
            shortcut.setEnabled(key.painting or not painting or bool(ours and undo))

    viewer.layers.selection.events.active.connect(leave_painting_keys)
    shortcuts[0].destroyed.connect(
        lambda: viewer.layers.selection.events.active.disconnect(leave_painting_keys)
    )
    leave_painting_keys()
    return shortcuts
