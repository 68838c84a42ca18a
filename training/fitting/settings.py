"""Values from a settings file become those of config dataclasses, or a sentence that says what they must be."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


def config_from(base: Any, changes: Mapping[str, Any], table: str = "") -> Any:
    """Change some values of a config dataclass.

    Parameters
    ----------
    table
        Of the settings file, for messages.

    Raises
    ------
    ValueError
        There is no setting of that name, or its value is of another type than the field's, or out of the range that stands
        there (`ranges`).
    """
    names = {f.name for f in dataclasses.fields(base)}
    unknown = set(changes) - names
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}; {type(base).__name__} has {sorted(names)}")
    kinds = get_type_hints(type(base), include_extras=True)
    before = f"{table}." if table else ""
    taken = {}
    for name, value in changes.items():
        own, full = getattr(base, name), f"{before}{name}"
        taken[name] = (
            _nested(own, value, full) if dataclasses.is_dataclass(own) else checked(full, value, kinds[name])
        )
    return dataclasses.replace(base, **taken)


def _nested(own: Any, value: Any, name: str) -> Any:
    if isinstance(value, type(own)):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a table of settings, not {value!r}")
    return config_from(own, value, name)


def checked(name: str, value: Any, kind: Any) -> Any:
    """Take a value as TOML and JSON have it: lists are tuples, whole numbers are numbers, and true is no number.

    Raises
    ------
    ValueError
        It is of another kind.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=_STRICT)
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{name} must be {expected(kind)}, not {text}") from error


def expected(kind: Any) -> str:
    """Say what a field takes.

    Examples
    --------
    >>> expected(tuple[float, float])
    'a list of 2, each a number'
    """
    if get_origin(kind) is Annotated:
        inner, *notes = get_args(kind)
        return next((note for note in notes if isinstance(note, str)), expected(inner))
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(map(expected, parts))
    if get_origin(kind) is Literal:
        return f"{'one of ' if len(parts) > 1 else ''}{', '.join(map(json.dumps, parts))}"
    if get_origin(kind) is tuple:
        many = "" if Ellipsis in parts else f" of {len(parts)}"
        return f"a list{many}, each {expected(parts[0])}"
    return _WORDS.get(kind, "of another type")
