"""What PyQt's type stubs leave open."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def sure(value: T | None) -> T:
    """Return what Qt always hands out (a table's header, a window's style), though its stubs say it may be None."""
    assert value is not None
    return value
