"""Forms of options, made by magicgui from the typed dataclasses that the command line uses."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, Generic, TypeVar, get_type_hints

from magicgui.widgets import Container, create_widget
from qtpy.QtWidgets import QWidget

Options = TypeVar("Options")


class Form(Generic[Options]):
    """One labelled widget for each field of a dataclass, with its default; ``help`` in a field's metadata hovers over it.

    Parameters
    ----------
    kind
        The dataclass.
    """

    def __init__(self, kind: type[Options]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        self.container: Container = Container(
            widgets=[
                create_widget(
                    name=each.name,
                    annotation=hints[each.name],
                    value=each.default,
                    options={"tooltip": each.metadata.get("help", ""), **_choices(hints[each.name])},
                )
                for each in fields(kind)  # type: ignore[arg-type]
            ]
        )

    @property
    def widget(self) -> QWidget:
        """What goes into a layout."""
        return self.container.native

    @property
    def value(self) -> Options:
        """The options as they stand."""
        return self._kind(**self.container.asdict())


def _choices(annotation: Any) -> dict[str, Any]:
    """The `words` of an enumeration, or what the command line calls its members: not the names that Python code has."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {"choices": [(getattr(member, "words", member.value), member) for member in annotation]}
    return {}
