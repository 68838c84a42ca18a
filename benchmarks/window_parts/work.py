"""How long the window stands still while torch is loaded, networks run on all cases, and cases come and go."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .measure import GAPS_HEAD, Heartbeat, is_asked, wait

SCANS = 2
CASES = 30
ALONE = "napari alone: open"
SHAPE = (48, 256, 256)


def main(cases: int = CASES, only: Sequence[str] = ()) -> None:
    """Print the tables, or some lines of them (see `is_asked`)."""
    from napari_lungmtl.contributions.samples import sample_ct
    from napari_lungmtl.panel import run
    from napari_lungmtl.training.imaging import read_image

    folder = Path(tempfile.mkdtemp())
    run.WARM_UP_MS = 10**8  # it is started below
    viewer, dock = _window()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs\n{GAPS_HEAD}", flush=True)
    if is_asked(ALONE, only):
        code = "from window_parts.work import alone; alone()"
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).resolve().parent.parent, check=True)
    image = read_image(sample_ct())

    def still(name: str, work: Callable[[], object]) -> None:
        with Heartbeat() as heart:
            work()
        if is_asked(name, only):
            print(heart.row(name), flush=True)

    still("open a CT that has been read", lambda: (_add(viewer, image), wait(lambda: False, 1.0)))
    if is_asked("load torch and the networks ahead", only) or is_asked("Run", only):
        still("load torch and the networks ahead", lambda: _warm_up(dock))
        still("Run", lambda: _run(dock))
    if is_asked(name := f"Run on all, {SCANS} cases", only):
        for number in range(SCANS):
            shutil.copytree(sample_ct(), folder / "run" / f"case {number}")
            _other_series(folder / "run" / f"case {number}", number)
        dock.cases.load([folder / "run"])
        wait(lambda: not dock.cases.search.running)
        still(name, lambda: _run_on_all(dock))
    if is_asked("next case", only):
        _step_through(viewer, dock, folder / "many", cases)
    viewer.close()
    shutil.rmtree(folder)


def alone() -> None:
    """Print how long napari stands still over the same without the dock: in a process of its own, it opens its first layer, too."""
    import napari

    from napari_lungmtl.contributions.samples import sample_ct
    from napari_lungmtl.training.imaging import read_image

    image, viewer = read_image(sample_ct()), napari.Viewer()
    wait(lambda: False, 1.0)
    for nth in ("a CT", "a second CT, the first hidden"):
        with Heartbeat() as heart:
            for layer in viewer.layers:
                layer.visible = False
            _add(viewer, image)
            wait(lambda: False, 1.0)
        print(heart.row(f"{ALONE} {nth}"), flush=True)
    viewer.close()


def _warm_up(dock: Any) -> None:
    dock.run._warm_up()
    wait(lambda: not dock.run._warming.running)


def _run(dock: Any) -> None:
    dock.run.start()
    wait(lambda: not dock.run.runner.running)
    wait(lambda: False, 1.0)


def _run_on_all(dock: Any) -> None:
    dock.cases.run_on_all()
    wait(lambda: not dock.cases.batch.running, 600)


def _step_through(viewer: Any, dock: Any, folder: Path, cases: int) -> None:
    """Open one case after the other by key, mark each as done, and see what memory is left."""
    for number in range(cases):
        _write(folder / f"case {number:02}.nii.gz", number)
    dock.cases.load([folder])
    wait(lambda: not dock.cases.search.running)
    memory, whole = [], Heartbeat()
    with whole:
        for _ in range(cases):
            dock.cases.step(1)
            asked = dock.cases.opener.asked
            wait(lambda: asked.layer is not None and dock.reviewed.layer is asked.layer, 30)  # noqa: B023
            dock.cases.toggle_done()
            wait(lambda: False, 0.6)  # others are let go, the next one is read
            memory.append(resident())
    print(whole.row(f"next case, {cases} times, each marked as done"), flush=True)
    viewer.layers.clear()
    dock.cases.opener.forget()
    wait(lambda: False, 1.0)
    gc.collect()
    voxels = np.prod(SHAPE) * 2 / 2**20
    print(
        f"memory: {memory[0]:.0f} MB with the first case, {memory[len(memory) // 2]:.0f} half-way, {memory[-1]:.0f} with the last,"
        f" {resident():.0f} with all closed; a case has {voxels:.0f} MB of voxels; images that live on: {_living()}",
        flush=True,
    )


def _living() -> int:
    from napari_lungmtl.training.imaging.image import Image

    return sum(isinstance(each, Image) and each.voxels.size >= np.prod(SHAPE) for each in gc.get_objects())


def resident() -> float:
    """Megabytes of the process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def _window() -> tuple[Any, Any]:
    from napari_lungmtl.app import _window

    viewer, dock = _window()
    wait(lambda: False, 1.0)
    return viewer, dock


def _add(viewer: Any, image: Any) -> None:
    from napari_lungmtl.layers.spheres.layer import add_image_layer

    add_image_layer(viewer, image)


def _write(path: Path, number: int) -> None:
    import SimpleITK as sitk

    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    voxels = rng.integers(-1000, -800, SHAPE, np.int16)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.7, 0.7, 2.5))
    sitk.WriteImage(image, str(path), useCompression=False)


def _other_series(folder: Path, number: int) -> None:
    """Give copied slices a series of their own."""
    import pydicom

    for path in folder.iterdir():
        if path.suffix == ".dcm":
            slices = pydicom.dcmread(path)
            slices.SeriesInstanceUID = f"{slices.SeriesInstanceUID}.{number}"
            slices.save_as(path)
        else:
            path.unlink()
