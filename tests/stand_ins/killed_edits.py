"""Processes that edit findings and are killed: imports are paid for once, each process is a fork."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from napari_lungmtl.session.autosave import Write
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

EDITS, PAUSE = 500, 0.002
WRITES, WRITTEN = -1, -2


def image_of(folder: Path) -> Image:
    """What is edited."""
    return Image(np.zeros((2, 2, 2)), "CT", (1, 1, 1), series_uid="killed", source=folder)


def edit(folder: Path, told: int) -> None:
    """Give 500 commands of several kinds, and tell the number and time of each; the first finding's note counts them.

    Also told is when a write begins (-1) and ends (-2): how long one takes is the disk's affair.
    """
    session = Session()
    saver = session.saving._autosave
    saver._write = partial(_write, told, saver._write)
    session.open(image_of(folder))
    found = (
        Finding(Sphere((float(n), 1, 1), 5), provenance=Provenance("net"), id=f"f{n}") for n in range(20)
    )
    session.replace_findings(Findings(tuple(found)))
    for n in range(EDITS):
        change = [
            session.findings["f0"].with_(note=str(n)),
            session.findings[f"f{1 + n % 19}"].with_(label=f"{n}"),
        ]
        add = [Finding(Sphere((1.0, 2.0, float(n)), 4.0), id=f"own{n}")] if n % 10 == 0 else []
        session.edit(change=change, add=add, remove=[f"own{n - 10}"] if n % 10 == 0 and n else [])
        os.write(told, f"{n} {time.monotonic()}\n".encode())
        time.sleep(PAUSE)
    time.sleep(60)


def _write(told: int, write: Write, findings: Findings) -> None:
    os.write(told, f"{WRITES} {time.monotonic()}\n".encode())
    write(findings)
    os.write(told, f"{WRITTEN} {time.monotonic()}\n".encode())


def start(folder: Path) -> int:
    """Fork a process that edits; its number."""
    folder.mkdir()
    told = os.open(folder / "told", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    child = os.fork()
    if not child:
        try:
            edit(folder, told)
        finally:
            os._exit(1)
    os.close(told)
    return child


def kill_many(root: Path, times: list[float], together: int) -> None:
    """Kill a process for each of the times (seconds after its first edit), some side by side; writes when into ``killed``."""
    waiting = list(enumerate(times))
    while waiting:
        batch, waiting = waiting[:together], waiting[together:]
        children = [(start(root / str(k)), root / str(k), after) for k, after in batch]
        began: dict[int, float] = {}
        while children:
            time.sleep(0.005)
            for child in list(children):
                pid, folder, after = child
                if pid not in began:
                    if (folder / "told").stat().st_size:
                        began[pid] = time.monotonic()
                elif time.monotonic() - began[pid] >= after:
                    os.kill(pid, signal.SIGKILL)
                    (folder / "killed").write_text(str(time.monotonic()))
                    os.waitpid(pid, 0)
                    children.remove(child)


if __name__ == "__main__":
    kill_many(Path(sys.argv[1]), [float(t) for t in sys.argv[2:]], together=5)
