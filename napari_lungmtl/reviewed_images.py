"""Which images of the viewer are under review: one session each, and the one that the dock acts on and the canvas shows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer
from psygnal import Signal, SignalGroup

from .jobs.memory import ClosedImages
from .layers import planes, view_state
from .layers.heat_map import EVIDENCE
from .layers.image import IMAGE, agree_on_units
from .layers.masks.volume import VolumeMaskBinding
from .layers.radiograph import RadiographLayers
from .layers.screen import pixel_size
from .layers.spheres.layer import SphereBinding, image_from_layer
from .layers.spheres.rings import RingLayer
from .layers.truth.outcomes import TruthLayers
from .layers.view_state import set_visible
from .reviewed_image import ReviewedImage
from .session.session import Session
from .session.sidecar import Sidecar
from .session.truth import TruthReview
from .training.imaging.image import Image

__all__ = ["ReviewedImage", "ReviewedImages", "ReviewedImagesEvents"]

log = logging.getLogger("napari_lungmtl")


class ReviewedImagesEvents(SignalGroup):
    """`current`: the dock acts on another image (or none). `closing`: the layer of a reviewed image is gone. `listed`: other
    images are open, or they have other names."""

    current = Signal(object)  # ReviewedImage | None
    closing = Signal(object)  # ReviewedImage
    listed = Signal()


class ReviewedImages:
    """Follows the viewer's layers; layers are known by identity, so names and order are the person's.

    A review begins when its image layer becomes the active one; an image that is open twice is one review, seen in two layers.
    Selecting a layer that it drew leads back to it; any other layer that is no image leaves the dock where it is.

    Exactly one image is visible, the current one: of two patients in one picture nobody can tell whose marks are whose.
    The others are hidden, with all that was drawn for them, and come back with slice and zoom when they are chosen, also
    by their eye in the layer list. Layers that a person added are left alone.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self.events = ReviewedImagesEvents()
        self.place: Callable[[Image], Sidecar] = Sidecar
        """Where the findings of images that are opened from now on are read and saved."""
        self._viewer = viewer
        self._reviewed_images: list[ReviewedImage] = []
        self._refused: list[Layer] = []
        self._current: ReviewedImage | None = None
        self._opening = False
        self._going: list[ReviewedImage] | None = None  # while several layers are removed at once
        self._closed_images = ClosedImages(viewer)
        layers = viewer.layers
        self._connections: tuple[tuple[Any, Callable[..., object]], ...] = (
            (layers.selection.events.active, self._on_active),
            (layers.events.removed, self._on_removed),
            (layers.events.inserted, self._on_inserted),
            (layers.events.reordered, self._on_listed),
            *((batch, self._on_batch) for batch in (layers.events.begin_batch, layers.events.end_batch)),
            (viewer.dims.events.range, self._narrow_range),
            *((event, self._agree) for event in (layers.events.inserted, layers.events.removed)),
        )
        for event, slot in self._connections:
            event.connect(slot)
        self._agree()
        self._on_active()

    @property
    def layers(self) -> tuple[ImageLayer, ...]:
        """The open images from below: those under review, and those that will be when they are chosen."""
        return tuple(layer for layer in self._viewer.layers if self._is_open_image(layer))

    def choose(self, layer: ImageLayer) -> None:
        """Put an open image under review."""
        self._viewer.layers.selection.active = layer

    def step(self, step: int) -> None:
        """Put the next (1) or previous (-1) open image under review, round at the ends."""
        layers = self.layers
        if self._current is not None and len(layers) > 1:
            self.choose(layers[(layers.index(self._current.layer) + step) % len(layers)])

    def image_of(self, layer: ImageLayer) -> Image | None:
        """The image of an open layer."""
        reviewed = next((s for s in self._reviewed_images if s.layer is layer), None)
        image = reviewed.session.image if reviewed is not None else layer.metadata.get(IMAGE)
        return image if isinstance(image, Image) else None

    @property
    def current(self) -> ReviewedImage | None:
        """What the dock acts on."""
        return self._current

    def __iter__(self) -> Iterator[ReviewedImage]:
        return iter(self._reviewed_images)

    def attach(self, layer: Layer, legend: tuple[str, str, str] | None = None) -> None:
        """Show and hide a layer together with the current one; `legend` is a symbol, words and a colour."""
        if self._current is not None:
            self._current.companions.append(layer)
            self._current.binding.keep_below(layers=[layer])
            self._current.legend = legend
            self._narrow_range()

    def begin_anew(self, layer: Layer) -> bool:
        """Review a layer as it lies now, and not as it lay; False where that is no medical image, or it is open twice."""
        reviewed = next(s for s in self._reviewed_images if s.layer is layer)
        if sum(other.session is reviewed.session for other in self._reviewed_images) > 1:
            return False
        try:
            image_from_layer(reviewed.layer)
        except ValueError:
            return False
        drawing = any(self._viewer.layers.selection.active is drawn for drawn in reviewed.drawn)
        self._opening = True  # its drawings go, and napari makes another layer the active one
        try:
            self._leave(reviewed)
            reviewed.close(wait=False)
        finally:
            self._opening = False
        anew = self._reviewed_of(reviewed.layer)
        if reviewed is self._current:
            self._set_current(anew)
        elif anew is not None:
            anew.set_current(False)
        if drawing:
            self.choose(reviewed.layer)
        return True

    def close(self) -> None:
        """Save everything and let go of the viewer."""
        self._closed_images.close()
        for event, slot in self._connections:
            event.disconnect(slot)
        for reviewed in self._reviewed_images:
            reviewed.layer.events.visible.disconnect(self._on_visible)
            reviewed.layer.events.name.disconnect(self._on_listed)
            reviewed.close()
        self._reviewed_images.clear()

    def _on_active(self, _event: object = None) -> None:
        if self._opening:
            return
        active = self._viewer.layers.selection.active
        drawn_by = next((s for s in self._reviewed_images if any(active is layer for layer in s.drawn)), None)
        if isinstance(active, ImageLayer) and not active.metadata.get(EVIDENCE):
            self._set_current(self._reviewed_of(active))
        elif drawn_by is not None:
            self._set_current(drawn_by)
        elif self._current is None:
            self._set_current(self._topmost())

    def _is_open_image(self, layer: Layer) -> bool:
        if any(layer is s.layer for s in self._reviewed_images):
            return True
        known = isinstance(layer, ImageLayer) and layer.metadata.get(IMAGE) is not None
        return known and not any(layer is refused for refused in self._refused)

    def _agree(self, _event: object = None) -> None:
        agree_on_units(self._viewer.layers)

    def _on_inserted(self, event: object) -> None:
        """An image that was just opened comes under review by itself: napari makes it the active layer."""
        layer = event.value  # type: ignore[attr-defined]
        if isinstance(layer, ImageLayer) and layer.metadata.get(IMAGE) is not None:
            self._on_listed()

    def _on_listed(self, _event: object = None) -> None:
        self.events.listed.emit()

    def _narrow_range(self, _event: object = None) -> None:
        """The slider has the slices of what can be seen: images that are hidden may lie anywhere, and have others."""
        hidden = [s for s in self._reviewed_images if s is not self._current]
        if self._current is None or (len(self.layers) < 2 and not self._current.companions):
            return
        away = {id(layer) for s in hidden for layer in (s.layer, *s.drawn)}
        # True nodules of the current one, too, may lie beyond a part of a scan.
        beside = [layer for s in self._reviewed_images for layer in (*s.companions, *s.truth_layers.layers)]
        away |= {id(layer) for layer in beside}
        away |= {id(layer) for layer in self.layers if layer is not self._current.layer}
        away |= {id(layer) for layer in self._viewer.layers if layer.metadata.get(EVIDENCE)}  # on their image
        planes.narrow_range(self._viewer, [layer for layer in self._viewer.layers if id(layer) not in away])

    def _on_removed(self, event: object) -> None:
        removed = event.value  # type: ignore[attr-defined]
        self._refused = [layer for layer in self._refused if layer is not removed]
        reviewed = next((s for s in self._reviewed_images if s.layer is removed), None)
        if reviewed is None:
            self._on_listed()
        elif self._going is not None:
            self._going.append(reviewed)
        else:
            self._go(reviewed)

    def _on_batch(self, event: object) -> None:
        """A person removes several layers: drawings of an image among them are napari's to remove, ours only what is left then."""
        if event.type == "begin_batch":  # type: ignore[attr-defined]
            self._going = []
            return
        going, self._going = self._going or [], None
        for reviewed in going:
            self._go(reviewed)

    def _go(self, reviewed: ReviewedImage) -> None:
        """An image was removed."""
        self._leave(reviewed)
        if reviewed is self._current:
            self._set_current(self._topmost())
        if any(other.session is reviewed.session for other in self._reviewed_images):
            reviewed.let_go()
        else:
            reviewed.close(wait=False)
        self._narrow_range()
        self._on_listed()

    def _leave(self, reviewed: ReviewedImage) -> None:
        self._reviewed_images.remove(reviewed)
        reviewed.layer.events.name.disconnect(self._on_listed)
        reviewed.layer.events.visible.disconnect(self._on_visible)
        self.events.closing.emit(reviewed)

    def _topmost(self) -> ReviewedImage | None:
        images = (
            layer
            for layer in reversed(self._viewer.layers)
            if isinstance(layer, ImageLayer) and not layer.metadata.get(EVIDENCE)
        )
        return next((s for s in map(self._reviewed_of, images) if s is not None), None)

    def _reviewed_of(self, layer: ImageLayer) -> ReviewedImage | None:
        """The layer's review, begun if need be; None for what is no medical image (colour, more than three axes)."""
        for reviewed in self._reviewed_images:
            if reviewed.layer is layer:
                return reviewed
        if any(layer is refused for refused in self._refused):
            return None
        try:
            image = image_from_layer(layer)
        except ValueError as error:
            log.info("layer %s is not reviewed: %s", layer.name, error)
            self._refused.append(layer)
            return None
        session = self._session_of(image) or Session(self.place)
        self._opening = True  # drawings of an open session add layers before the review is known
        try:
            radiograph = RadiographLayers(self._viewer, session, layer) if image.ndim == 2 else None
            spheres = SphereBinding(self._viewer, session)
            rings = RingLayer(self._viewer, spheres, pixel_size())
            spheres.keep_below(rings)
            truth = TruthReview(session)
            drawn = TruthLayers(self._viewer, session, truth, spheres)
            reviewed = ReviewedImage(
                layer, session, spheres, rings, truth, drawn, radiograph, drawn.companions
            )
            if image.ndim == 3:
                reviewed.masks = VolumeMaskBinding(self._viewer, session, (spheres,))
        finally:
            self._opening = False
        # Before the session opens: drawing adds a layer, which comes back here.
        self._reviewed_images.append(reviewed)
        if session.image is None:
            session.open(image)
        if image.ndim == 3:
            planes.see_through(layer)
        layer.events.visible.connect(self._on_visible)
        layer.events.name.connect(self._on_listed)
        self._on_listed()
        return reviewed

    def _session_of(self, image: Image) -> Session | None:
        """The session of the same image, if it is open already: two would overwrite each other's findings in one file."""
        path = self.place(image).path
        for session in (reviewed.session for reviewed in self._reviewed_images):
            known = session.image
            if known is None or session.sidecar != path:
                continue
            if (known.shape, known.source) == (image.shape, image.source):
                return session
        return None

    def _set_current(self, reviewed: ReviewedImage | None) -> None:
        former = self._current
        if reviewed is former:
            return
        if former is not None:
            former.view = view_state.remember(self._viewer)
        self._current = reviewed
        if reviewed is not None:
            self._hide_all_but(reviewed)
            self._narrow_range()
            if reviewed.view is not None:  # before it is shown: each of its layers is cut once
                view_state.restore_slice(self._viewer, reviewed.view)
            reviewed.set_current(True)
            if reviewed.view is not None:
                view_state.restore_camera(self._viewer, reviewed.view)
            elif former is not None:  # napari looks at the first image by itself
                view_state.first_look(self._viewer, reviewed.layer)
                if reviewed.radiograph is not None:
                    reviewed.radiograph.view.show()
        self.events.current.emit(reviewed)

    def _hide_all_but(self, reviewed: ReviewedImage) -> None:
        for layer in self._viewer.layers:  # also what was opened before the dock, and has no session yet
            if layer is not reviewed.layer and layer.metadata.get(IMAGE) is not None:
                set_visible(layer, False)
        for other in self._reviewed_images:
            if other is not reviewed:
                other.set_current(False)

    def _on_visible(self, event: object) -> None:
        """A person opened the eye of a hidden image: that is to choose it."""
        layer = event.source  # type: ignore[attr-defined]
        if layer.visible and self._current is not None and layer is not self._current.layer:
            self._viewer.layers.selection.active = layer
