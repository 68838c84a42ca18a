"""Which images of the viewer are under review: one session each, and the one that the dock acts on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer
from psygnal import Signal, SignalGroup

from .layers import planes
from .layers.heat_map import EVIDENCE
from .layers.radiograph import RadiographLayers
from .layers.spheres import SphereBinding, image_from_layer
from .session.session import Session

log = logging.getLogger("napari_lungmtl")


@dataclass(frozen=True, eq=False)
class Study:
    """An image layer with its session and what draws it: the binding of spheres, and the layers of a radiograph."""

    layer: ImageLayer
    session: Session
    binding: SphereBinding
    radiograph: RadiographLayers | None = None

    @property
    def drawn(self) -> tuple[Layer, ...]:
        """The layers that show its findings."""
        spheres = () if self.binding.layer is None else (self.binding.layer,)
        return (*spheres, *(self.radiograph.layers if self.radiograph is not None else ()))

    def close(self) -> None:
        """Take its drawings out, and save."""
        if self.radiograph is not None:
            self.radiograph.close()
        self.binding.close()
        self.session.close()


class StudiesEvents(SignalGroup):
    """`current`: the dock acts on another study (or none). `closing`: a study's image layer is gone."""

    current = Signal(object)  # Study | None
    closing = Signal(object)  # Study


class Studies:
    """Follows the viewer's layers; layers are known by identity, so names and order are the person's.

    A study begins when its image layer becomes the active one. Selecting a layer that it drew leads back to it; any
    other layer that is no image leaves the dock where it is.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self.events = StudiesEvents()
        self._viewer = viewer
        self._studies: list[Study] = []
        self._refused: list[Layer] = []
        self._current: Study | None = None
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.layers.events.removed.connect(self._on_removed)
        self._on_active()

    @property
    def current(self) -> Study | None:
        """What the dock acts on."""
        return self._current

    def __iter__(self):
        return iter(self._studies)

    def close(self) -> None:
        """Save everything and let go of the viewer."""
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        for study in self._studies:
            study.close()
        self._studies.clear()

    def _on_active(self, _event: object = None) -> None:
        active = self._viewer.layers.selection.active
        drawn_by = next((s for s in self._studies if any(active is layer for layer in s.drawn)), None)
        if isinstance(active, ImageLayer) and not active.metadata.get(EVIDENCE):
            self._set_current(self._study(active))
        elif drawn_by is not None:
            self._set_current(drawn_by)
        elif self._current is None:
            self._set_current(self._topmost())

    def _on_removed(self, event: object) -> None:
        removed = event.value  # type: ignore[attr-defined]
        self._refused = [layer for layer in self._refused if layer is not removed]
        study = next((s for s in self._studies if s.layer is removed), None)
        if study is None:
            return
        self._studies.remove(study)
        self.events.closing.emit(study)
        if study is self._current:
            self._set_current(self._topmost())
        study.close()

    def _topmost(self) -> Study | None:
        images = (
            layer
            for layer in reversed(self._viewer.layers)
            if isinstance(layer, ImageLayer) and not layer.metadata.get(EVIDENCE)
        )
        return next((s for s in map(self._study, images) if s is not None), None)

    def _study(self, layer: ImageLayer) -> Study | None:
        """The layer's study, begun if need be; None for what is no medical image (colour, more than three axes)."""
        for study in self._studies:
            if study.layer is layer:
                return study
        if any(layer is refused for refused in self._refused):
            return None
        try:
            image = image_from_layer(layer)
        except ValueError as error:
            log.info("layer %s is not reviewed: %s", layer.name, error)
            self._refused.append(layer)
            return None
        session = Session()
        radiograph = RadiographLayers(self._viewer, session, layer) if image.ndim == 2 else None
        study = Study(layer, session, SphereBinding(self._viewer, session), radiograph)
        self._studies.append(study)  # before the session opens: drawing adds a layer, which comes back here
        session.open(image)
        if image.ndim == 3:
            planes.see_through(layer)
        return study

    def _set_current(self, study: Study | None) -> None:
        if study is not self._current:
            for other in self._studies:
                if other.radiograph is not None:
                    other.radiograph.heat.set_current(other is study)
            self._current = study
            self.events.current.emit(study)
