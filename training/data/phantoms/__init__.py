"""Synthetic thorax CT with exact truth, from a seed."""

from .phantom import make_phantom
from .placement import PlacementError
from .spec import NoduleSpec, Phantom, PhantomSpec, Scanner

__all__ = ["NoduleSpec", "Phantom", "PhantomSpec", "PlacementError", "Scanner", "make_phantom"]
