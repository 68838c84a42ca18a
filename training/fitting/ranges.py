"""What the values of settings may be: types for the fields of config dataclasses, which `settings.config_from` holds to.

The text of each is how a message ends that refuses a value: "training.steps must be …".
"""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Count = Annotated[int, Ge(1), "a whole number from 1 on"]
Natural = Annotated[int, Ge(0), "a whole number from 0 on"]
Positive = Annotated[float, Gt(0), "a number above 0"]
NotNegative = Annotated[float, Ge(0), "a number from 0 on"]
Fraction = Annotated[float, Ge(0), Le(1), "a number from 0 to 1"]
Decay = Annotated[float, Ge(0), Lt(1), "a number from 0 to below 1"]
FoldName = Annotated[str, BeforeValidator(_as_text), "a fold, such as 0"]
FoldNumber = Annotated[int, BeforeValidator(_as_number), Ge(0), "a fold, such as 0"]
"""Folds stand in tables as text, and people write numbers."""
