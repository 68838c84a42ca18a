"""One image under review: its layer, its session, and what draws it."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari.layers import Image as ImageLayer
from napari.layers import Layer

from .layers import view_state
from .layers.masks.volume import VolumeMaskBinding
from .layers.radiograph import RadiographLayers
from .layers.spheres.layer import SphereBinding
from .layers.spheres.rings import RingLayer
from .layers.truth.layer import TRUE_NODULES
from .layers.truth.outcomes import TruthLayers
from .layers.view_state import set_visible
from .session.session import Session
from .session.truth import TruthReview
from .training.findings import Finding


@dataclass(eq=False)
class ReviewedImage:
    """An image layer with its session and what draws it: the binding of spheres, their rings, masks, a radiograph's layers.

    `truth` is what its findings are compared with, drawn by `truth_layers`. `companions` are further layers that are shown and
    hidden with it, `legend` a symbol, words and a colour that say what they are, `view` how it was looked at when another image
    was chosen.
    """

    layer: ImageLayer
    session: Session
    binding: SphereBinding
    rings: RingLayer
    truth: TruthReview
    truth_layers: TruthLayers
    radiograph: RadiographLayers | None = None
    companions: list[Layer] = field(default_factory=list)
    legend: tuple[str, str, str] | None = None
    view: view_state.ViewState | None = None
    masks: VolumeMaskBinding | None = None

    @property
    def drawn(self) -> tuple[Layer, ...]:
        """The layers that show its findings."""
        masks = self.masks.layer if self.masks is not None else None
        spheres = (layer for layer in (masks, self.binding.layer, self.rings.layer) if layer is not None)
        return (*spheres, *(self.radiograph.layers if self.radiograph is not None else ()))

    def marked(self) -> tuple[Finding, ...]:
        """The findings that are drawn where the layers have them; none of a kind whose layer a person deleted."""
        if self.radiograph is None:
            masks = self.masks is None or self.masks.deleted
            outlined = () if masks else (f for f in self.session.visible if f.kind == "mask")
            return (*self.binding.present(), *outlined)
        return () if self.radiograph.boxes.deleted else self.session.visible

    def true_findings(self) -> list[Finding]:
        """The true nodules that are drawn."""
        return [f for layer in self.companions if layer.visible for f in layer.metadata.get(TRUE_NODULES, ())]

    def set_current(self, current: bool) -> None:
        """Show the image and all that is drawn over it, or hide them while another image is reviewed."""
        set_visible(self.layer, current)
        self.binding.set_current(current)
        self.rings.set_current(current)
        if self.masks is not None:
            self.masks.set_current(current)
        if self.radiograph is not None:
            self.radiograph.set_current(current)
        self.truth_layers.set_current(current)
        for layer in self.companions:
            set_visible(layer, current)

    def bring_back(self) -> bool:
        """Draw again what a person deleted of its drawings; False where nothing was."""
        spheres = (
            self.binding.deleted or self.rings.deleted or (self.masks is not None and self.masks.deleted)
        )
        deleted = spheres or (self.radiograph is not None and self.radiograph.deleted)
        if deleted:
            self.session.events.overlays.emit(self.session.overlays_shown)
        return deleted

    def settle(self) -> bool:
        """Take what was just painted as a command; False while somebody paints, and nothing may be taken back."""
        return all(painted.settle() for painted in (self.masks, self.radiograph) if painted is not None)

    def close(self, *, wait: bool = True) -> None:
        """Take its drawings out, and save, at once or in the background."""
        self.let_go()
        self.session.close(wait=wait)

    def let_go(self) -> None:
        """Take its drawings out; another layer goes on with the session."""
        self.truth_layers.close()
        if self.masks is not None:
            self.masks.close()
        if self.radiograph is not None:
            self.radiograph.close()
        self.rings.close()
        self.binding.close()
