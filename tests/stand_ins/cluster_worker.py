"""Workers with a toy in place of the networks: a preload of Dask's workers, and the same for a client.

What the toy does is said by the brightest voxel of a study: `KILLS` takes its worker with it, `KILLS_ONCE` only the first time.
Each study that is written is a line of ``ran.log``; where the folder of results holds a file ``FULL``, the disk is.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from threading import Lock
from unittest.mock import patch

from napari_lungmtl.training.cli.many.tally import Tally
from napari_lungmtl.training.cluster import worker
from napari_lungmtl.training.cluster.task import DONE, Outcome
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress
from napari_lungmtl.training.inference.weights import ModelCard

INFO = ModelInfo("toy", "Toy", "Marks each study once.", ("CT",), "1.0")
KILLS, KILLS_ONCE = 3000, 3001
LOG, FULL = "ran.log", "FULL"
DIES_AFTER = "LUNGMTL_TOY_DIES_AFTER"
writing = Lock()


class Toy:
    info = INFO

    def run(self, image):
        folder = Path(os.environ["LUNGMTL_TOY"])
        yield Progress(0.1, "detecting")
        brightest = int(image.voxels.max())
        once = folder / "killed"
        if brightest == KILLS or (brightest == KILLS_ONCE and not once.exists()):
            if brightest == KILLS_ONCE:
                once.touch()
            with writing:  # nobody could tell whether what is being written was
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        score = (1000 + brightest % 1000) / 2000
        found = Finding(Sphere((-98, 12, 23), 9), score, provenance=Provenance("toy", "1.0"))
        return Findings((found,), ImageReference.of(image))


class Store:
    def of(self, _info, _device):
        return Toy()


def use_toy() -> None:
    """Put the toy in the place of all networks of this process, for good."""
    card = ModelCard("toy", "1.0", "Toy", "", ("CT",), {}, sha256="00ff")
    registry.models = lambda: (INFO,)
    registry.card_of = lambda info: card
    model_store.store = Store()


def write_or_be_full(findings, path, write=worker.write_findings):
    """Write and say so in the log, or meet a full disk at the last moment."""
    full = (path.parents[2] / FULL).exists()
    with writing, (Path(os.environ["LUNGMTL_TOY"]) / LOG).open("a") as log:
        if full:
            with patch.object(os, "fsync", side_effect=OSError(errno.ENOSPC, "No space left on device")):
                write(findings, path)
        write(findings, path)
        log.write(f"{findings.image.series_uid}\n")


def dask_setup(_worker) -> None:
    """Dask calls this in each new worker."""
    use_toy()
    worker.write_findings = write_or_be_full


def die_after(count: int) -> None:
    """Kill this process, a client, as soon as it has taken so many studies that are done."""
    take, done = Tally.take, []

    def take_or_die(tally: Tally, outcome: Outcome) -> None:
        take(tally, outcome)
        if outcome.status == DONE:
            done.append(outcome)
        if len(done) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    Tally.take = take_or_die


if __name__ == "__main__":
    from napari_lungmtl.training.cli.app import main

    use_toy()
    die_after(int(os.environ[DIES_AFTER]))
    main()
