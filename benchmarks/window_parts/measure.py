"""How long something takes until the window shows it, and how long the window stood still."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

QUIET_MS = 150
"""What comes later than this after the last frame belongs to nothing that was asked for."""


@dataclass(frozen=True)
class Took:
    """Seconds until the first frame with the change, wall and processor; processor seconds and frames until nothing more comes."""

    wall: float
    cpu: float
    all: float
    frames: int


@dataclass
class Row:
    """A line of the table; `budget` in milliseconds."""

    name: str
    took: list[Took]
    budget: float | None = None


class Window:
    """Measures what happens in a napari window.

    Parameters
    ----------
    viewer
        With a window.
    """

    def __init__(self, viewer: Any) -> None:
        from qtpy.QtOpenGLWidgets import QOpenGLWidget

        self.frames = 0
        window = viewer.window._qt_window  # a benchmark's liberty
        self._canvas = window.findChildren(QOpenGLWidget)[0]
        self._canvas.frameSwapped.connect(self._count)  # the window is composed, dock and texts with it

    def _count(self) -> None:
        self.frames += 1

    def drawn(self, action: Callable[[], object]) -> Took:
        """Do something, wait for the frame that shows it, and then until nothing more happens."""
        from qtpy.QtCore import QEventLoop, QTimer

        before = self.frames
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        loop = QEventLoop()
        limit = QTimer()
        limit.setSingleShot(True)
        limit.timeout.connect(loop.quit)
        if self.frames == before:
            self._canvas.frameSwapped.connect(loop.quit)
            limit.start(1000)
            loop.exec()
            self._canvas.frameSwapped.disconnect(loop.quit)
        passed = time.perf_counter() - wall, time.process_time() - cpu
        idle = True
        while idle:  # timers that wait, and the frames that they ask for
            seen = self.frames
            limit.start(QUIET_MS)
            loop.exec()
            idle = self.frames != seen
        return Took(*passed, time.process_time() - cpu, self.frames - before)

    def each(self, name: str, actions: Iterable[Callable[[], object]], budget: float | None = None) -> Row:
        """A line of the table."""
        return Row(name, [self.drawn(action) for action in actions], budget)


def is_asked(name: str, only: Sequence[str]) -> bool:
    """Whether a line is measured: all of them, or those in whose name some text of `only` stands."""
    return not only or any(text in name for text in only)


class Heartbeat:
    """Notices how long the window's thread does nothing for a person: gaps between the beats of a timer.

    Examples
    --------
    ``with Heartbeat() as heart: …`` and then ``heart.gaps``, in seconds.
    """

    EVERY_MS = 5

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.gaps: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(self.EVERY_MS)
        self._timer.timeout.connect(self._beat)
        self._last = self._cpu = 0.0
        self.cpu: list[float] = []
        """Seconds of the processor that the window's own thread took within each gap."""

    def _beat(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self._last)
        self.cpu.append(cpu - self._cpu)
        self._last, self._cpu = now, cpu

    def __enter__(self) -> Heartbeat:
        self._last, self._cpu = time.perf_counter(), time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    def row(self, name: str, budget: float = 100) -> str:
        """The longest gap, and how many were over the budget (ms)."""
        gaps = 1000 * np.array(self.gaps or [0.0])
        worst = int(gaps.argmax())
        over = np.sort(gaps[gaps > budget])[::-1]
        return (
            f"{name:52}{gaps[worst]:8.0f}{1000 * (self.cpu or [0])[worst]:9.0f}{budget:9.0f}"
            f"   {len(over)} over: {', '.join(f'{gap:.0f}' for gap in over[:8])}"
        )


def wait(done: Callable[[], bool], limit: float = 300.0) -> bool:
    """Let the window live until something is so."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, timer, end = QEventLoop(), QTimer(), time.monotonic() + limit
    timer.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
    timer.start(20)
    if not done():
        loop.exec()
    timer.stop()
    return done()


GAPS_HEAD = (
    f"{'':52}{'longest':>8}{'own CPU':>9}{'budget':>9}   ms between two turns of the window's event loop"
)


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print(
        f"{'':52}{'wall':>8}{'p95':>7}{'CPU':>7}{'p95':>7}{'budget':>8}{'CPU in all':>12}{'frames':>8}   ms"
    )
    for row in rows:
        wall, cpu, total = (
            1000 * np.array([getattr(t, k) for t in row.took]) for k in ("wall", "cpu", "all")
        )
        print(
            f"{row.name:52}{median(wall):8.0f}{np.percentile(wall, 95):7.0f}{median(cpu):7.0f}"
            f"{np.percentile(cpu, 95):7.0f}{'' if row.budget is None else format(row.budget, '.0f'):>8}"
            f"{median(total):12.0f}{median(t.frames for t in row.took):8.1f}",
            flush=True,
        )
