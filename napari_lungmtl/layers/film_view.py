"""A radiograph turned, mirrored and inverted on the canvas: by camera and order of axes, so that all that is drawn turns along.

Nothing is moved in the world: layers, findings and files keep the radiograph's own orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer

from ..session.session import Session
from ..training.imaging.radiograph.orientation import AS_STORED, Orientation
from . import planes

GRAY, INVERTED = "gray", "gray_r"
"""Colour maps of a radiograph as it is, and with bright and dark exchanged."""


@dataclass(frozen=True)
class ScreenAxes:
    """Which of a picture's world axes (0 y, 1 x) run down and to the right on the screen, each with −1 where it runs the other way.

    Screen positions are (row, column) from the middle of the canvas, rows growing downwards.
    """

    down: tuple[int, int] = (0, 1)
    right: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, orientation: Orientation) -> ScreenAxes:
        """Those of a radiograph that is looked at like that."""
        return cls(*orientation.screen_axes)

    @classmethod
    def now(cls, viewer: ViewerModel) -> ScreenAxes:
        """Those of a viewer's last two axes."""
        vertical, horizontal = viewer.scene.camera.orientation2d
        y, x = (axis - viewer.dims.ndim + 2 for axis in viewer.dims.displayed[-2:])
        return cls((y, 1 if vertical == "down" else -1), (x, 1 if horizontal == "right" else -1))

    def to_screen(self, steps: np.ndarray) -> np.ndarray:
        """Steps (…, 2) down and to the right of steps y, x in the world."""
        steps = np.asarray(steps, float)
        return np.stack([steps[..., axis] * sign for axis, sign in (self.down, self.right)], axis=-1)

    def to_world(self, steps: np.ndarray) -> np.ndarray:
        """Steps (…, 2) y, x in the world of steps down and to the right."""
        steps = np.asarray(steps, float)
        world = np.empty(steps.shape)
        for place, (axis, sign) in enumerate((self.down, self.right)):
            world[..., axis] = steps[..., place] * sign
        return world

    @property
    def camera(self) -> tuple[str, str, str]:
        """napari's orientation of the camera."""
        return "away", "down" if self.down[1] > 0 else "up", "right" if self.right[1] > 0 else "left"


class FilmView:
    """Keeps canvas and grey values of one radiograph in step with its session's orientation, while it is the one reviewed.

    Parameters
    ----------
    viewer, session
        As for a `LayerFollower`.
    layer
        The radiograph's own layer.
    """

    def __init__(self, viewer: ViewerModel, session: Session, layer: ImageLayer) -> None:
        self._viewer, self._session, self._layer = viewer, session, layer
        self._current = False
        self._shown = AS_STORED
        session.events.findings.connect(self._on_findings)

    def close(self) -> None:
        """Stop following, and leave the canvas as napari has it."""
        self._session.events.findings.disconnect(self._on_findings)
        self.set_current(False)

    def set_current(self, current: bool) -> None:
        """Turn the canvas, or leave it to another image."""
        was, self._current = self._current, current
        if current:
            self.show()
        elif was:
            self._hold(AS_STORED)

    def show(self) -> None:
        """Turn canvas and grey values as the session says; where that turns the canvas, show all of the radiograph."""
        orientation = self._session.orientation
        if orientation.inverted != self._shown.inverted:
            self._layer.colormap = INVERTED if orientation.inverted else GRAY
        self._shown = orientation
        if self._hold(orientation):
            planes.fit(self._viewer)

    def _on_findings(self, _findings: object) -> None:
        if self._current and self._session.orientation != self._shown:
            self.show()

    def _hold(self, orientation: Orientation) -> bool:
        """Turn the canvas; whether that changed anything."""
        dims, camera = self._viewer.dims, self._viewer.scene.camera
        if dims.ndisplay != 2 or dims.ndim < 2:
            return False
        axes = ScreenAxes.of(orientation)
        order = (*range(dims.ndim - 2), *(dims.ndim - 2 + axis for axis, _ in (axes.down, axes.right)))
        before = tuple(dims.order), tuple(str(part) for part in camera.orientation)
        if before == (order, axes.camera):
            return False
        dims.order = order  # which turns the camera back
        camera.orientation = axes.camera
        return True
