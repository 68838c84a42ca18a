"""One table of keys; it feeds the window's shortcuts, the tooltips and the help.

Window-wide `QShortcut` win over napari's own keys, which the selected layer would otherwise take (a, p, Delete …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points, Shapes
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from .layers.follower import FOLLOWED
from .layers.planes import PLANES


@dataclass(frozen=True)
class Key:
    """A key, the action that it calls, and what it does in a person's words.

    `painting` says whether it stays on while a Labels layer is active, which has its own use for [ ] and Ctrl+Z; `drawing`,
    whether it does while a Points or Shapes layer is that a person added: there R, P, T, I, E and L are napari's rectangle,
    polygon, path, new corner, ellipse and line, A selects all, as its status bar says.
    """

    key: str
    action: str
    description: str
    painting: bool = True
    drawing: bool = True

    @property
    def text(self) -> str:
        """The key as this platform writes it."""
        return QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)


KEYS = (
    Key("N", "next", "Next finding"),
    Key("P", "previous", "Previous finding", drawing=False),
    Key("A", "accept", "Accept the selected findings", drawing=False),
    Key("R", "reject", "Reject the selected findings", drawing=False),
    Key("Shift+R", "run", "Run the networks on the image"),
    Key("C", "characterise", "Characterise the selected sphere"),
    Key("Shift+N", "next study", "Next case: of the folder's list, else of the open images"),
    Key("Shift+P", "previous study", "Previous case", drawing=False),
    Key("Shift+D", "done", "Case done, or not after all"),
    Key("O", "next miss", "Next nodule of the truth that was overlooked"),
    Key("F", "next false alarm", "Next false alarm beside the truth", painting=False),
    Key("U", "next difference", "Next difference of two sets of findings"),
    Key("H", "overlays", "Hide or show the overlays"),
    Key("Shift+F", "fill", "Fill the spheres of a CT, or leave the nodules free"),
    Key("Shift+B", "attributes", "Hide or show the attributes of the selected nodule on the canvas"),
    Key("T", "turn_right", "Turn a radiograph by 90° clockwise", drawing=False),
    Key("Shift+T", "turn_left", "Turn a radiograph by 90° anticlockwise"),
    Key("M", "mirror", "Mirror a radiograph", painting=False),
    Key("I", "invert", "Exchange bright and dark of a radiograph", drawing=False),
    Key("Shift+I", "corner texts", "Hide or show the texts on the canvas"),
    *(
        Key(str(n), f"window {n}", words, painting=False, drawing=False)
        for n, words in enumerate(
            (
                "First window of the list: lung (CT)",
                "Second window: mediastinum (CT)",
                "Third window: bone (CT)",
                "Fourth window of the list",
                "Fifth window of the list",
                "Window as the image was opened",
            ),
            1,
        )
    ),
    Key("L", "measure line", "Measure a length", drawing=False),
    Key("E", "measure ellipse", "Measure values in an ellipse", drawing=False),
    Key("B", "measure rectangle", "Measure values in a rectangle", drawing=False),
    Key("V", "measure angle", "Measure an angle", drawing=False),
    Key("D", "measure axes", "Long and short axis and volume of the selected nodule", drawing=False),
    Key("Esc", "no tool", "Put the measuring tool away", painting=False, drawing=False),
    *(
        Key(key, f"view {plane}", f"{plane[0].upper()}{plane[1:]} view", painting=False, drawing=False)
        for key, plane in zip("7890", PLANES, strict=True)
    ),
    Key("G", "linked views", "Axial, coronal and sagittal side by side, or one view"),
    Key("Shift+G", "prior", "The prior study beside the present CT, or the present one alone"),
    Key("S", "slab", "Slices, or slabs of a CT: MIP, mean, minIP", drawing=False),
    Key(",", "thinner", "Slab 5 mm thinner"),
    Key(".", "thicker", "Slab 5 mm thicker"),
    Key("Shift+S", "picture", "Save a picture of the canvas with all that is painted on it"),
    Key("Shift+C", "copy picture", "Copy that picture without case, series and date"),
    Key("W", "keep window", "Keep the present window under a name of your own"),
    Key("K", "cine", "Cine: play the slices forth and back, or stop"),
    Key("Shift+K", "cine back", "Cine, the other way first"),
    Key("-", "cine slower", "Cine slower", painting=False),
    Key("=", "cine faster", "Cine faster", painting=False),
    Key("Shift+M", "mouse", "Mouse: wheel for slices, right drag for the window; or napari's own"),
    Key("Q", "add sphere", "Set a sphere at the cursor (CT)"),
    Key("Shift+Q", "add box", "Draw a box by dragging (radiograph)"),
    Key("X", "snap", "Snap a sphere to the nodule under the cursor (CT)", painting=False),
    Key(
        "Shift+X", "grow mask", "Grow a mask of the nodule under the cursor, or from the selected stroke (CT)"
    ),
    Key("Alt+X", "outline", "A network outlines the selected spheres: masks, volumes (CT)"),
    Key("Ctrl+D", "duplicate", "Draw the selected findings once more, beside themselves"),
    Key("Shift+A", "judge all", "Accept all above the thresholds (or all selected), reject the rest"),
    Key("[", "smaller", "Selected sphere 1 mm smaller", painting=False),
    Key("]", "larger", "Selected sphere 1 mm larger", painting=False),
    Key("Delete", "delete", "Delete the selected measurement, or findings drawn by a person", drawing=False),
    Key("Ctrl+Z", "undo", "Undo", painting=False),
    Key("Ctrl+Shift+Z", "redo", "Redo", painting=False),
    Key("?", "help", "Show or hide this list"),
)

HELP = (
    "A accept, R reject, N and P next and previous finding, Delete; draw by the buttons of the layer controls"
)
"""What napari's status bar says while a layer of findings is chosen."""
VOLUME_HELP = "1 to 6 windows, 7 to 0 views, ? lists all keys"
"""The same of a volume: there napari promises its own tools by 1 and 2."""
RADIOGRAPH_HELP = "1 to 6 windows, T turns, M mirrors, I inverts, ? lists all keys"
"""The same of a picture, which has no other views."""


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
        for key, shortcut in zip(KEYS, shortcuts, strict=True):
            shortcut.setEnabled(_is_ours(key, active))

    def say_keys(_event: object = None) -> None:
        """Where these keys hold, napari's status bar must not promise its own."""
        words = _help(viewer.layers.selection.active, viewer.help)
        if viewer.help != words:
            viewer.help = words

    def let_go() -> None:
        viewer.layers.selection.events.active.disconnect(leave_painting_keys)
        viewer.events.help.disconnect(say_keys)

    viewer.layers.selection.events.active.connect(leave_painting_keys)
    viewer.events.help.connect(say_keys)
    shortcuts[0].destroyed.connect(let_go)
    leave_painting_keys()
    say_keys()
    return shortcuts


def _help(active: Layer | None, napari_says: str) -> str:
    """What the status bar is to say while a layer is active."""
    if isinstance(active, Points | Shapes) and active.metadata.get(FOLLOWED):
        return HELP
    if isinstance(active, Image) and napari_says.startswith("use <"):
        return RADIOGRAPH_HELP if active.ndim == 2 else VOLUME_HELP
    return napari_says


def _is_ours(key: Key, active: Layer | None) -> bool:
    """Whether a key is this window's while a layer is active."""
    followed = active is not None and bool(
        active.metadata.get(FOLLOWED)
    )  # its edits are the session's commands
    if isinstance(active, Labels):
        return key.painting or (followed and key.action in ("undo", "redo"))
    return key.drawing or followed or not isinstance(active, Points | Shapes)
