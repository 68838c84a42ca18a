"""The layer *lungs*: outlines of the lungs and of other anatomy on a radiograph, painted and erased by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from napari.layers import Labels

from ...session.review import reviewer
from ...training.findings import Mask, Provenance, Region
from ..overlay_colors import OTHER, REGIONS
from .labels import LabelsBinding

OPACITY = 0.8
NUMBERS = {"right lung": 1, "left lung": 2, "lungs": 3}
"""Labels of the lungs; right is the patient's right."""


class LungBinding(LabelsBinding):
    """Each region has a label, drawn as an outline so that the lung stays as it is; strokes change the session's regions."""

    NAME = "lungs"

    def _contents(self) -> frozenset[str]:
        return frozenset(region.name for region in self.session.findings.regions)

    def _has_visible(self) -> bool:
        image = self.session.image
        return image is not None and image.ndim == 2 and bool(self.session.findings.regions)

    def _make_layer(self, units: str) -> Labels:
        layer = super()._make_layer(units)
        layer.opacity = OPACITY
        layer.contour = max(round(max(layer.data.shape) / 800), 1)
        names = self._names()
        layer.features = pd.DataFrame({"index": [0, *names], "name": ["", *names.values()]})
        return layer

    def _names(self) -> dict[int, str]:
        """All numbers that mean something."""
        others = [r.name for r in self.session.findings.regions if r.name not in NUMBERS]
        names = {**NUMBERS, **{name: 4 + place for place, name in enumerate(sorted(others))}}
        return {number: name for name, number in names.items()}

    def _target(self) -> dict[int, tuple[Mask, str]]:
        numbers = {name: number for number, name in self._names().items()}
        return {
            numbers[region.name]: (region.mask, REGIONS.get(region.name, OTHER))
            for region in self.session.findings.regions
        }

    def _show_selection(self) -> None:
        """Nothing here can be selected."""

    def _take(self, changes: Mapping[int, Mask | None]) -> None:
        names = self._names()
        regions = {region.name: region for region in self.session.findings.regions}
        for number, mask in changes.items():
            name = names.get(number)
            if name is None:  # a number that means nothing
                continue
            if mask is None:
                regions.pop(name, None)
            else:
                before = regions[name].provenance if name in regions else Provenance()
                provenance = Provenance(before.model, before.version, reviewer())
                regions[name] = Region(name, mask, provenance)
        self.session.set_regions(regions.values())
