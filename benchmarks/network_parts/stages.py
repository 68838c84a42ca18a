"""Seconds of a network by its parts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import nn

Seconds = dict[str, float]
TOTAL, REST = "total", "rest"


class Clock:
    """Adds up the seconds of named parts."""

    def __init__(self) -> None:
        self.seconds: Seconds = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done inside."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def watch(self, modules: Mapping[str, nn.Module]) -> None:
        """Count what modules take when they are called."""
        for name, module in modules.items():
            opened: list[float] = []
            module.register_forward_pre_hook(lambda *_, opened=opened: opened.append(time.perf_counter()))
            module.register_forward_hook(lambda *_, name=name, opened=opened: self._close(name, opened))

    def _close(self, name: str, opened: list[float]) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - opened.pop()


def by_stage(run: Callable[[], object], clock: Clock, rounds: int) -> Seconds:
    """Median seconds of some rounds by part, after one round that warms up; what no part claims is `REST`."""
    run()
    every: list[Seconds] = []
    for _ in range(rounds):
        clock.seconds = {}
        start = time.perf_counter()
        run()
        total = time.perf_counter() - start
        rest = total - sum(clock.seconds.values())
        every.append({**clock.seconds, REST: rest, TOTAL: total})
    return {name: statistics.median(one[name] for one in every) for name in every[0]}
