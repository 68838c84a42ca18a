"""All that is drawn over a radiograph: heat map, lungs, masks and boxes, in this order from below."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer

from ..session.session import Session
from .boxes.layer import BoxBinding
from .film_view import FilmView
from .heat_map import HeatMapLayer
from .masks.lungs import LungBinding
from .masks.nodules import MaskBinding


class RadiographLayers:
    """The drawings of one radiograph's session.

    Parameters
    ----------
    viewer, session
        As for a `Binding`.
    layer
        The radiograph's own layer.
    """

    def __init__(self, viewer: ViewerModel, session: Session, layer: ImageLayer) -> None:
        self.view = FilmView(viewer, session, layer)
        self.boxes = BoxBinding(viewer, session)
        self.masks = MaskBinding(viewer, session, (self.boxes,))
        self.lungs = LungBinding(viewer, session, (self.masks, self.boxes))
        self.heat = HeatMapLayer(viewer, session, layer)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that are there."""
        drawings = (self.heat, self.lungs, self.masks, self.boxes)
        return tuple(d.layer for d in drawings if d.layer is not None)

    @property
    def deleted(self) -> bool:
        """Whether a person deleted a layer that would show something."""
        return any(d.deleted for d in (self.lungs, self.masks, self.boxes))

    def set_current(self, current: bool) -> None:
        """Show the drawings, or hide them while another image is reviewed."""
        self.view.set_current(current)
        for drawing in (self.heat, self.lungs, self.masks, self.boxes):
            drawing.set_current(current)

    def settle(self) -> bool:
        """Take what was just painted as a command; False while somebody paints."""
        return all(painted.settle() for painted in (self.masks, self.lungs))

    def close(self) -> None:
        """Take everything out."""
        for drawing in (self.heat, self.lungs, self.masks, self.boxes):
            drawing.close()
        self.view.close()
