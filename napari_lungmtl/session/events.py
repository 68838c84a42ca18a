"""What views of a session listen to."""

from __future__ import annotations

from psygnal import Signal, SignalGroup


class SessionEvents(SignalGroup):
    """What views listen to; each carries the new value.

    All are emitted on the thread that gave the command, but `saved`, `problem` and `elsewhere` mostly come from
    other threads: a window connects these with ``connect(…, thread="main")`` (and
    ``psygnal.qt.start_emitting_from_queue()``) or through a Qt signal of its own.
    """

    image = Signal(object)  # Image | None
    findings = Signal(object)  # Findings
    thresholds = Signal(object)  # Thresholds
    selected = Signal(object)  # str | None
    selection = Signal(object)  # tuple[str, ...]
    undone = Signal(str)  # what was taken back, or done again
    overlays = Signal(bool)  # are overlays shown?
    saved = Signal(object)  # datetime
    problem = Signal(str)  # a sentence for the person
    elsewhere = Signal(str)  # who else has the image open, in a sentence; empty where nobody has
