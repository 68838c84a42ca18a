"""A small store of real radiographs, made up: two sites, five folds, a bright square for each nodule."""

import numpy as np

from napari_lungmtl.training.data.simulation.real_store import RealStore

from .prepared_stores import lungs, radiograph, views

BOX = (150, 200, 174, 224)


def store(patients: int = 60) -> RealStore:
    """As many radiographs of each kind: JSRT with and without nodules, NIH with a generous box and without."""
    n = patients
    source = np.array(["jsrt", "nih_boxed", "jsrt", "nih_clear"] * (n // 4))
    positive = np.array([True, True, False, False] * (n // 4))
    pixels = np.stack([np.rint(255 * radiograph(i % 5, i)) for i in range(n)]).astype(np.uint8)
    x0, y0, x1, y1 = BOX
    pixels[positive, y0:y1, x0:x1] = 200
    with_box = np.flatnonzero(positive)
    return RealStore(
        pixels=pixels,
        lungs=np.stack([np.packbits(lungs(i % 5), axis=-1) for i in range(n)]),
        outlined=source == "jsrt",
        placeable=np.arange(n) != 3,
        boxes=np.tile(np.array(BOX, np.float32), (len(with_box), 1)),
        box_radiograph=with_box,
        box_mm=np.full(len(with_box), 14, np.float32),
        generous=source != "jsrt",
        complete=source != "nih_boxed",
        name=np.array([f"{s}{i}" for i, s in enumerate(source)]),
        patient=np.array([f"p{i}" for i in range(n)]),
        source=source,
        fold=np.array([str(i // 4 % 5) for i in range(n)]),
        mm=np.full(n, 0.84, np.float32),
        views=views(),
    )
