"""What the Labels layers of a radiograph have in common: numbers for masks, and strokes that become commands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from ...session.session import Session
from ...training.findings import Mask
from ...training.imaging.image import Image
from ..follower import Binding, Connection, coalesced
from ..overlay_colors import PERSON, rgba
from .grid import paint, repainted


class LabelsBinding(Binding[Labels]):
    """Keeps one Labels layer on the pixels of a radiograph in step with a session.

    A stroke (brush, fill, polygon, eraser) is taken when it ends, as one command. Subclasses say which masks have which
    numbers, and what a stroke means.
    """

    NAME = ""

    def __init__(self, viewer: ViewerModel, session: Session, below: Sequence[Binding[Any]] = ()) -> None:
        self._masks: dict[int, Mask] = {}
        self._colors: dict[int, str] = {}
        self._painted: np.ndarray | None = None
        self._timer = coalesced(self._take_stroke)
        self._in_stroke = False
        super().__init__(viewer, session, below)

    def close(self) -> None:
        """Take a stroke that has just ended, stop following, and take the layer out."""
        self._take_ended()
        super().close()

    def settle(self) -> bool:
        """Take a stroke that has just ended, so that undo takes back what is seen; False while the mouse still draws one."""
        if not self._in_stroke:
            self._take_ended()
        return not self._in_stroke

    def _take_ended(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self._take_stroke()

    def _watch_stroke(self, _layer: Labels, event: Any) -> Generator[None, None, None]:
        """napari's own way of following a drag: pressed, moved, released."""
        self._in_stroke = True
        try:
            yield
            while event.type == "mouse_move":
                yield
        finally:
            self._in_stroke = False

    @abstractmethod
    def _target(self) -> dict[int, tuple[Mask, str]]:
        """Masks and colours by number; later ones lie on top."""

    @abstractmethod
    def _take(self, changes: Mapping[int, Mask | None]) -> None:
        """Make a command of what a stroke did: by number the new mask, or None where nothing is left of it."""

    def _suits(self, image: Image) -> bool:
        return image.ndim == 2 and self._has_visible()

    def _forget_rendered(self) -> None:
        self._masks, self._colors, self._painted = {}, {}, None

    def _layer_events(self, layer: Labels) -> list[Connection]:
        return [(layer.events.paint, self._on_paint), *super()._layer_events(layer)]

    def _make_layer(self, units: str) -> Labels:
        image = self.session.image
        assert image is not None
        # With all that it shows from the start: each later change of a large radiograph costs an outline of all its pixels.
        self._masks, self._colors = self._parts()
        self._painted = self._paint(image)
        layer = Labels(
            self._paint(image),  # not a copy: of a volume that nobody has painted, no memory is taken
            name=self.NAME,
            colormap=_colormap(self._colors),
            scale=image.scale,
            translate=image.origin,
            units=(units,) * image.ndim,
        )
        layer.brush_size = max(round(max(image.shape[-2:]) / 100), 2)
        layer.mouse_drag_callbacks.append(self._watch_stroke)
        return layer

    # ---- session -> layer

    def _draw(self) -> None:
        layer, image = self.layer, self.session.image
        if layer is None or image is None:
            return
        masks, colors = self._parts()
        if self._painted is None or list(masks.items()) != list(self._masks.items()):
            self._masks = masks
            self._painted = self._paint(image)
            self._show_selection()  # the number that the brush had may now be another's
        if colors != self._colors:
            self._recolor(layer, colors)
        if not np.array_equal(self._painted, layer.data):
            layer.data[...] = self._painted  # in place: a new array would be laid out anew
            layer.refresh(extent=False)

    def _recolor(self, layer: Labels, colors: dict[int, str]) -> None:
        self._colors = colors
        with self._drawing(layer):
            layer.colormap = _colormap(colors)

    def _parts(self) -> tuple[dict[int, Mask], dict[int, str]]:
        """Masks and colours by number."""
        target = self._target()
        return {n: mask for n, (mask, _) in target.items()}, {n: color for n, (_, color) in target.items()}

    def _paint(self, image: Image) -> np.ndarray:
        """Labels of the masks, of the image's shape."""
        painted = np.zeros(image.shape, np.uint16)
        for number, mask in self._masks.items():
            paint(painted, mask, image, number)
        return painted

    # ---- layer -> session

    def _on_paint(self, _event: object = None) -> None:
        """A stroke has ended; of a polygon or a fill napari says so before the pixels have changed."""
        self._timer.start()

    def _take_stroke(self) -> None:
        layer, image, before = self.layer, self.session.image, self._painted
        if layer is None or image is None or before is None or self._busy:
            return
        after = np.asarray(layer.data)
        differs = before != after
        touched = np.union1d(np.unique(before[differs]), np.unique(after[differs]))
        changes = {
            int(n): repainted(before, after, int(n), self._masks.get(int(n)), image) for n in touched if n
        }
        self._take(changes)
        self._draw()  # what was not taken goes


def _colormap(colors: Mapping[int, str]) -> DirectLabelColormap:
    table: dict[int | None, object] = {None: rgba(PERSON), 0: np.zeros(4)}
    table.update({number: rgba(color) for number, color in colors.items()})
    return DirectLabelColormap(color_dict=table)
