"""Spheres and masks that grow to the nodule under the cursor, off the GUI thread, and come back as one command."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject

from ..jobs.latest import LatestAnswer
from ..session.session import Session
from ..training.findings import Finding, Mask, Sphere
from ..training.imaging.image import Image
from . import commands

_POINTS = 200
"""Of a painted mask, at most, that say where the nodule is."""


class Growing(QObject):
    """Snaps spheres to nodules and grows masks of them.

    Parameters
    ----------
    session
        Gives the session that is looked at, or None.
    show_masks
        Called when there is a mask to be seen.
    """

    def __init__(self, session: Callable[[], Session | None], show_masks: Callable[[], object]) -> None:
        super().__init__()
        self._session, self._show_masks = session, show_masks
        self._take: Callable[[object], None] | None = None
        self.answer = LatestAnswer("the nodule under the cursor could not be grown", self)
        self.answer.ready.connect(self._on_ready)
        self.answer.failed.connect(show_info)

    def snap(self, point: tuple[float, ...]) -> None:
        """Put a sphere on the nodule at a world point (z, y, x): the selected one if the point is in or near it, else a new one."""
        self._grow(point, as_mask=False)

    def grow(self, point: tuple[float, ...]) -> None:
        """Grow a mask of the nodule at a world point: the selected finding's if the point is in or near it, else of a new one.

        A selected mask is taken for a stroke through the nodule, wherever the point is.
        """
        self._grow(point, as_mask=True)

    def let_go(self) -> None:
        """Want nothing any more."""
        self.answer.forget()

    def _grow(self, point: tuple[float, ...], *, as_mask: bool) -> None:
        session = self._session()
        image = session.image if session is not None else None
        if session is None or image is None or image.ndim != 3:
            show_info("Spheres and masks grow on a CT: on a radiograph draw a box or paint a mask.")
            return
        finding = _meant(session, point)
        shape = finding.geometry if finding is not None else None
        stroke = isinstance(shape, Mask) and as_mask
        points = _points_of(shape) if isinstance(shape, Mask) and stroke else [point]
        diameter = shape.diameter if shape is not None and not stroke else None
        self._take = partial(self._put, session, image, finding, as_mask)
        self.answer.ask((id(session), point, as_mask), lambda: _steps(image, points, diameter))

    def _on_ready(self, grown: object) -> None:
        if self._take is not None:
            self._take(grown)

    def _put(
        self, session: Session, image: Image, finding: Finding | None, as_mask: bool, grown: object
    ) -> None:
        """Make a command of what has grown, unless another image or other findings are there now."""
        if session.image is not image:
            return
        geometry = grown.mask if as_mask else grown.sphere  # type: ignore[attr-defined]
        if finding is None:
            commands.draw(session, geometry)
        elif any(f is finding for f in session.findings):
            commands.reshape(session, finding.id, geometry)
        else:
            return
        if as_mask:
            self._show_masks()
        for note in grown.notes:  # type: ignore[attr-defined]
            show_info(note)


def _meant(session: Session, point: tuple[float, ...]) -> Finding | None:
    """The selected finding, if the point lies in it or within its radius of it; a mask on any slice."""
    if session.selected is None:
        return None
    finding = session.findings[session.selected]
    if len(finding.center) != 3:
        return None
    near = float(np.linalg.norm(np.subtract(finding.center, point))) <= max(finding.diameter, 4.0)
    return finding if near and isinstance(finding.geometry, Sphere | Mask) else None


def _points_of(mask: Mask) -> list:
    voxels = np.argwhere(mask.to_array())
    voxels = voxels[:: max(1, len(voxels) // _POINTS)]
    return (voxels * np.asarray(mask.spacing) + np.asarray(mask.origin)).tolist()


def _steps(image: Image, points: list, diameter: float | None) -> Generator[object, None, object]:
    from ..training.segmentation.grow import grow

    yield None
    return grow(image, points, diameter)
