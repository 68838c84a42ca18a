"""A small store made on the spot: phantom-like radiographs with exact lungs."""

import numpy as np

from napari_lungmtl.training.data.simulation.nodule_views import SIZE, VIEWS, NoduleViews
from napari_lungmtl.training.data.simulation.radiographs import RadiographStore

SIDE = 512


def lungs(shift=0):
    """Two ellipses (2, side, side)."""
    y, x = np.indices((SIDE, SIDE))
    return np.stack(
        [((y - 250 - shift) / 150) ** 2 + ((x - c) / 70) ** 2 < 1 for c in (160 + shift, 350 + shift)]
    )


def radiograph(shift=0, seed=0):
    """Dark lungs in bright tissue, with some texture (side, side), 0–1."""
    rng = np.random.default_rng(seed)
    picture = np.where(lungs(shift).any(0), 0.25, 0.75) + rng.normal(0, 0.01, (SIDE, SIDE))
    return picture.astype(np.float32).clip(0, 1)


def views(folds=("0", "1", "2", "3", "4")):
    """A ball of 12 mm for each fold; its peak tells the fold: 0.2, 0.22 …"""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    ball = np.sqrt(np.clip(1 - (y**2 + x**2) / 36, 0, None))
    attenuation = np.stack([np.stack([ball * (0.2 + 0.02 * int(f))] * VIEWS) for f in folds])
    n = len(folds)
    return NoduleViews(
        attenuation.astype(np.float16), np.full(n, 12, np.float32), np.array(folds), np.array(folds)
    )


def store():
    """Ten NIH radiographs (two of each fold), one of ``never``, one with masks, one phantom with a nodule."""
    n = 13
    nodules = np.zeros((n, SIDE, SIDE), bool)
    nodules[12, 200:220, 150:170] = True
    source = np.array(["nih"] * 11 + ["lung_masks", "phantom"])
    fold = np.array([str(i % 5) for i in range(10)] + ["never", "2", "2"])
    return RadiographStore(
        pixels=np.stack([np.rint(255 * radiograph(i, i)) for i in range(n)]).astype(np.uint8),
        lungs=np.stack([lungs(i) for i in range(n)]),
        nodules=nodules,
        boxes=np.array([[150, 200, 170, 220]], np.float32),
        box_radiograph=np.array([12]),
        box_mm=np.array([16.0], np.float32),
        name=np.array([f"radiograph{i}" for i in range(n)]),
        source=source,
        fold=fold,
        mm=np.full(n, 0.84, np.float32),
        outlined=np.array([True] * 10 + [False] + [True] * 2),
        clear=np.array([True] * 10 + [False] * 3),
        views=views(),
    )
