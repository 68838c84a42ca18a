"""The slab on napari's own canvas: its layers project what lies within the margins of the slice."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer, Points
from qtpy.QtGui import QFontMetricsF

from ..canvas.marks.painter import font
from ..layers.rectangle import Rectangle
from ..training.imaging.slab import Slab

MODES = {"MIP": "max", "mean": "mean", "minIP": "min"}
"""napari's ``projection_mode`` of each kind of slab."""
_CUT, _HELD = "rescale_spherical", "all"
"""napari's ``projection_mode`` of spheres: where a slice cuts them, and all whose centre lies in the slab."""
_LABEL = {
    "position": "top_right",
    "color": "#1b1400",
    "box": True,
    "box_color": "#f0c040",
    "font_size": 8.0,  # of napari's points, which are 10 of Qt's
}

_ROOM = (38.0, 34.0)
"""Pixels: height of the words with the ground and the margin that napari gives them, and how much wider they are than letters."""


class CanvasSlab:
    """Makes the canvas show a slab of one volume, and say so in every picture of it.

    The words are napari's own text overlay: they cannot be hidden with the other texts, and are in saved pictures too.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: ImageLayer | None = None
        self.slab = Slab()  # what the canvas shows: slices where no volume is looked at
        self._mode = "none"
        self._label: dict[str, object] = {}
        self._spheres: list[Points] = []
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.dims.events.ndisplay.connect(self._show_label)

    def show(self, layer: ImageLayer | None, slab: Slab) -> None:
        """Show a slab of a volume's layer; slices where it is none, or there is no layer."""
        if layer is not None and (layer.ndim != 3 or self._viewer.dims.ndim != 3):
            layer = None
        target = layer if slab.kind else None
        if self._layer is not None and self._layer is not target:
            self._layer.projection_mode = self._mode
        if target is not None and self._layer is not target:
            self._mode = str(target.projection_mode)
        self._layer, self.slab = target, slab if target is not None else Slab()
        if target is not None and str(target.projection_mode) != MODES[slab.kind]:
            target.projection_mode = MODES[slab.kind]
        self._project_spheres()
        self._set_margins()
        self._show_label()

    def taken(self) -> list[Rectangle]:
        """What the words cover, with some room, so that others keep off; nothing where there are none."""
        if not self._label:
            return []
        width = _ROOM[1] + QFontMetricsF(font()).horizontalAdvance(self.slab.words)
        return [(0.0, self._viewer.canvas.size[1] - width, _ROOM[0], float(self._viewer.canvas.size[1]))]

    def close(self) -> None:
        """Leave the canvas as it was."""
        self.show(None, Slab())
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.dims.events.ndisplay.disconnect(self._show_label)

    def _set_margins(self) -> None:
        """napari takes the slices from round(index − left) up to, but without, round(index + right)."""
        dims, slab, layer = self._viewer.dims, self.slab, self._layer
        left = right = (0.0,) * dims.ndim
        if layer is not None:
            steps = [(float(s), slab.beside(abs(float(s)))) for s in layer.scale]
            left = tuple(step * beside for step, beside in steps)
            # Not quite the whole next slice: napari adds one where the sum is a whole number.
            right = tuple(step * (beside + 0.99) for step, beside in steps)
        if (left, right) == (tuple(dims.margin_left), tuple(dims.margin_right)):
            return
        with dims.events.margin_left.blocker():  # every layer is sliced at each of the two
            dims.margin_left = left
        dims.margin_right = right

    # ---- spheres

    def _project_spheres(self) -> None:
        if self._layer is None:
            for points in self._spheres:
                points.projection_mode = _CUT
            self._spheres.clear()
            return
        for layer in self._viewer.layers:
            self._hold(layer)

    def _hold(self, layer: Layer) -> None:
        """Show spheres in the slab, not only those that its middle cuts."""
        if isinstance(layer, Points) and layer.ndim == 3 and str(layer.projection_mode) == _CUT:
            layer.projection_mode = _HELD
            self._spheres.append(layer)

    def _on_inserted(self, event: object) -> None:
        if self._layer is not None:
            self._hold(event.value)  # type: ignore[attr-defined]

    # ---- words

    def _show_label(self, _event: object = None) -> None:
        overlay = self._viewer.canvas.overlays.text
        shown = self._layer is not None and self._viewer.dims.ndisplay == 2
        if shown:
            if not self._label:
                self._label = {name: getattr(overlay, name) for name in (*_LABEL, "text", "visible")}
            for name, value in {**_LABEL, "text": self.slab.words, "visible": True}.items():
                setattr(overlay, name, value)
        elif self._label:
            for name, value in self._label.items():
                setattr(overlay, name, value)
            self._label = {}
