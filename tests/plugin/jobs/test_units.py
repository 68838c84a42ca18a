"""Units are read ahead once, and never where somebody uses others."""

from __future__ import annotations

import numpy as np
import pint
import pytest
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QObject

from napari_lungmtl.jobs.units import prepare_units, take_over


@pytest.fixture
def unread():
    """The application as it is before anybody has used a unit."""
    before = pint.application_registry.get()
    pint.set_application_registry(pint.registry.LazyRegistry())
    yield
    pint.set_application_registry(before)


def test_units_are_read_in_a_thread_and_are_napari_s_then(unread, qtbot):
    parent = QObject()
    worker = prepare_units(parent)
    with qtbot.waitSignal(worker.finished, timeout=60_000) as finished:
        pass
    assert pint.application_registry.get() is finished.args[0]
    layer = ImageLayer(np.zeros((2, 2)), units=("mm", "mm"))
    assert layer.units[0] == pint.application_registry.Unit("mm")
    assert prepare_units(parent) is None


def test_whoever_uses_units_meanwhile_keeps_theirs(unread):
    length = pint.application_registry.Quantity(1.0, "mm")
    assert not take_over(pint.UnitRegistry())
    assert length.to("cm").magnitude == pytest.approx(0.1)
