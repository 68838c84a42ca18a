"""A detector that marks what is dense in a small, and nothing that touches the border: it needs no network."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.ndimage import center_of_mass, label

from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

INFO = ModelInfo("fake", "Blob detector", "Marks dense blobs.", ("CT",), "1.0", 0.5)


class BlobDetector:
    """Follows the Predictor protocol; `blind` is a world z (mm) below which it sees nothing."""

    def __init__(self, blind: float = -np.inf, score: float = 0.9) -> None:
        self.info, self.blind, self.score = INFO, blind, score
        self.seen = 0

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return a sphere for each blob above -400 HU that does not touch the border."""
        self.seen += 1
        yield Progress(0.5, "detecting")
        blobs, count = label(image.voxels > -400)
        touching = set(
            np.unique(np.concatenate([np.take(blobs, e, a).ravel() for a in range(3) for e in (0, -1)]))
        )
        inner = [i for i in range(1, count + 1) if i not in touching]
        found = []
        for middle in center_of_mass(blobs > 0, blobs, inner) if inner else ():
            place = image.to_world(middle)
            if place[0] >= self.blind:
                found.append(Finding(Sphere(tuple(map(float, place)), 5.0), score=self.score))
        return Findings(tuple(found))
