"""Whether bfloat16 is faster here: decided by a short timed probe, once for each machine, and remembered.

What a processor says of itself does not tell: emulated, bfloat16 is slower than float32, and how much instructions for it gain
depends on the network.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_cache_path

from ....errors import LungmtlError
from ....findings.formats.atomic import write_atomically

log = logging.getLogger(__name__)

LEAST_GAIN = 1.2
"""So many times faster, or bfloat16 is not worth other figures in the second decimal."""
ROUNDS = 3
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Timing:
    """Seconds of the same work at both precisions."""

    float32: float
    bfloat16: float

    @property
    def pays(self) -> bool:
        """Whether bfloat16 is faster by `LEAST_GAIN`."""
        return self.bfloat16 * LEAST_GAIN < self.float32


def timing(name: str, float32: Callable[[], object], bfloat16: Callable[[], object]) -> Timing:
    """Time the same work at both precisions, or tell what was measured on this machine before.

    Parameters
    ----------
    name
        What works, with its version: what is remembered holds for it, this machine, this PyTorch and as many threads.
    float32, bfloat16
        A few tenths of a second each.
    """
    machine = describe_machine(name)
    path = cache_folder() / f"{hashlib.sha256(machine.encode()).hexdigest()[:16]}.json"
    known = _remembered(path, machine)
    if known is None:
        known = measure(float32, bfloat16)
        _remember(path, machine, known)
    return known


def measure(
    float32: Callable[[], object],
    bfloat16: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time two works in turn, after each ran once; the fastest of `ROUNDS` counts, for other programs only ever slow one down."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for work, each in zip((float32, bfloat16), seconds, strict=True):
            start = clock()
            work()
            each.append(clock() - start)
    return Timing(min(seconds[0][1:]), min(seconds[1][1:]))


def cache_folder() -> Path:
    """Where timings are kept for this user."""
    return user_cache_path("napari-lungmtl", appauthor=False) / "bfloat16"


def describe_machine(name: str) -> str:
    """What a timing holds for, in a line: the network, the computer, its processor, the libraries and threads."""
    import torch

    try:
        own = version("napari-lungmtl")
    except PackageNotFoundError:  # run from its source
        own = ""
    parts = (
        name,
        own,
        platform.node(),
        _processor(),
        torch.__version__,
        f"{torch.get_num_threads()} threads",
    )
    return " · ".join(parts)


def _processor() -> str:
    """Name of the processor: homes are shared between machines, and images of machines share their names."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _remembered(path: Path, machine: str) -> Timing | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["machine"] != machine:
            return None
        return Timing(float(values["float32"]), float(values["bfloat16"]))
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or a damaged one: it is measured again
        return None


def _remember(path: Path, machine: str, known: Timing) -> None:
    values = {"machine": machine, "float32": known.float32, "bfloat16": known.bfloat16}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(values, ensure_ascii=False).encode("utf-8") + b"\n")
    except (OSError, LungmtlError) as error:  # a full disk: measured again next time
        log.warning("the timing of bfloat16 is not kept: %s", error)
