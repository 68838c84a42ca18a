"""Plain values out of a MONAI configuration. Its ``$`` expressions and ``_target_`` classes are read as text, never evaluated."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...weights import WeightsError

_REFERENCE = re.compile(r"@([A-Za-z_]\w*)")
_STANDS_FOR = "_reference_"
DEEPEST, MOST_VALUES = 20, 100_000
"""Levels of lists and references in one another, and values of a whole configuration: references to references multiply."""


@dataclass(frozen=True)
class Call:
    """A call that an expression spells out: the last name of what is called, and its plain arguments."""

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class Reference:
    """An argument that refers to another part of the configuration which is no plain value."""

    name: str


class PlainConfig:
    """A configuration as plain values.

    Parameters
    ----------
    values
        The table of a JSON file.
    where
        What messages call the file.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._resolved = 0
        self.where = where

    def raw(self, name: str) -> Any:
        """A value as it stands in the file."""
        return self._values.get(name)

    def get(self, name: str, default: Any = None) -> Any:
        """A value by its name at the top, with what it refers to put in its place."""
        return self.resolve(self._values.get(name, default))

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """A value with ``@name`` replaced by what is there, as far as that is plain.

        Raises
        ------
        WeightsError
            References go round in circles, or to more values than any detector has.
        """
        self._resolved += 1
        if depth > DEEPEST or self._resolved > MOST_VALUES:
            raise WeightsError(f"{self.where} refers to itself, or to far too much: it is damaged.")
        if isinstance(value, list):
            return [self.resolve(each, depth + 1) for each in value]
        if isinstance(value, dict):
            return {key: self.resolve(each, depth + 1) for key, each in value.items()}
        if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
            if found[1] not in self._values:
                raise WeightsError(f"{self.where} refers to {found[1]!r}, which it does not have.")
            return self.resolve(self._values[found[1]], depth + 1)
        return value

    def target(self, name: str) -> tuple[str, dict[str, Any]]:
        """The last name of the class that an entry names, and the entry's other values."""
        entry = self.get(name)
        if not isinstance(entry, dict) or not isinstance(entry.get("_target_"), str):
            raise WeightsError(f"{self.where} has no {name!r} with a _target_.")
        return entry["_target_"].rpartition(".")[2], {k: v for k, v in entry.items() if k != "_target_"}

    def call(self, text: object) -> Call:
        """Read an expression such as ``"$pkg.resnet50(spatial_dims=3, stride=[2, 2, 1])"``.

        Raises
        ------
        WeightsError
            It is no call with literals and references as its arguments.
        """
        refused = WeightsError(
            f"{self.where}: {str(text)[:120]!r} is more than a call with plain values, and is not evaluated."
        )
        if not isinstance(text, str) or not text.startswith("$"):
            raise refused
        try:
            node = ast.parse(_REFERENCE.sub(rf"{_STANDS_FOR}\1", text[1:]).strip(), mode="eval").body
            if not isinstance(node, ast.Call) or any(k.arg is None for k in node.keywords):
                raise refused
            args = tuple(self._argument(arg) for arg in node.args)
            kwargs = {str(k.arg): self._argument(k.value) for k in node.keywords}
            return Call(ast.unparse(node.func).rpartition(".")[2], args, kwargs)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise refused from None

    def _argument(self, node: ast.expr) -> Any:
        """A literal, or what a reference stands for."""
        if isinstance(node, ast.Name) and node.id.startswith(_STANDS_FOR):
            name = node.id.removeprefix(_STANDS_FOR)
            value = self.get(name)
            plain = not isinstance(value, str | dict) and name in self._values
            return value if plain else Reference(name)
        return ast.literal_eval(node)
