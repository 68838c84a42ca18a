"""Values of a JSON file, checked as they are taken: the message says what was expected and what is there instead."""

from __future__ import annotations

import json
import sys
from typing import Any

_LARGEST = sys.float_info.max
"""A whole number in JSON may be larger than any float."""


def checked(value: Any, kind: type) -> Any:
    """The value, if it is of that type (str, list, dict or bool).

    Raises
    ------
    TypeError
        It is something else.
    """
    if not isinstance(value, kind):
        names: dict[type, str] = {str: "text", list: "a list", dict: "an object", bool: "true or false"}
        raise TypeError(f"expected {names[kind]}, found {json.dumps(value)[:40]}")
    return value


def number(value: Any) -> float:
    """A finite number, and no true or false."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise TypeError(f"expected a number, found {json.dumps(value)[:40]}")
    return float(value)


def integer(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"expected a whole number, found {json.dumps(value)[:40]}")
    return value


def numbers(value: Any) -> tuple[float, ...]:
    """A list of finite numbers."""
    return tuple(number(v) for v in checked(value, list))


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(checked(v, str) for v in checked(value, list))


def named(value: Any) -> dict[str, float]:
    """An object whose values are finite numbers."""
    return {name: number(v) for name, v in checked(value, dict).items()}


def entries_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings of a document that nobody has checked yet."""
    try:
        return [checked(entry, dict) for entry in checked(document["findings"], list)]
    except KeyError as error:
        raise TypeError(f"{error} is missing") from error
