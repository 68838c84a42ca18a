"""The layer *nodule masks* of a CT: masks of nodules in three dimensions, painted, filled and erased by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.layers import Labels

from ...training.findings import Mask
from ...training.imaging.image import Image
from .grid import paint, pixels_of, repainted
from .nodules import MaskBinding

Region = tuple[slice, ...]


class VolumeMaskBinding(MaskBinding):
    """As on a radiograph, but nothing is ever done to the whole volume: only to what a stroke or a command has changed.

    There is no layer until there is a mask, or a person wants to paint one (`redraw`): its labels take two bytes for each voxel.
    """

    NDIM = 3

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._strokes: list[Region] = []
        self._unknown = False
        super().__init__(*args, **kwargs)

    def _suits(self, image: Image) -> bool:
        return image.ndim == 3 and self._has_visible()

    def _contents(self) -> frozenset[str]:
        return frozenset(f.id for f in self.session.findings if self._is_mask(f))

    def _has_visible(self) -> bool:
        image = self.session.image
        return image is not None and image.ndim == 3 and any(map(self._is_mask, self.session.visible))

    def _make_layer(self, units: str) -> Labels:
        layer = super()._make_layer(units)
        layer.brush_size = 6
        return layer

    # ---- session -> layer

    def _draw(self) -> None:
        layer, image = self.layer, self.session.image
        if layer is None or image is None or image.ndim != 3 or self._painted is None:
            return
        before, (masks, colors) = self._masks, self._parts()
        stale, self._strokes = self._strokes, []
        for number in before.keys() | masks.keys():
            if before.get(number) != masks.get(number):
                stale += [pixels_of(m, image)[0] for m in (before.get(number), masks.get(number)) if m]
        self._masks = masks
        if colors != self._colors:
            self._recolor(layer, colors)
        if self._unknown:
            stale, self._unknown = [tuple(slice(0, n) for n in image.shape)], False
        if not stale:
            return
        region = _around(stale)
        part = self._part(region, image)
        self._painted[region] = part
        layer.data[region] = part
        self._show_selection()
        layer.refresh(extent=False)

    def _part(self, region: Region, image: Image) -> np.ndarray:
        """Labels of a region, painted anew."""
        cut = _cut(image, region)
        part = np.zeros(cut.shape, np.uint16)
        for number, mask in self._masks.items():
            paint(part, mask, cut, number)
        return part

    # ---- layer -> session

    def _on_paint(self, event: object = None) -> None:
        """napari tells of a stroke by the voxels that it touched: indices along each axis, old values, new ones."""
        atoms = getattr(event, "value", None) or ()
        shape = self._painted.shape if self._painted is not None else ()
        touched = [_bounds(atom[0], shape) for atom in atoms]
        self._strokes += [region for region in touched if region is not None]
        self._unknown |= not self._strokes
        super()._on_paint(event)

    def _take_stroke(self) -> None:
        layer, image, painted = self.layer, self.session.image, self._painted
        if layer is None or image is None or painted is None or self._busy:
            return
        if self._unknown:
            self._strokes = [tuple(slice(0, n) for n in image.shape)]
        if not self._strokes:
            return
        stroke = _around(self._strokes)
        differs = painted[stroke] != layer.data[stroke]
        numbers = np.union1d(painted[stroke][differs], np.asarray(layer.data[stroke])[differs])
        known = [pixels_of(self._masks[n], image)[0] for n in map(int, numbers) if n in self._masks]
        region = _around([stroke, *known])
        cut = _cut(image, region)
        before, after = painted[region], np.asarray(layer.data[region])
        changes: dict[int, Mask | None] = {
            int(n): repainted(before, after, int(n), self._masks.get(int(n)), cut) for n in numbers if n
        }
        self._take(changes)
        self._draw()  # what was not taken goes


def _cut(image: Image, region: Region) -> Image:
    """A part of an image, in its place."""
    low = image.to_world([span.start for span in region])
    return Image(image.voxels[region], spacing=image.spacing, origin=tuple(low.tolist()))


def _around(regions: Iterable[Region]) -> Region:
    """The smallest region that holds all."""
    return tuple(
        slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*regions, strict=True)
    )


def _bounds(indices: tuple[Any, ...], shape: tuple[int, ...]) -> Region | None:
    """The region of voxels that napari names by arrays, numbers or slices along each axis; None where there is none."""
    spans = []
    for index, size in zip(indices, shape, strict=True):
        places = np.arange(size)[index] if isinstance(index, slice) else np.atleast_1d(index)
        if not places.size:
            return None
        spans.append(slice(int(places.min()), int(places.max()) + 1))
    return tuple(spans)
