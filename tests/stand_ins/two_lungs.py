"""A made CT for the detector: two lungs in a body, with balls where a test wants them."""

import numpy as np

from napari_lungmtl.training.imaging import Image


def thorax(spacing=(1.0, 1.0, 1.0), origin=(-190.0, -70.0, -95.0), nodules=((30.0, 70.0, 45.0, 12.0),)):
    """Two lungs in a body with dense balls at places in mm from the first voxel's corner; no phantom needed."""
    size = (64.0, 140.0, 190.0)
    shape = tuple(round(n / s) for n, s in zip(size, spacing, strict=True))
    z, y, x = np.meshgrid(
        *[(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij"
    )
    hu = np.full(shape, -1000.0, np.float32)
    hu[((y - 70) / 66) ** 2 + ((x - 95) / 91) ** 2 < 1] = 40
    for cx in (50, 140):
        hu[((y - 70) / 48) ** 2 + ((x - cx) / 36) ** 2 < 1] = -860
    for cz, cy, cx, d in nodules:
        hu[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < (d / 2) ** 2] = 30
    hu += np.random.default_rng(0).normal(0, 20, shape).astype(np.float32)
    first = tuple(o + s / 2 for o, s in zip(origin, spacing, strict=True))
    return Image(hu.astype(np.int16), "CT", spacing, first, "test")
