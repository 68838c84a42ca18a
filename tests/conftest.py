"""What all tests share."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers with two threads each would take turns at two cores; libraries read this when they are imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The log of what tests break on purpose is not the person's (platformdirs, on Linux).
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="lungmtl-log-")
# Nor are windows that tests name.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="lungmtl-settings-")

import hypothesis
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

# A shell starts what runs in the background with Ctrl+C ignored, and its children with it: theirs is part of what is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules and the syntax trees of tests are no garbage, and looking for some among them takes a quarter of the collection.
gc.disable()

# A loaded machine is no fault of the code, and what failed in another run no concern of this one. The examples are the same in
# each run, so that none is refused for one that only it has met; `--hypothesis-profile explore` looks for others.
_LENIENT = hypothesis.settings(
    deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("suite", _LENIENT, derandomize=True)
hypothesis.settings.register_profile("explore", _LENIENT, max_examples=1000)
hypothesis.settings.load_profile("suite")

TESTS = Path(__file__).parent
GUI = TESTS / "gui"
MINUTE = 60_000
QUICK = tuple(TESTS / "training" / name for name in ("findings", "imaging", "metrics", "ops"))
"""Thousands of small tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name what opens windows, and put what takes long before what does not."""
    turns = {path: _turn(path) for path in {item.path for item in items}}
    for item in items:
        if turns[item.path] == 0:
            item.add_marker(pytest.mark.gui)
    items.sort(key=lambda item: turns[item.path])


def _turn(path: Path) -> int:
    """Windows come first and the small tests last, so that no worker waits for the other at the end."""
    if GUI in path.parents:
        return 0
    return 2 if any(folder in path.parents for folder in QUICK) else 1


def pytest_collection_finish() -> None:
    """Leave what all the imported modules hold out of garbage collections: napari asks for one with each layer that goes."""
    gc.enable()
    gc.set_threshold(20_000)  # of Python's 700, that a layer or a widget allocates several times
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin each test, and what it sets up, with the same random numbers; torch's own are others in each process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # who draws from the one that all share
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


class PatientBot(QtBot):
    """Waits a minute where nothing else is said: of pytest-qt's five seconds a loaded machine may take all from one process."""

    waitSignal = partialmethod(QtBot.waitSignal, timeout=MINUTE)
    waitSignals = partialmethod(QtBot.waitSignals, timeout=MINUTE)
    waitExposed = partialmethod(QtBot.waitExposed, timeout=MINUTE)
    waitActive = partialmethod(QtBot.waitActive, timeout=MINUTE)

    _asks = False

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = MINUTE) -> None:
        """Ask every 6 ms: pytest-qt's 10 would be 15 with those of `rest`."""
        self._asks = True
        try:
            super().waitUntil(callback, timeout=timeout)
        finally:
            self._asks = False

    def wait(self, ms: int) -> None:
        """Let the window work for a time, and be idle at its end."""
        from .stand_ins.dock_input import rest

        rest(1 if self._asks else ms)


@pytest.fixture
def qtbot(qapp, request: pytest.FixtureRequest) -> PatientBot:
    """pytest-qt's, with patience."""
    return PatientBot(request)


@pytest.fixture(scope="session")
def lungmtl_data() -> Path:
    """The folder of real data, or a skip that says so."""
    folder = os.environ.get("LUNGMTL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LUNGMTL_DATA does not name the folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def luna16_cubes(lungmtl_data: Path) -> list[NoduleCube]:
    """All cubes of the real ``luna16_nodules``, in order, to be read only: unpacking them takes more than a second."""
    from napari_lungmtl.training.data.public.luna16_nodules import load_cubes

    return load_cubes(lungmtl_data / "luna16_nodules")


@pytest.fixture(scope="session")
def remote_server(tmp_path_factory: pytest.TempPathFactory):
    """Networks on another machine: a process of its own with a worker, over TLS."""
    from .stand_ins.served_networks import served

    with served(tmp_path_factory.mktemp("served")) as server:
        yield server
