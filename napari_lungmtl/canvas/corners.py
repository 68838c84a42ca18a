"""Texts in the corners and at the edges of the canvas: who it is, where one is, which side is which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QFontMetricsF, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from ..layers.follower import coalesced
from ..layers.gl_context import canvas_of
from ..layers.image import IMAGE
from ..layers.rectangle import Rectangle
from ..training.imaging.image import Image
from ..training.imaging.slab import SLICE, Slab
from . import blocks, words
from .sides import edges

_PLACES = (
    ("who", 0.0, 0.0),
    ("where", 0.0, 1.0),
    ("top", 0.5, 0.0),
    ("bottom", 0.5, 1.0),
    ("left", 0.0, 0.5),
    ("right", 1.0, 0.5),
)
"""Where each text stands: parts of the canvas's width and height."""
_UNDER_CURSOR = "x −000.0  y −000.0  z −0000.0 mm\nminIP −0000 HU"
"""As long as what is said of the place under the cursor becomes."""
_WAIT = 30
"""Milliseconds: the steps of a mouse come together."""


class CornerTexts(QWidget):
    """Says on the canvas who it is, which slice and window are seen, which side is which, and what lies under the cursor.

    Painted by Qt over the canvas: napari's own text overlays cost 13 ms more for each redraw (seven of them, software OpenGL).
    A scale bar stands beside it where millimetres are known. All of it can be hidden, and pictures of the canvas alone, as
    napari saves them, never hold it; `picture` does.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    looked_through
        Tells across which world axis the mouse looks at the volume, and through which slab.
    """

    def __init__(
        self, viewer: ViewerModel, looked_through: Callable[[], tuple[int, Slab]] = lambda: (0, SLICE)
    ) -> None:
        super().__init__()
        self._viewer, self._looked_through = viewer, looked_through
        self._layer: ImageLayer | None = None
        self._image: Image | None = None
        self.texts: dict[str, str] = {}
        self.on = True
        self._names_nobody = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._font = blocks.letters_of(self)
        self._metrics = QFontMetricsF(self._font)
        self._view = coalesced(self._show_view)
        self._cursor = coalesced(self._show_cursor, _WAIT)
        for event, slot in self._view_events():
            event.connect(slot)
        self.hide()

    def attach(self, window: QWidget) -> None:
        """Lie over the canvas of a window."""
        canvas = canvas_of(window)
        if canvas is not None:
            self.setParent(canvas)
            self.setGeometry(canvas.rect())
            self.lower()  # below napari's notifications
            canvas.installEventFilter(self)
            self.setVisible(self.on)

    def set_image(self, layer: ImageLayer | None, image: Image | None) -> None:
        """Speak of another image, or of none."""
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._later)
        self._layer, self._image = layer, image
        if layer is not None:
            layer.events.contrast_limits.connect(self._later)
        self._say(who=words.who(image) if image is not None else "", cursor="")
        self._show_view()

    def show_texts(self, shown: bool) -> None:
        """Show or hide all of it."""
        self.on = shown
        self.setVisible(shown and self.parent() is not None)

    @contextmanager
    def naming_nobody(self) -> Iterator[None]:
        """For as long as a picture is taken that must not tell whose it is; what is burnt into a radiograph's pixels stays."""
        self._names_nobody = True
        try:
            yield
        finally:
            self._names_nobody = False

    def let_go(self) -> None:
        """Stop listening; no widget is touched."""
        self._view.stop()
        self._cursor.stop()
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._later)
        self._layer = self._image = None
        for event, slot in self._view_events():
            event.disconnect(slot)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the canvas's size."""
        if event is not None and event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return super().eventFilter(watched, event)

    def _view_events(self) -> list[tuple[Any, Callable[..., object]]]:
        dims, camera = self._viewer.dims.events, self._viewer.scene.camera.events
        looks = (dims.point, dims.order, dims.ndisplay, camera.orientation, camera.zoom)
        moves = (
            self._viewer.cursor.events.position,
            self._viewer.events.mouse_over_canvas,
            dims.margin_right,
        )  # of a slab, another value
        return [*((e, self._later) for e in looks), *((e, self._moved) for e in moves)]

    def _later(self, _event: object = None) -> None:
        self._view.start()

    def _moved(self, _event: object = None) -> None:
        if self.on and not self._cursor.isActive():
            self._cursor.start()

    # ---- texts

    def _show_view(self) -> None:
        image, layer = self._image, self._layer
        lines = []
        if image is not None and layer is not None:
            if self._is_sliced():
                axis = self._order()[0]
                lines.append(words.where(image, axis, self._viewer.dims.point[-3:][axis]))
            lines.append(words.grayscale(image, layer.contrast_limits))
        sides = dict.fromkeys(("top", "bottom", "left", "right"), "") | self._sides()
        self._say(where="\n".join(lines), scale=self._scale()[1], **sides)

    def _sides(self) -> dict[str, str]:
        """Letters by edge, where the axes are known to be the patient's: this plugin's reader brought them to LPS."""
        if not self._is_sliced() or self._layer is None or self._layer.metadata.get(IMAGE) is None:
            return {}
        return edges(self._order(), *self._viewer.scene.camera.orientation2d)

    def _is_sliced(self) -> bool:
        dims, image = self._viewer.dims, self._image
        return image is not None and image.ndim == dims.ndim == 3 and dims.ndisplay == 2

    def _order(self) -> tuple[int, ...]:
        return tuple(self._viewer.dims.order)

    def _show_cursor(self) -> None:
        image = self._image
        # napari also moves its cursor when slices or planes change, and before the mouse has ever been here.
        seen = self._viewer.mouse_over_canvas and self._viewer.dims.ndisplay == 2
        position = self._viewer.cursor.position
        fits = seen and image is not None and len(position) >= image.ndim
        if not fits or image is None:
            self._say(cursor="")
            return
        through = self._looked_through() if image.ndim == 3 else ()
        self._say(cursor=words.under_cursor(image, position[-image.ndim :], *through))

    def _scale(self) -> tuple[float, str]:
        """Length of the scale bar in pixels, and what it says; nothing where millimetres are unknown."""
        image, zoom = self._image, float(self._viewer.scene.camera.zoom)
        if image is None or image.spacing is None or not zoom > 0 or self._viewer.dims.ndisplay == 3:
            return 0.0, ""
        length = words.bar_length(1 / zoom, self.width())
        return length * zoom, f"{length:g} mm"

    def _say(self, **texts: str) -> None:
        if any(self.texts.get(name) != text for name, text in texts.items()):
            self.texts.update(texts)
            self.update()

    # ---- where they stand

    def rectangles(self) -> list[Rectangle]:
        """What the texts cover, so that others keep off: top, left, bottom and right in pixels of the canvas.

        At the lower left there is always room for what lies under the cursor: a mouse that moves must not move other texts.
        """
        if not self.on or self.parent() is None or self._image is None:
            return []
        size = float(self.width()), float(self.height())
        boxes = [
            blocks.text_box(self._metrics, text, *size, *at) for text, *at in self._places(_UNDER_CURSOR)
        ]
        pixels, text = self._scale()
        if pixels:
            boxes.append(blocks.scale_box(self._metrics, pixels, text, *size))
        return [(box.top(), box.left(), box.bottom(), box.right()) for box in boxes]

    def _who(self) -> str:
        """Whose image it is, cut short where it would run under the letter in the middle of the upper edge."""
        text, letter = self.texts.get("who", ""), self.texts.get("top", "")
        if self._names_nobody:
            return ""
        room = self.width() - 2 * (blocks.MARGIN + blocks.PAD)
        if letter:
            room = room / 2 - self._metrics.horizontalAdvance(letter) / 2 - 2 * blocks.PAD - blocks.MARGIN / 2
        return blocks.cut_to(self._metrics, text, room)

    def _places(self, cursor: str) -> list[tuple[str, float, float]]:
        """Each text that there is with its part of the canvas's width and height."""
        found = []
        for name, across, down in _PLACES:
            text = self._who() if name == "who" else self.texts.get(name, "")
            if name == "where":  # one block, so that nothing collides on a narrow canvas
                text = "\n".join(filter(None, (cursor, text)))
            if text:
                found.append((text, across, down))
        return found

    # ---- paint

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the texts that there are."""
        painter = QPainter(self)
        painter.setFont(self._font)
        size = float(self.width()), float(self.height())
        for text, across, down in self._places(self.texts.get("cursor", "")):
            blocks.write(painter, text, *size, across, down)
        pixels, text = self._scale()
        if pixels:
            blocks.draw_scale(painter, pixels, text, *size)
        painter.end()
