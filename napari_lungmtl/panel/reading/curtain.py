"""What a reader must not see: the sections of the dock that tell of networks, truth or other cases, and layers of others."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtWidgets import QWidget

from ...layers.follower import FOLLOWED
from ...layers.planes import PLANES
from ...reviewed_images import ReviewedImages
from ..show.heat_map_row import HeatMapRow

ALWAYS = frozenset(
    (
        *("next", "previous", "accept", "reject", "delete", "undo", "redo", "smaller", "larger", "overlays"),
        *("corner texts", "fill", "attributes", "linked views", "slab", "thinner", "thicker", "keep window"),
        *("cine", "cine back", "cine slower", "cine faster", "mouse", "help", "picture", "copy picture"),
        *("turn_right", "turn_left", "mirror", "invert", "no tool"),
        *(f"window {n}" for n in range(1, 7)),
        *(f"view {plane}" for plane in PLANES),
        *(f"measure {tool}" for tool in ("line", "ellipse", "rectangle", "angle", "axes")),
    )
)
"""Actions that only look, mark or measure: the keys that go on working while a study runs. What is not named here does not."""


class Curtain:
    """Hides parts of the dock while a study runs, and shows them again as they were.

    Parameters
    ----------
    parts
        All parts of the dock.
    kept
        Those that stay during a study; every other one is hidden, whatever it is.
    until_reveal
        Of these, those that tell what networks think: hidden until the reveal.
    heat
        The row that draws a network's evidence.
    """

    def __init__(
        self,
        parts: Sequence[QWidget],
        kept: Sequence[QWidget],
        until_reveal: Sequence[QWidget],
        heat: HeatMapRow,
    ) -> None:
        self._away = [part for part in parts if part not in kept]
        self._until_reveal = tuple(until_reveal)
        self._heat = heat
        self._hidden: list[QWidget] = []

    def draw(self, *, running: bool, hides_networks: bool) -> None:
        """Hide what must not be seen now, and nothing else."""
        hidden = running and hides_networks
        wanted = [*(self._away if running else ()), *(self._until_reveal if hidden else ())]
        for part in self._hidden:
            if part not in wanted:
                part.show()
        self._hidden = [part for part in wanted if part in self._hidden or not part.isHidden()]
        for part in wanted:
            part.hide()
        self._heat.allow(not hidden)


def foreign_layers(viewer: ViewerModel, images: ReviewedImages) -> list[Layer]:
    """Layers that are neither images nor drawn for one: a person added them, and they may show what is to be found."""
    reviewed = tuple(images)
    drawn = [d for r in reviewed for d in (*r.drawn, *r.companions, *r.truth_layers.layers, r.layer)]
    known = {id(layer) for layer in (*drawn, *images.layers)}
    return [layer for layer in viewer.layers if id(layer) not in known and not layer.metadata.get(FOLLOWED)]
