"""Label volumes (NIfTI, NRRD, MetaImage) as truth: each label, or each component of a volume of zeros and ones, is a nodule."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....error_boundary import reads
from ....imaging.image import Image
from ....imaging.read import read_labels
from ...finding import Finding, Findings, ImageReference, Mask
from ...truth import TRUTH, Truth
from ..errors import FindingsFileError

MOST = 1000
"""Labels or components from which on a volume holds no nodules."""


@reads(FindingsFileError)
def label_truth(path: Path | str, image: Image) -> Truth:
    """Read a label volume as the truth of a CT; it lies where its header says, on a lattice of its own.

    Several labels are one nodule each; where there is one label only, its components are (26 neighbours).

    Raises
    ------
    FindingsFileError
        It is an image and holds no labels, has no label, too many, or none of them lies on the image.
    """
    import cc3d
    from scipy.ndimage import find_objects

    if image.ndim != 3:
        raise FindingsFileError(
            f"{path} is a label volume, and the image is flat: open the CT that it was drawn on."
        )
    volume = read_labels(Path(path))
    labels = volume.voxels
    if volume.ndim != 3 or not np.array_equal(labels, np.rint(labels)) or labels.min() < 0:
        raise FindingsFileError(
            f"{path} is an image and no label volume, which has whole numbers from 0: choose another file."
        )
    present = np.unique(labels)
    names = [int(label) for label in present[present > 0]]
    if len(names) == 1:
        labels = cc3d.connected_components(labels > 0, connectivity=26)
        names = list(range(1, int(labels.max()) + 1))
    if not 0 < len(names) <= MOST:
        raise FindingsFileError(
            f"{path} has {len(names)} labels, which are no nodules: choose a volume in which each nodule has a number of its own."
        )
    boxes = find_objects(labels.astype(np.int32))
    items: list[Finding] = []
    outside = 0
    for name in names:
        box = boxes[name - 1]
        corner = volume.to_world([part.start for part in box])
        mask = Mask.from_array(labels[box] == name, volume.scale, tuple(corner))
        if image.contains(mask.center):
            items.append(
                Finding(mask, provenance=TRUTH, status="accepted", note=f"label {name}", id=f"label{name}")
            )
        else:
            outside += 1
    if not items:
        raise FindingsFileError(
            f"{path}: all {outside} labels lie outside of the image: open the CT that they were drawn on."
        )
    problems = (f"{path}: {outside} labels lie outside of the image, and are left out.",) if outside else ()
    return Truth(Findings(tuple(items), ImageReference.of(image)), problems=problems, source=str(path))
