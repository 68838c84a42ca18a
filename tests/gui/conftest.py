"""A window with a small CT, and predictors that do what a test needs."""

from __future__ import annotations

import functools
import gc
import inspect
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("NAPARI_CONFIG", "")  # the settings of whoever runs the tests stay theirs
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("LP_NUM_THREADS", "0")  # Mesa's threads as well would take turns at two cores

import napari
import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_buttons import LayerCreationState, QtViewerPushButton
from napari.utils.events import EmitterGroup, EventEmitter
from qtpy.QtWidgets import QApplication, QDockWidget
from vispy.gloo import Program, glir
from vispy.visuals.shaders import Function

from napari_lungmtl.layers.view_state import remember, restore
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

from ..stand_ins.fresh_models import fresh_model_store

INFO = ModelInfo("fake", "Test detector", "Finds what the test puts there.", ("CT",), "1.0", 0.5)
SCORES = (0.97, 0.80, 0.55, 0.40, 0.20)
DIAMETERS = (21.0, 4.0, 12.0, 8.0, 6.0)


@dataclass
class FakePredictor:
    """Follows the Predictor protocol: `steps` steps of `delay` seconds, then the findings, or `error` half-way.

    While `go_on` is not set it stays at its first step.
    """

    findings: Findings
    steps: int = 5
    delay: float = 0.01
    error: Exception | None = None
    threads: list[int] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings."""
        self.threads.append(threading.get_ident())
        try:
            while not self.go_on.wait(0.02):
                yield Progress(1 / self.steps, "detecting")
            for step in range(self.steps):
                time.sleep(self.delay)
                if self.error is not None and step == self.steps // 2:
                    raise self.error
                yield Progress((step + 1) / self.steps, "detecting")
            return self.findings
        finally:
            self.closed.set()


@pytest.fixture
def image() -> Image:
    """A volume of 40 × 60 × 60 voxels at 2.5 × 1 × 1 mm, away from the world's origin: air in soft tissue."""
    voxels = np.full((40, 60, 60), 40, np.int16)
    voxels[:, 10:50, 10:50] = -850
    return Image(voxels, "CT", (2.5, 1.0, 1.0), (-200.0, 10.0, -30.0), series_uid="1.2.3")


@pytest.fixture
def findings(image: Image) -> Findings:
    """Five findings by descending score; at 0.5 three of them are shown, and ids are f1 … f5."""
    places = [(8, 20, 20), (15, 40, 30), (20, 30, 45), (25, 20, 30), (30, 25, 25)]
    return Findings(
        tuple(
            Finding(
                Sphere(tuple(image.to_world(place)), diameter),
                score=score,
                provenance=Provenance("fake", "1.0"),
                id=f"f{i}",
            )
            for i, (place, score, diameter) in enumerate(zip(places, SCORES, DIAMETERS, strict=True), 1)
        ),
        models=({"name": "fake", "version": "1.0"},),
    )


@pytest.fixture
def predictor(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    """The only model at hand; change its fields before a run."""
    fake = FakePredictor(findings)
    fresh_model_store(monkeypatch)
    monkeypatch.setattr(registry, "models", lambda: (INFO,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": fake)
    return fake


@pytest.fixture(autouse=True)
def own_sidecars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sidecars of images without a file, and switches, go to the user's folders: not of the one who runs the tests."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("napari_lungmtl.panel.preferences.user_config_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)


@pytest.fixture(autouse=True)
def nothing_is_loaded_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torch for every window would take longer than the tests."""
    monkeypatch.setattr("napari_lungmtl.panel.run.WARM_UP_MS", 10**8)


@pytest.fixture(autouse=True)
def old_objects_are_no_garbage() -> None:
    """napari collects garbage with each layer that goes: let it pass over what was there before the test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def shaders_are_parsed_once() -> Iterator[None]:
    """Each layer has vispy look for the variables in shaders that layers of earlier tests had word for word."""
    parse, known = Program._parse_variables_from_code, {}

    def parse_once(program: Program, update_variables: bool = True) -> None:
        code = tuple(shader.code for shader in program.shaders)
        if code not in known:
            parse(program, update_variables=False)
            known[code] = program._code_variables
        program._code_variables = dict(known[code])
        if update_variables:
            program._process_pending_variables()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "_parse_variables_from_code", parse_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def code_is_looked_at_once() -> Iterator[None]:
    """napari asks for a function's signature each time it is connected or disconnected, vispy tidies each shader's code."""
    look, known = EventEmitter._check_signature, {}

    def look_once(callback: Callable) -> bool:
        function, given = callback, ()
        if isinstance(callback, EmitterGroup):  # a thousand in some tests
            function = callback.__call__
        elif isinstance(callback, functools.partial):
            function, given = callback.func, (len(callback.args), *sorted(callback.keywords))
        plain = getattr(function, "__func__", function)
        if not inspect.isfunction(plain) or {"__wrapped__", "__signature__"} & vars(plain).keys():
            return look(callback)
        key = plain.__code__, plain is function, len(plain.__defaults__ or ()), given
        if key not in known:
            known[key] = look(callback)
        return known[key]

    tidy = functools.cache(functools.partial(Function._clean_code, None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventEmitter, "_check_signature", staticmethod(look_once))
        patch.setattr(Function, "_clean_code", lambda _self, code: tidy(code))
        patch.setattr(glir, "convert_shader", functools.cache(glir.convert_shader))
        yield


@pytest.fixture(scope="session", autouse=True)
def buttons_are_styled_once() -> Iterator[None]:
    """napari styles its three buttons for new layers anew with each layer that is chosen, also where they stay as they are."""
    change = QtViewerPushButton._change_selection_state

    def change_what_differs(button: QtViewerPushButton, state: str) -> None:
        if button.property("creation_state") != LayerCreationState(state).value:
            change(button, state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QtViewerPushButton, "_change_selection_state", change_what_differs)
        yield


@pytest.fixture(scope="session")
def shared_viewer() -> Iterator[napari.Viewer]:
    """One window for all tests: opening one takes longer than most tests."""
    import napari_lungmtl.panel.dock  # noqa: F401

    viewer = napari.Viewer()
    # Asked in Python about each of the 20,000 events of a dock that opens, for a menu bar that no test hides.
    QApplication.instance().removeEventFilter(viewer.window._qt_window)
    yield viewer
    viewer.close()


@pytest.fixture
def open_dock(predictor, image, qtbot):
    """Puts the image and a dock into a viewer, and the window on top."""
    from napari_lungmtl.layers.spheres.layer import add_image_layer
    from napari_lungmtl.panel.dock import LungNodulesDock

    def open_dock(viewer: napari.Viewer) -> LungNodulesDock:
        add_image_layer(viewer, image)
        dock = LungNodulesDock(viewer)
        viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
        # At once on an idle machine; a loaded one is not the window's fault.
        qtbot.waitUntil(dock.isVisible)
        dock.window().activateWindow()
        qtbot.waitUntil(dock.window().isActiveWindow)
        return dock

    return open_dock


@pytest.fixture
def window(shared_viewer, open_dock):
    """Viewer and dock with the image open, shown on the screen."""
    viewer = shared_viewer
    dock = open_dock(viewer)
    yield viewer, dock
    with viewer.layers.batched_update():  # one garbage collection for all layers
        dock.close()
        viewer.layers.clear()
    holder = dock.parent()
    # The dock goes with its holder: napari would take it out first, and Qt style all that is in it once more.
    QDockWidget.setWidget(holder, None)
    viewer.window.remove_dock_widget(holder)
    viewer.dims.ndisplay = 2
    viewer.dims.order = tuple(range(viewer.dims.ndim))
    viewer.theme = "dark"


@pytest.fixture
def after_run(window, predictor, qtbot):
    """The same after a run, with nothing selected and the view of before."""
    viewer, dock = window
    view = remember(viewer)
    with pytest.MonkeyPatch.context() as patch, qtbot.waitSignal(dock.run.finished):
        if isinstance(predictor, FakePredictor):
            patch.setattr(predictor, "delay", 0.0)
        dock.run.start()
    if dock.reviewed.session.selected is not None:
        dock.reviewed.session.select(None)
        restore(viewer, view)
    return viewer, dock
