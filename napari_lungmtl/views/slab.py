"""Slabs by the name that the views have for them: `training.imaging.slab`, where measurements take them from too."""

from __future__ import annotations

from ..training.imaging.slab import KINDS, LEAST, MOST, Slab, cut

__all__ = ["KINDS", "LEAST", "MOST", "Slab", "cut"]
