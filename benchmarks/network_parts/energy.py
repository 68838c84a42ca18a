"""Energy of the processors, where Linux tells it (powercap, RAPL)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def processor_joules(folder: Path = POWERCAP) -> dict[str, tuple[float, float]]:
    """By package: joules so far, and at which the counter begins again; nothing where the machine does not tell, or not this user.

    Packages alone (``intel-rapl:0``), not the parts they are made of.
    """
    found = {}
    for package in sorted(folder.glob("*-rapl:?")):
        try:
            now, most = (
                int((package / name).read_text()) / 1e6 for name in ("energy_uj", "max_energy_range_uj")
            )
        except (OSError, ValueError):
            continue
        found[package.name] = now, most
    return found


def joules_of(work: Callable[[], object], folder: Path = POWERCAP) -> float | None:
    """What all packages used while the work was done, by whatever ran on them; None where the machine does not tell.

    Counters of RAPL are renewed about every millisecond and begin again after minutes: the work must be between the two.
    """
    before = processor_joules(folder)
    work()
    time.sleep(0.002)
    after = processor_joules(folder)
    if not before or before.keys() != after.keys():
        return None
    return sum((after[name][0] - before[name][0]) % before[name][1] for name in before)
