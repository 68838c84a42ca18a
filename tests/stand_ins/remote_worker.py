"""A toy beside the networks of a server: a preload of its workers, and the same for the client.

What the toy does is said by the brightest voxel of an image: `WAITS` goes on until a file ``go`` lies in the folder
``LUNGMTL_TOY``, `KILLS` takes its process with it, `KILLS_ONCE` only the first time. It writes there what it does, to ``toy.log``.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress
from napari_lungmtl.training.inference.weights import ModelCard

INFO = ModelInfo("toy", "Toy", "Marks each image once.", ("CT",), "1.0")
CARD = ModelCard("toy", "1.0", "Toy", "", ("CT",), {}, sha256="00ff")
WAITS, KILLS, KILLS_ONCE, FAILS = 2000, 3000, 3001, 3002


def volume(brightest: int, **about) -> Image:
    """An image that tells the toy what to do."""
    voxels = np.random.default_rng(brightest).integers(-1000, 500, (30, 100, 1000)).astype(np.int16)
    voxels[3, 4, 5] = brightest
    return Image(voxels, "CT", (2.5, 0.7, 0.7), (-100.0, 5.0, -30.0), **about)


class Toy:
    info = INFO

    def run(self, image):
        folder = Path(os.environ["LUNGMTL_TOY"])
        name = image.source or image.series_uid
        brightest = int(image.voxels.max())
        once = folder / "killed"
        yield Progress(0.1, "detecting", note=f"{name} is bright.")
        if brightest == FAILS:
            raise PredictorError(f"{name} fails.")
        if brightest == KILLS or (brightest == KILLS_ONCE and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        log = (folder / "toy.log").open("a", buffering=1)
        log.write(f"begun {brightest}\n")
        try:
            while brightest == WAITS and not (folder / "go").exists():
                time.sleep(0.02)
                yield Progress(0.5, "detecting")
            log.write(f"done {brightest}\n")
        finally:
            log.write(f"ended {brightest}\n")
            log.close()
        found = Finding(
            Sphere((-98, 12, 23), 9), brightest / 10_000, provenance=Provenance("toy", "1.0"), id="t"
        )
        models = ({"name": "toy", "version": "1.0", "doubt": f"{name} is doubtful."},)
        return Findings((found,), ImageReference.of(image), models)


class Store(model_store.ModelStore):
    def of(self, info, device="auto"):
        return Toy() if info.name == INFO.name else super().of(info, device)


def put_toy_beside(put=setattr) -> None:
    """Put the toy beside the networks of this process."""
    models, card, card_of = registry.models, registry.card, registry.card_of
    put(registry, "models", lambda: (INFO, *models()))
    put(registry, "card", lambda name: CARD if name == INFO.name else card(name))
    put(registry, "card_of", lambda info: CARD if info.name == INFO.name else card_of(info))
    put(model_store, "store", Store())


def dask_setup(_worker) -> None:
    """Dask calls this in each new worker."""
    put_toy_beside()
    from napari_lungmtl.training.remote.server import plugin

    plugin.warm_up = lambda infos, device: ()  # torch takes longer than most tests
