"""`lungmtl view` and `lungmtl demo`: a napari window with images, the dock, and what the model finds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import napari
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

from .contributions.samples import sample_ct, sample_radiograph
from .jobs.run_modes import set_threshold
from .jobs.worker import wait_for_threads
from .layers import planes
from .layers.spheres.layer import add_image_layer
from .panel.cases.hard import look_at
from .panel.dock import LungNodulesDock
from .panel.study.series_chooser import choose_series
from .panel.widgets.copying import copying
from .training.case_list.read import is_case_list, read_case_list
from .training.case_list.row import to_world
from .training.cluster.search import holds_index
from .training.errors import LungmtlError
from .training.findings import Findings, ImageReference
from .training.findings.formats.json_file import read_findings
from .training.findings.formats.truth.load import load_truth
from .training.findings.truth import Truth
from .training.imaging import Image, SeveralSeriesError, read_image
from .training.imaging.read import open_image
from .training.imaging.streamed import rest_of
from .training.inference import registry
from .training.inference.quiet_import import settle

SIZE = (1440, 900)
"""Pixels of the window, where the screen has them."""
TITLE_BAR = 40
"""Pixels that a desktop may put above a window."""
COHORT_LIMIT = 300.0
"""Seconds that a screenshot waits for a cohort's map."""


class ViewError(LungmtlError):
    """The window cannot be shown, or a run in it failed; the message says why and what to do."""


def open_window(
    paths: Sequence[Path | str],
    run: bool = False,
    truth: Path | str | None = None,
    screenshot: Path | str | None = None,
    series: str | None = None,
    cohort: Path | str | None = None,
    predictions: Path | str | None = None,
    cases: Sequence[Path | str] = (),
    findings: Path | str | None = None,
    at: Sequence[float] | None = None,
) -> None:
    """Open napari with images and the dock; return when the window is closed.

    Parameters
    ----------
    paths
        Image files, or folders of DICOM files; lists of cases (evaluations, or saved lists) go to `cases`.
    run
        Detect and judge nodules in the last image.
    truth
        The truth of the images, in a format of `training.findings.formats.truth.load`, told apart by content.
    screenshot
        PNG to save the whole window to; the window is then closed, and nobody is asked anything.
    series
        SeriesInstanceUID to open where a folder has several.
    cohort, predictions
        Folder of many nodules for the dock's map, and predictions for them.
    cases
        Folders whose scans and radiographs the dock lists, and lists of cases.
    findings
        Findings to show in the last image: ``*.lungmtl.json``, or an evaluation's JSON, which brings the truth as well.
    at
        Where to look in the last image: x, y, z in LPS mm; x, y in pixels of a radiograph.

    Raises
    ------
    ViewError
        There is no display, or the run failed.
    ImageError, FindingsFileError
        A file cannot be read.
    """
    lists = [Path(path) for path in paths if is_case_list(Path(path)) or holds_index(Path(path))]
    cases = [*cases, *lists]
    images: list[Image] = []
    viewer, dock = _window()
    try:
        for path in (path for path in paths if Path(path) not in lists):
            image = _read(path, series, ask=screenshot is None)
            if image is not None:
                images.append(image)
                add_image_layer(viewer, image)
                if truth is not None:
                    show_truth(viewer, dock, read_truth(truth, image))
        if findings is not None:
            show_findings(dock, Path(findings))
        _fit(viewer)
        if at is not None:
            _look_at(viewer, dock, at)
        if cohort is not None:
            dock.cohort.load(Path(cohort), None if predictions is None else Path(predictions))
        if cases:
            dock.cases.load(cases)
        if screenshot is None:
            if run:
                dock.run.start()
            napari.run()
            return
        for image in images:  # a picture shows all of it
            for _ in rest_of(image):
                QApplication.processEvents()
        if cases and not _wait(lambda: not dock.cases.search.running, COHORT_LIMIT):
            raise ViewError(f"The folder was not searched within {COHORT_LIMIT:.0f} s.")
        if cohort is not None and not _wait(lambda: not dock.cohort.work.running, COHORT_LIMIT):
            raise ViewError(f"The cohort's map was not ready within {COHORT_LIMIT:.0f} s.")
        if run:
            run_and_wait(dock)
        _save(viewer, Path(screenshot))
    finally:
        if screenshot is not None:
            viewer.close()
            wait_for_threads()


def demo(screenshot_dir: Path | str | None = None, run: bool = True) -> list[Path]:
    """The sample CT and the sample radiograph with what the models find.

    Parameters
    ----------
    screenshot_dir
        Folder for screenshots: of the CT the axial, coronal and 3-D view, and the radiograph; the window is then closed.
        Without it, it stays.
    run
        Run the models.

    Returns
    -------
    list of Path
        The screenshots.
    """
    saved = _demo_ct(screenshot_dir, run)
    if screenshot_dir is not None:
        path = Path(screenshot_dir) / "radiograph.png"
        at_hand = any("DX" in info.modalities for info in registry.models())
        open_window([sample_radiograph()], run=run and at_hand, screenshot=path)
        saved.append(path)
    return saved


def _demo_ct(screenshot_dir: Path | str | None, run: bool) -> list[Path]:
    viewer, dock = _window()
    try:
        add_image_layer(viewer, read_image(sample_ct()))
        _fit(viewer)
        if screenshot_dir is None:
            if run:
                dock.run.start()
            napari.run()
            return []
        if run:
            run_and_wait(dock)
        saved = []
        for plane in ("axial", "coronal", "3-D"):
            planes.show(viewer, plane)
            saved.append(_save(viewer, Path(screenshot_dir) / f"ct_{plane.replace('-', '').lower()}.png"))
        return saved
    finally:
        if screenshot_dir is not None:
            viewer.close()
            wait_for_threads()


def read_truth(path: Path | str, image: Image) -> Truth:
    """The truth of an image, from any of the formats of `training.findings.formats.truth.load`."""
    return load_truth(path, image)


def show_truth(viewer: napari.Viewer, dock: LungNodulesDock, truth: Truth | Findings) -> None:
    """Lay a truth beside the image that the dock acts on: squares in a CT, corners on a radiograph, and what became of findings."""
    dock.compare.set_truth(truth if isinstance(truth, Truth) else Truth(truth))


def show_findings(dock: LungNodulesDock, path: Path) -> None:
    """Show findings of a file in the image that the dock acts on, joined with what is known of it like a run's.

    Raises
    ------
    ViewError
        The evaluation says nothing of this image.
    FindingsFileError, CaseListError
        The file is neither findings nor an evaluation.
    """
    image = dock.reviewed.session.image if dock.reviewed is not None else None
    if dock.reviewed is None or image is None:
        raise ViewError("There is no image to show findings in: name one before --findings.")
    if not is_case_list(path):
        dock.reviewed.session.replace_findings(read_findings(path))
        return
    own = [case for case in read_case_list(path) if case.is_of(image)]
    if not own:
        raise ViewError(
            f"{path} says nothing about {image.source or image.series_uid}: open its list instead."
        )
    if own[0].threshold is not None:
        set_threshold(dock.reviewed.session, own[0].threshold)
    dock.reviewed.session.replace_findings(own[0].marks(ImageReference.of(image)))
    truth = own[0].true_nodules(ImageReference.of(image), str(path))
    if truth is not None and dock.reviewed.truth.loaded is None:
        dock.compare.set_truth(truth)


def _look_at(viewer: napari.Viewer, dock: LungNodulesDock, at: Sequence[float]) -> None:
    image = dock.reviewed.session.image if dock.reviewed is not None else None
    if image is None or len(at) != image.ndim:
        what = (
            "x,y in pixels of a radiograph"
            if image is not None and image.ndim == 2
            else "x,y,z in mm of a scan"
        )
        raise ViewError(f"--at needs {what}.")
    look_at(viewer, to_world(at, image))


def run_and_wait(dock: LungNodulesDock, limit: float = 900.0) -> None:
    """Run all that suits the image that the dock acts on.

    Raises
    ------
    ViewError
        No model suits the image, the run failed, or it took longer than `limit` seconds.
    """
    failures: list[str] = []
    dock.run.runner.failed.connect(failures.append)
    dock.run.start()
    if not dock.run.runner.running:
        raise ViewError("No model can run on this image; `lungmtl models` lists those at hand.")
    if not _wait(lambda: not dock.run.runner.running, limit):
        dock.run.cancel()
        raise ViewError(f"The run did not end within {limit:.0f} s.")
    if failures:
        raise ViewError(failures[0])


def _window() -> tuple[napari.Viewer, LungNodulesDock]:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ViewError("There is no display. Under a virtual one it works: xvfb-run -a lungmtl …")
    viewer = napari.Viewer(title="Lung nodules")
    # Through the manifest, so that the Plugins menu finds this dock and opens no second one.
    _, dock = viewer.window.add_plugin_dock_widget("napari-lungmtl", "Lung nodules")
    viewer.window.resize(*_fitting(SIZE))
    settle()  # nothing is open yet that could be closed
    return viewer, dock


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """A window's size, made smaller where the screen is: what reaches beyond cannot be clicked."""
    screen = QGuiApplication.primaryScreen()
    if screen is None:
        return size
    room = screen.availableGeometry()
    return min(size[0], room.width()), min(size[1], room.height() - TITLE_BAR)


def _read(path: Path | str, series: str | None, ask: bool) -> Image | None:
    """The image, or None where a person was asked for one of several series and chose none."""
    try:
        with copying(path) as on_progress:
            return open_image(
                path, series=series, choose=choose_series if ask else None, on_progress=on_progress
            )
    except SeveralSeriesError:
        if not ask:
            raise
    return None


def _fit(viewer: napari.Viewer) -> None:
    """Fill the canvas once it has its size."""
    _wait(lambda: False, 0.3)
    planes.fit(viewer)


def _wait(done: Callable[[], bool], limit: float) -> bool:
    """Let the window live until `done`, at most `limit` seconds."""
    end = time.monotonic() + limit
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return done()


def _save(viewer: napari.Viewer, path: Path) -> Path:
    _wait(
        lambda: False, 1.5
    )  # slices are drawn, the dock has its heights, and the notifications of napari's start have gone
    path.parent.mkdir(parents=True, exist_ok=True)
    viewer.screenshot(path=str(path), canvas_only=False, flash=False)
    return path
