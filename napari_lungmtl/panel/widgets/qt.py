"""What PyQt's type stubs leave open, and Qt objects that go before their time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def sure(value: T | None) -> T:
    """Return what Qt always hands out (a table's header, a window's style), though its stubs say it may be None."""
    assert value is not None
    return value


def call_each(*calls: Callable[[], object]) -> None:
    """Call all, one after the other; what a Qt object was for that has gone with its window needs nothing any more."""
    for call in calls:
        with suppress(RuntimeError):
            call()
