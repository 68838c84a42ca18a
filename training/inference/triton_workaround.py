"""Torch beside OpenGL in one process."""

from __future__ import annotations

import sys
from pathlib import Path

MAPS = Path("/proc/self/maps")


def keep_triton_out() -> None:
    """Stop torch from loading Triton where it would end the process; call before torch is imported.

    Mesa's drivers (software OpenGL, AMD) bring an LLVM of their own into a process with a window. Triton, which comes with
    torch's CUDA builds and which torchvision's import loads, brings another, and the two crash each other. Nothing here
    compiles models, so Triton is not missed. Where no other LLVM is loaded, or Triton already is, nothing happens.
    """
    if "triton" in sys.modules:
        return
    try:
        if "libLLVM" in MAPS.read_text(errors="replace"):
            sys.modules["triton"] = None  # type: ignore[assignment]  # Python's way to say: not to be imported
    except OSError:  # not Linux
        return
