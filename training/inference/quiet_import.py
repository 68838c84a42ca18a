"""Imports of seconds in a process that has a window: what would hold Python's lock, and so freeze it, is done without."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

MANY = 100
"""Modules that came in one go from which on what they brought is settled."""
LIBRARIES = ("libtorch_cpu.so", "libtorch.so")
"""Of torch, in the order of loading: half a second in which `import torch` lets no other thread run."""


def load_libraries() -> None:
    """Load torch's shared libraries without holding Python's lock; where that is not possible, nothing happens.

    A call of a C function through ctypes lets other threads run; ``import`` and ``ctypes.CDLL`` do not. On other systems than
    Linux the import does it all.
    """
    try:
        spec = find_spec("torch") if sys.platform == "linux" and "torch" not in sys.modules else None
    except ImportError:  # a person is told by `extras.require_networks`
        return
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    try:
        load = ctypes.CDLL(None).dlopen
    except (OSError, AttributeError):  # another C library
        return
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    # As torch itself does first, so that the libraries below find the symbols of theirs.
    load(os.fsencode(folder / "libtorch_global_deps.so"), os.RTLD_GLOBAL | os.RTLD_NOW)
    for name in LIBRARIES:
        load(os.fsencode(folder / name), os.RTLD_LOCAL | os.RTLD_NOW)


_times_settled = 0


def settle() -> None:
    """Have the garbage collector pass over all objects that there are now: modules live as long as the process.

    A window with torch has 600,000 of them, and each collection, of which napari makes one for every layer that goes, would
    stop all threads for half a second. What is in a cycle and goes later is not found any more: see `reclaim`.
    """
    global _times_settled
    gc.freeze()
    _times_settled += 1


def times_settled() -> int:
    """How often `settle` was called: what is older than the last time may have to be reclaimed."""
    return _times_settled


def reclaim() -> None:
    """Find also what has gone since it was settled; takes as long as a whole collection, and nothing is settled afterwards."""
    gc.unfreeze()
    gc.collect()


@contextmanager
def without_collections() -> Iterator[None]:
    """Pause the garbage collector: imports make it go through all objects of the process, which stops every thread.

    Of many modules the next collection would, too: they are settled.
    """
    was_on, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if len(sys.modules) - modules >= MANY:
                settle()
            gc.enable()
