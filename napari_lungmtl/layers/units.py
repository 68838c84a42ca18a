"""Millimetres and pixels in one viewer: napari warns at every draw where layers do not agree, and then uses bare numbers."""

from __future__ import annotations

from collections.abc import Iterable

from napari.layers import Layer

_PIXELS = "lungmtl_in_pixels"
"""Key of a layer's metadata: it is in pixels, and says millimetres for as long as a layer beside it does."""


def agree(layers: Iterable[Layer]) -> None:
    """Make this plugin's layers in pixels say what those in millimetres say, as long as there are any.

    Nothing is scaled: where layers disagree napari draws the same numbers, and warns. What a person reads of a radiograph whose
    millimetres are unknown comes from its image, which stays in pixels. Layers that a person added are left alone.

    Parameters
    ----------
    layers
        A viewer's, with the one that is about to be added: napari draws at once.
    """
    ours = [layer for layer in layers if any(str(key).startswith("lungmtl_") for key in layer.metadata)]
    true = [layer for layer in ours if not layer.metadata.get(_PIXELS)]
    if any(_unit(layer) != "pixel" for layer in true):
        for layer in true:
            if _unit(layer) == "pixel":
                layer.metadata[_PIXELS] = True
                layer.units = ("mm",) * layer.ndim
        return
    for layer in ours:
        if layer.metadata.pop(_PIXELS, False):
            layer.units = ("pixel",) * layer.ndim


def _unit(layer: Layer) -> str:
    return str(layer.units[-1])
