"""Nodule masks beside the outlines of LIDC's readers: does the network lie as near to them as they do to each other?

python experiments/nodule_masks/readers.py ../shared/data

Nodules that at least three readers outlined, on the scans of which images and readings are at hand, each marked by the mean of the
readers' spheres; *joint* are the voxels that half of the readers enclose.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings import Finding, Mask
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.read import read_image
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.ops.masks import dice

SCANS = (
    ("dicom/LIDC-IDRI-0002", "LIDC-IDRI-0002_185_071.xml"),
    ("dicom/LIDC-IDRI-0003", "LIDC-IDRI-0003_185_072.xml"),
    ("ct/whole/LIDC-IDRI-0063.nii.gz", "LIDC-IDRI-0063_185_197.xml"),
)
WHOLE = 512
"""Rows of a slice as it was read."""
CUT_ROWS = 76
"""Rows that ``ct/whole`` lacks at the top of LIDC-IDRI-0063: the readers counted them."""


def as_read(image: Image) -> Image:
    """Give a scan the rows back that were cut off."""
    if image.shape[1] == WHOLE:
        return image
    voxels = np.full((image.shape[0], WHOLE, WHOLE), -1024, np.int16)
    voxels[:, CUT_ROWS : CUT_ROWS + image.shape[1]] = image.voxels
    z, y, x = image.origin
    return replace(image, voxels=voxels, origin=(z, y - CUT_ROWS * image.spacing[1], x))


def on_grid(mask: Mask, image: Image) -> np.ndarray:
    """The mask on the voxels of its image; what lies beyond is cut off."""
    whole = np.zeros(image.shape, bool)
    inside = np.argwhere(mask.to_array()) + np.rint(image.to_index(mask.origin)).astype(int)
    whole[tuple(inside[((inside >= 0) & (inside < image.shape)).all(1)].T)] = True
    return whole


def of_lesion(readers: dict[str, list[Finding]], joint: np.ndarray, image: Image) -> list[np.ndarray]:
    """What each reader outlined of the lesion whose joint outline is given."""
    masks = [on_grid(f.geometry, image) for found in readers.values() for f in found]
    return [mask for mask in masks if (mask & joint).any()]


def main(data: Path) -> None:
    """Print the table."""
    outliner = load_predictor("nodule_masks", "cpu")
    table = Table(
        "scan",
        "diameter",
        "readers",
        "two readers",
        "reader, joint",
        "network, joint",
        "volumes, mm³",
        "together",
        "network's",
    )
    for scan, readings in SCANS:
        image = as_read(read_image(data / scan))
        truth = load_truth(data / "lidc_xml" / readings, image)
        readers = {name: list(found) for name, found in truth.readers.items()}
        for nodule in truth.nodules:
            joint, sphere = on_grid(nodule.geometry, image), truth.sphere(nodule)
            outlines = of_lesion(readers, joint, image)
            found = outliner.outline(image, sphere)
            ours = on_grid(found.mask, image)
            voxel = float(np.prod(image.spacing))
            pairs = [dice(a, b) for a, b in itertools.combinations(outlines, 2)]
            table.add_row(
                Path(scan).name.partition(".")[0],
                f"{sphere.diameter:.1f} mm",
                str(len(outlines)),
                f"{np.mean(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f})",
                f"{np.mean([dice(o, joint) for o in outlines]):.2f}",
                f"{dice(ours, joint):.2f}",
                ", ".join(f"{o.sum() * voxel:.0f}" for o in outlines),
                f"{np.any(outlines, axis=0).sum() * voxel:.0f}",
                f"{ours.sum() * voxel:.0f} ({found.low:.0f}–{found.high:.0f})",
            )
    Console(width=150).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
