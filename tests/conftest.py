"""What all tests share."""

import gc
import os
import tempfile
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers with two threads each would take turns at two cores; libraries read this when they are imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The log of what tests break on purpose is not the person's (platformdirs, on Linux).
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="lungmtl-log-")

import pytest

GUI = Path(__file__).parent / "gui"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread files over workers, but leave all windows to one: they share a screen and its keyboard focus."""
    for item in items:
        windows = GUI in item.path.parents
        item.add_marker(pytest.mark.xdist_group("windows" if windows else item.nodeid.partition("::")[0]))
        if windows:
            item.add_marker(pytest.mark.gui)


def pytest_collection_finish() -> None:
    """Leave what all the imported modules hold out of garbage collections: napari asks for one with each layer that goes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def lungmtl_data() -> Path:
    """The folder of real data, or a skip that says so."""
    folder = os.environ.get("LUNGMTL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LUNGMTL_DATA does not name the folder of real data")
    return Path(folder)
