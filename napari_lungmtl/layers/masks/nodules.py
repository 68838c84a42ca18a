"""The layer *nodule masks*: masks of nodules on a radiograph, painted and erased by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels

from ...session.review import moved, reviewer
from ...session.session import Session
from ...training.findings import Finding, Mask, Provenance
from ..follower import Binding
from ..overlay_colors import color_of
from .grid import components
from .labels import LabelsBinding

OPACITY = 0.35


class MaskBinding(LabelsBinding):
    """Each visible mask has a label in the colour of its box; the surer one lies on top.

    Painted edits change the finding, each component of a label that nobody had becomes a person's finding, and what is erased
    goes; a model's is then rejected, and comes back grey. The layer is there once networks have looked, so that what they missed
    can be painted.
    """

    NAME = "nodule masks"
    NDIM = 2

    def __init__(self, viewer: ViewerModel, session: Session, below: Sequence[Binding[Any]] = ()) -> None:
        self._numbers: dict[str, int] = {}
        super().__init__(viewer, session, below)

    def _contents(self) -> frozenset[str]:
        ids = {f.id for f in self.session.findings if self._is_mask(f)}
        return frozenset(ids | {str(model.get("name")) for model in self.session.findings.models})

    def _has_visible(self) -> bool:
        image, findings = self.session.image, self.session.findings
        flat = image is not None and image.ndim == 2
        return flat and (bool(findings.models) or any(self._is_mask(f) for f in findings))

    def _make_layer(self, units: str) -> Labels:
        layer = super()._make_layer(units)
        layer.opacity = OPACITY
        return layer

    def _target(self) -> dict[int, tuple[Mask, str]]:
        masks = [f for f in self.session.visible if self._is_mask(f)]
        masks.sort(key=lambda f: (f.status != "rejected", f.score))
        return {self._number(f.id): (f.geometry, color_of(f)) for f in masks if isinstance(f.geometry, Mask)}

    def _number(self, id: str) -> int:
        """A finding keeps its number while the study is open."""
        return self._numbers.setdefault(id, self._free())

    def _free(self) -> int:
        return max(self._numbers.values(), default=0) + 1

    def _show_selection(self) -> None:
        """The brush goes on with the selected mask; where none is selected, it begins a new one."""
        if self.layer is not None:
            selected = self.session.selected
            number = self._numbers.get(selected) if selected is not None else None
            self.layer.selected_label = number if number in self._masks else self._free()

    def _take(self, changes: Mapping[int, Mask | None]) -> None:
        ids = {number: id for id, number in self._numbers.items() if number in self._masks}
        change: list[Finding] = []
        remove: list[str] = []
        add: list[Finding] = []
        for number, mask in changes.items():
            finding = self.session.findings[ids[number]] if number in ids else None
            if finding is None:
                pieces = components(mask) if mask is not None else []
                add += [Finding(piece, provenance=Provenance(person=reviewer())) for piece in pieces]
                if pieces:  # a number that a hidden finding had is now that of the largest painted one
                    self._numbers = {id: n for id, n in self._numbers.items() if n != number}
                    self._numbers[add[-len(pieces)].id] = number
            elif mask is not None:
                change.append(moved(finding, mask))
            elif finding.provenance.model:
                change.append(finding.with_(status="rejected"))
            else:
                remove.append(finding.id)
        if add or change or remove:
            self.session.edit(add=add, change=change, remove=remove)
        if add:
            self.session.select(add[-1].id)

    def _is_mask(self, finding: Finding) -> bool:
        return isinstance(finding.geometry, Mask) and len(finding.geometry.shape) == self.NDIM
