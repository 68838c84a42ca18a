"""Findings as rows of a Points or Shapes layer: what both kinds do about rows, their selection, and a person's edits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

from napari.components import ViewerModel
from napari.layers import Points, Shapes

from ..session.session import Session
from ..training.findings import Finding
from .follower import Binding, Connection
from .reconcile import Edit

P = TypeVar("P", Points, Shapes)


class RowBinding(Binding[P]):
    """Keeps a layer in step with one session, both ways: one row for each visible finding of a kind."""

    def __init__(self, viewer: ViewerModel, session: Session, below: Sequence[Binding[Any]] = ()) -> None:
        self._rendered: tuple[Finding, ...] = ()
        super().__init__(viewer, session, below)

    @abstractmethod
    def _shown_findings(self) -> tuple[Finding, ...]:
        """The visible findings that the layer has rows for."""

    @abstractmethod
    def _read_edit(self, layer: P) -> Edit:
        """What differs from the findings that the layer was given."""

    def _is_midway(self, layer: P) -> bool:
        """Whether the layer is in the midst of a change, which is reported when it is done."""
        return False

    def _contents(self) -> frozenset[str]:
        return frozenset(f.id for f in self.session.findings)

    def _has_visible(self) -> bool:
        return bool(self._shown_findings())

    def _forget_rendered(self) -> None:
        self._rendered = ()

    def _layer_events(self, layer: P) -> list[Connection]:
        selection = (layer.selected_data.events.items_changed, self._on_layer_selection)
        return [(layer.events.data, self._on_layer_data), selection, *super()._layer_events(layer)]

    # ---- session -> layer

    def _selected_row(self) -> int | None:
        return next((row for row, f in enumerate(self._rendered) if f.id == self.session.selected), None)

    def _selected_rows(self) -> list[int]:
        chosen = set(self.session.selection)
        return [row for row, f in enumerate(self._rendered) if f.id in chosen]

    def _select_row(self, layer: P) -> None:
        rows = set(self._selected_rows())
        if rows != set(layer.selected_data):
            layer.selected_data.replace_selection(rows)

    # ---- layer -> session

    @abstractmethod
    def _on_layer_data(self, event: object) -> None:
        """Rows were added, moved or removed."""

    def _take_edits(self, _event: object = None) -> None:
        """Turn what a person changed into one command of the session."""
        layer = self.layer
        if layer is None or self._busy or self._is_midway(layer):
            return
        edit = self._read_edit(layer)
        if edit:
            self.session.edit(add=edit.add, change=edit.change, remove=edit.remove)
            self._on_edited(edit)

    def _on_edited(self, edit: Edit) -> None:
        """The session has taken an edit."""

    def _on_layer_selection(self) -> None:
        layer = self.layer
        if layer is None or self._busy or self._is_midway(layer):
            return
        if len(layer.data) != len(self._rendered):  # pasted rows fire nothing but this
            self._take_edits()
        ids = [self._rendered[row].id for row in sorted(layer.selected_data) if row < len(self._rendered)]
        if set(ids) != set(self.session.selection):
            last = self.session.selected  # stays the one that is looked at
            self.session.select_all(sorted(ids, key=lambda id: id == last))
