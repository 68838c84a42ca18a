"""From a point of the map to its nodule: the image comes under review like any other, the finding is selected, the view goes
there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QObject, Signal

from ...jobs.worker import Worker, one_step
from ...layers import planes
from ...layers.image import add_image_layer
from ...reviewed_images import ReviewedImage, ReviewedImages
from ...training.cohort import Cohort, Nodule, read_nodule
from ...training.cohort.cubes import NODULE_CUBE
from ...training.findings import Finding, Findings
from ...training.imaging.image import Image

FIELD_MM = 120.0
"""Width of what is shown round a nodule when its image is opened."""


class NoduleOpener(QObject):
    """Opens nodules of a cohort, reading images off the GUI thread.

    Of the images that it opened only the last stays in the viewer, or a walk over the map would fill the memory; what a
    person did to the others is saved. An image that is in the viewer already is not read again.

    Parameters
    ----------
    viewer, reviewed_images
        Where images go, and what is under review there.
    keep
        Whether the image opened last must stay all the same: a model runs on it.
    """

    opened = Signal(int)
    """The row that is now on screen."""
    failed = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        reviewed_images: Callable[[], ReviewedImages],
        keep: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.reading = Worker(parent=self)
        self.reading.finished.connect(self._on_read)
        self.reading.failed.connect(self.failed)
        self._viewer, self._reviewed_images, self._keep = viewer, reviewed_images, keep
        self._asked: tuple[Cohort, int]
        self._layer: ImageLayer | None = None

    @property
    def asked(self) -> Nodule:
        """The nodule that was asked for last."""
        return self._asked[0].nodules[self._asked[1]]

    def open(self, cohort: Cohort, row: int) -> bool:
        """Show a nodule; True where its image must be read first, and `opened` or `failed` come later."""
        self._asked = cohort, row
        reviewed = next(
            (s for s in self._reviewed_images() if _shows(s.session.image, cohort.nodules[row])), None
        )
        if reviewed is None:
            self.reading.start(partial(one_step, read_nodule, cohort, row))
            return True
        self.reading.cancel()
        self._viewer.layers.selection.active = reviewed.layer
        finding = cohort.nodules[row].finding
        if all(f.id != finding.id and not _covers(f, finding) for f in reviewed.session.findings):
            reviewed.session.edit(add=[finding])
        self._show(reviewed, finding)
        return False

    def _on_read(self, result: tuple[Image, Findings]) -> None:
        image, findings = result
        nodule = self.asked
        former = next((s for s in self._reviewed_images() if s.layer is self._layer), None)
        layer = add_image_layer(self._viewer, image)
        reviewed = self._reviewed_images().current
        if reviewed is None or reviewed.layer is not layer:
            self.failed.emit(f"The image of {nodule.case} cannot be reviewed.")
            return
        self._layer = layer
        if former is not None and not self._keep():
            self._viewer.layers.remove(former.layer)
        reviewed.session.replace_findings(findings)
        _zoom_in(self._viewer, layer)
        self._show(reviewed, nodule.finding)

    def _show(self, reviewed: ReviewedImage, finding: Finding) -> None:
        """Bring the finding up to date, to sight, and to the middle."""
        session = reviewed.session
        session.show_overlays(True)
        # Where a person drew the same nodule, or another run found it, that one was kept.
        known = min(session.findings, key=lambda f: (f.id != finding.id, _distance(f, finding)))
        if known.id == finding.id and known.geometry == finding.geometry:
            known = _with_judgement(known, finding)
            session.edit(change=[known])
        if all(f.id != known.id for f in session.visible):
            limits = session.thresholds
            session.set_thresholds(
                score=min(limits.score, known.score),
                diameter=min(limits.diameter, known.diameter),
                malignancy=min(limits.malignancy, 1.0 if known.malignancy is None else known.malignancy),
            )
        session.select(known.id)
        planes.go_to(self._viewer, known.center)
        _center(self._viewer, known.center)
        self.opened.emit(self._asked[1])


def _shows(image: Image | None, nodule: Nodule) -> bool:
    """Whether an image is the one that a nodule lies in."""
    if image is None:
        return False
    if nodule.cube is not None:
        return image.metadata.get(NODULE_CUBE) == f"{nodule.file}#{nodule.cube}"
    if image.source is None or nodule.source is None:
        return False
    same = Path(image.source).resolve() == nodule.source.resolve()
    return same and image.series_uid in (nodule.case, "")


def _with_judgement(known: Finding, news: Finding) -> Finding:
    """What the cohort says of a nodule, on the finding that a person may have accepted with older predictions."""
    if news.malignancy is None and not news.attributes:
        return known
    return replace(
        known,
        malignancy=news.malignancy,
        malignancy_spread=news.malignancy_spread,
        attributes=news.attributes,
        votes=news.votes,
        unlike=news.unlike,
        opinions=news.opinions,
    )


def _distance(a: Finding, b: Finding) -> float:
    return (
        float(np.linalg.norm(np.subtract(a.center, b.center))) if len(a.center) == len(b.center) else np.inf
    )


def _covers(known: Finding, finding: Finding) -> bool:
    """Whether it is the same nodule under another name."""
    return _distance(known, finding) < known.diameter / 2


def _zoom_in(viewer: ViewerModel, layer: ImageLayer) -> None:
    """Show `FIELD_MM` of a fresh image, or all of a smaller one."""
    low, high = np.asarray(layer.extent.world)
    sides = np.minimum(high - low, FIELD_MM)[list(viewer.dims.displayed)]
    room = np.asarray(viewer.canvas.size, float)
    viewer.scene.camera.zoom = 0.95 * float(np.min(room / (sides[-2:] if len(sides) == 2 else sides.max())))


def _center(viewer: ViewerModel, point: tuple[float, ...]) -> None:
    """Put a world point (z, y, x) into the middle of the canvas."""
    wanted = [point[axis - viewer.dims.ndim] for axis in viewer.dims.displayed]
    camera = viewer.scene.camera
    camera.center = (*camera.center[: 3 - len(wanted)], *wanted)
