"""Measurements on an image: lines, angles, regions, and the axes and volume of a nodule; never findings."""

from .measurement import KINDS, Measurement

__all__ = ["KINDS", "Measurement"]
