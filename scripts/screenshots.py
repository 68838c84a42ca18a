"""Make the pictures of the window in docs/: after real runs, on data whose pictures may be shown.

    make pictures
    python scripts/screenshots.py [--out DIR] [--size 1440x900] [--theme light] [--only NAME …]      (with a display)

The synthetic studies of ``sample_data`` (no patient) give ``views``, ``measuring`` and ``cases``. From the folder that LUNGMTL_DATA
names come ``screenshot`` (LIDC-IDRI-0003 of LIDC-IDRI, CC BY 3.0), ``radiograph`` (a film of NIH ChestX-ray14, courtesy of the NIH
Clinical Center) and ``cohort`` (nodules of LUNA16, CC BY 4.0); without it they are left as they are. No film of JSRT may be shown.
Set QT_SCALE_FACTOR=2 for a screen of twice the density.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["NAPARI_CONFIG"] = ""  # no settings of whoever makes them
os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = (
    tempfile.mkdtemp()
)

import napari
import numpy as np
from PIL import Image as Picture
from qtpy.QtWidgets import QApplication

from napari_lungmtl.app import read_truth, run_and_wait, show_truth
from napari_lungmtl.contributions.samples import sample_ct, sample_radiograph
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.dock import LungNodulesDock
from napari_lungmtl.session import measuring
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.slab import Slab

HOME = Path(os.environ["XDG_DATA_HOME"])
DOCS = Path(__file__).resolve().parent.parent / "docs"
NODULE = 20
"""Row of the cohort's nodule that is opened."""
DATA = Path(os.environ.get("LUNGMTL_DATA") or "nowhere")
GRAYS, COLORS = 160, 96
"""Of a picture: it needs no more, and its file stays small."""


def wait(done: Callable[[], bool], limit: float = 900.0) -> None:
    """Let the window live until something is done, at most `limit` seconds."""
    end = time.monotonic() + limit
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def rest(seconds: float = 2.5) -> None:
    """Let everything be drawn, and napari's notifications go."""
    wait(lambda: False, seconds)


def with_few_colors(pixels: np.ndarray) -> Picture.Image:
    """A picture (rows, columns, 3) in even grey levels and its own most frequent colours."""
    spread = np.ptp(pixels.astype(int), axis=-1)
    colored = Picture.fromarray(np.ascontiguousarray(pixels[spread > 4][None]))
    own = colored.quantize(COLORS, dither=Picture.Dither.NONE).getpalette() or []
    grays = np.repeat(np.linspace(0, 255, GRAYS).round().astype(int), 3).tolist()
    palette = Picture.new("P", (1, 1))
    palette.putpalette([*grays, *own][: 3 * 256])
    return Picture.fromarray(np.ascontiguousarray(pixels)).quantize(
        palette=palette, dither=Picture.Dither.NONE
    )


class Set:
    """What all pictures have in common: folder, size in pixels and theme."""

    def __init__(self, out: Path, size: tuple[int, int], theme: str) -> None:
        self.out, self.size, self.theme = out, size, theme

    @contextmanager
    def window(self) -> Iterator[tuple[napari.Viewer, LungNodulesDock]]:
        """A window with the dock."""
        viewer = napari.Viewer(title="Lung nodules")
        viewer.theme = self.theme
        _, dock = viewer.window.add_plugin_dock_widget("napari-lungmtl", "Lung nodules")
        viewer.window.resize(*self.size)
        try:
            rest(0.5)
            yield viewer, dock
        finally:
            viewer.close()

    def save(self, viewer: napari.Viewer, name: str) -> None:
        """The whole window as it is now."""
        rest()
        self.out.mkdir(parents=True, exist_ok=True)
        picture = with_few_colors(viewer.screenshot(canvas_only=False, flash=False)[..., :3])
        picture.save(self.out / f"{name}.png", optimize=True)
        print(f"{name}.png: {(self.out / f'{name}.png').stat().st_size / 1000:.0f} kB", flush=True)


def sample_scan(pictures: Set, wanted: set[str]) -> None:
    """Linked views of the sample CT, and measuring on a slab of it."""
    with pictures.window() as (viewer, dock):
        add_image_layer(viewer, read_image(sample_ct()))
        run_and_wait(dock)
        session = dock.reviewed.session
        surest = max(session.visible, key=lambda finding: finding.diameter)
        session.select(surest.id)
        if "views" in wanted:
            dock.views.link(True)
            rest(0.5)
            planes.fit(viewer)
            pictures.save(viewer, "views")
            dock.views.link(False)
        if "measuring" in wanted:
            session.select(None)
            dock.views.show_slab(Slab("MIP", 10.0))
            z, y, x = planes_point(viewer, surest.center)
            planes.fit(viewer)
            slab = dock.views.canvas_slab.slab
            for kind, points in (
                ("line", ((z, y - 60, x - 20), (z, y - 60, x + 30))),
                ("ellipse", ((z, y + 30, x - 12), (z, y + 52, x + 12))),
                ("angle", ((z, y - 20, x + 60), (z, y + 20, x + 60), (z, y + 10, x + 95))),
            ):
                measuring.draw(session, kind, points, 0, slab)
            dock._scroll.ensureWidgetVisible(dock.measure)
            pictures.save(viewer, "measuring")


def planes_point(viewer: napari.Viewer, center: tuple[float, ...]) -> tuple[float, ...]:
    """Go to a place; where the slices are then."""
    planes.go_to(viewer, center)
    return tuple(viewer.dims.point)


def radiograph(pictures: Set) -> None:
    """A radiograph that took no part in training, after a run."""
    with pictures.window() as (viewer, dock):
        add_image_layer(viewer, read_image(DATA / "cxr/nih/00000416_001.png"))
        planes.fit(viewer)
        run_and_wait(dock)
        pictures.save(viewer, "radiograph")


def cases(pictures: Set) -> None:
    """The list of a folder's cases, one of them open."""
    folder = HOME / "cases"
    shutil.copytree(sample_ct(), folder / "ct")
    shutil.copy(sample_radiograph(), folder / "radiograph.dcm")
    with pictures.window() as (viewer, dock):
        dock.cases.load([folder])
        wait(lambda: not dock.cases.search.running)
        dock.cases.step(1)
        wait(lambda: dock.reviewed is not None)
        rest(1.0)
        planes.fit(viewer)
        pictures.save(viewer, "cases")


def screenshot(pictures: Set) -> None:
    """LIDC-IDRI-0003 after a run, the readers' annotation beside it."""
    with pictures.window() as (viewer, dock):
        image = read_image(DATA / "dicom/LIDC-IDRI-0003")
        add_image_layer(viewer, image)
        show_truth(viewer, dock, read_truth(DATA / "luna16/annotations.csv", image))
        planes.fit(viewer)
        run_and_wait(dock)
        pictures.save(viewer, "screenshot")


def cohort(pictures: Set) -> None:
    """The map of LUNA16's nodules, and one of them."""
    with pictures.window() as (viewer, dock):
        dock.cohort.load(DATA / "luna16_nodules", None)
        wait(lambda: not dock.cohort.work.running)
        dock.cohort.plot.chosen.emit(NODULE)
        wait(lambda: dock.reviewed is not None)
        rest(0.5)
        planes.fit(viewer)
        dock._scroll.ensureWidgetVisible(dock.cohort)
        pictures.save(viewer, "cohort")


def main() -> None:
    """Make those that are asked for."""
    names = ("views", "measuring", "radiograph", "cases", "screenshot", "cohort")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    asked = parser.parse_args()
    width, height = (int(n) for n in asked.size.split("x"))
    pictures, wanted = Set(asked.out, (width, height), asked.theme), set(asked.only)
    if wanted & {"views", "measuring"}:
        sample_scan(pictures, wanted)
    if "cases" in wanted:
        cases(pictures)
    for make in (radiograph, screenshot, cohort):
        if make.__name__ in wanted and DATA.is_dir():
            make(pictures)
        elif make.__name__ in wanted:
            print(
                f"{make.__name__}.png is left as it is: LUNGMTL_DATA does not name the folder of real data."
            )


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
