"""All that is drawn over a radiograph: heat map, lungs, masks and boxes, in this order from below."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer

from .boxes_layer import BoxBinding
from .heat_map import HeatMap
from .lungs_layer import LungBinding
from .masks_layer import MaskBinding
from .session import Session


class FilmLayers:
    """The drawings of one radiograph's session.

    Parameters
    ----------
    viewer, session
        As for a `Binding`.
    layer
        The radiograph's own layer.
    """

    def __init__(self, viewer: ViewerModel, session: Session, layer: ImageLayer) -> None:
        self.boxes = BoxBinding(viewer, session)
        self.masks = MaskBinding(viewer, session, (self.boxes,))
        self.lungs = LungBinding(viewer, session, (self.masks, self.boxes))
        self.heat = HeatMap(viewer, session, layer)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that are there."""
        found = (self.heat.layer, self.lungs.layer, self.masks.layer, self.boxes.layer)
        return tuple(layer for layer in found if layer is not None)

    def close(self) -> None:
        """Take everything out."""
        for drawing in (self.heat, self.lungs, self.masks, self.boxes):
            drawing.close()
