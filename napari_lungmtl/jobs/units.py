"""napari's table of units, made ready before the first image needs it: 0.2 s of processor time in which the window stood still."""

from __future__ import annotations

import pint
from qtpy.QtCore import QObject

from .worker import Worker, one_step


def prepare_units(parent: QObject) -> Worker | None:
    """Read the table in a thread, and hand it to pint, and so to napari; None where it is there already.

    A registry of its own is read, and takes the place of the one that pint would read at its first use: that one may be asked
    for on the window's thread at any time, and must not be half read then.

    Parameters
    ----------
    parent
        Of the worker.
    """
    if _is_read():
        return None
    worker = Worker("The units could not be read", parent)
    worker.finished.connect(take_over)
    worker.start(lambda: one_step(pint.UnitRegistry), "pint")
    return worker


def take_over(registry: pint.UnitRegistry) -> bool:
    """Make a registry the application's, unless somebody already has units of another; whether that was done."""
    if _is_read():
        return False
    pint.set_application_registry(registry)
    return True


def _is_read() -> bool:
    """Whether anybody has used the application's registry: until then pint has a lazy one in its place."""
    return not isinstance(pint.application_registry.get(), pint.registry.LazyRegistry)
