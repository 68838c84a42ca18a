"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lungmtl_data() -> Path:
    """The folder of real data, or a skip that says so."""
    folder = os.environ.get("LUNGMTL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LUNGMTL_DATA does not name the folder of real data")
    return Path(folder)
