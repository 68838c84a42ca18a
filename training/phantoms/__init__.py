"""Synthetic thorax CT with exact truth, from a seed."""

from .phantom import PlacementError, make_phantom
from .spec import NoduleSpec, Phantom, PhantomSpec, Scanner

__all__ = ["NoduleSpec", "Phantom", "PhantomSpec", "PlacementError", "Scanner", "make_phantom"]
