"""What makes of a findings file of an older version one of the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..json_values import entries_of

Document = dict[str, Any]


def _from_1(document: Document) -> Document:
    """Nothing had an opinion before version 2."""
    none: Document = {"malignancy_spread": None, "opinions": []}
    return document | {"findings": [entry | none for entry in entries_of(document)]}


def _from_2(document: Document) -> Document:
    """Images as a whole had no score, and anatomy was not kept, before version 3."""
    return document | {"image_scores": [], "regions": []}


def _from_3(document: Document) -> Document:
    """Every finding had a score before version 4."""
    return document


def _from_4(document: Document) -> Document:
    """Nothing was measured before version 5."""
    return document


MIGRATIONS: dict[int, Callable[[Document], Document]] = {1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4}
"""For each older version, what makes of its document one of the next version. A change of the layout adds an entry here
and a file of the old version to the tests."""
