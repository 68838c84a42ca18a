"""An `Image` as a napari layer, and any napari layer as an `Image`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pint
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer

from ..text.cases import file_name, short_uid
from ..training.imaging.image import Image
from ..training.imaging.streamed import StreamedImage, fraction_of
from .window_presets import apply, first_window, presets

IMAGE = "lungmtl_image"
"""Key of a layer's metadata under which its `Image` is kept."""
LAYER_UNITS = "layer_units"
"""Key of an image's metadata: the units of the layer that it was taken from, where mm were assumed."""
_PIXELS = "lungmtl_in_pixels"
"""Key of a layer's metadata: it is in pixels, and says millimetres for as long as a layer beside it does."""


def image_layer_data(image: Image) -> tuple[np.ndarray, dict[str, Any], str]:
    """What napari's readers return for an image: the voxels themselves, placed in LPS mm."""
    attributes: dict[str, Any] = {
        "name": _name(image),
        "scale": image.scale,
        "translate": image.origin,
        "units": (image.units,) * image.ndim,
        # As in all that is written of places.
        **({"axis_labels": ("z", "y", "x")} if image.ndim == 3 else {}),
        # napari's default averages neighbouring slices when slabs are shown; the network sees no such average.
        "projection_mode": "none",
        # Slices that are thicker than their pixels would be stairs in coronal and sagittal views.
        "interpolation2d": "linear" if image.ndim == 3 else "nearest",
        "colormap": "gray",
        "contrast_limits": first_window(image),
        "metadata": {IMAGE: image},
    }
    return image.voxels, attributes, "image"


def add_image_layer(viewer: ViewerModel, image: Image) -> ImageLayer:
    """Show an image, in its window; its layer knows it (``metadata["lungmtl_image"]``)."""
    voxels, attributes, _ = image_layer_data(image)
    layer = ImageLayer(voxels, **attributes)
    agree_on_units([*viewer.layers, layer])
    viewer.add_layer(layer)
    layer.contrast_limits_range = presets(image)["Full"]
    apply(layer, attributes["contrast_limits"])
    fill_layers(viewer, image)
    return layer


def fill_layers(viewer: ViewerModel, image: Image) -> None:
    """Read in the background what an image on a server lacks, and draw it as it comes; nothing where it is whole."""
    if isinstance(image, StreamedImage) and fraction_of(image) < 1:
        from .filling import LayerFilling  # needs Qt, which napari may be without

        LayerFilling(viewer, image)


def image_from_layer(layer: ImageLayer) -> Image:
    """The image that a layer shows: its own where this plugin's reader made it, else one made from the layer.

    Raises
    ------
    ValueError
        It is no grey volume or radiograph, or lies askew; the message says which.
    """
    _check(layer)
    spacing, origin, flips, warnings, units = _placement(layer)
    voxels = np.flip(np.asarray(layer.data), tuple(np.flatnonzero(flips)))
    image = layer.metadata.get(IMAGE)
    if isinstance(image, Image) and image.shape == voxels.shape:
        if np.allclose(image.scale, spacing) and np.allclose(image.origin, origin):
            return image
        # A person moved or scaled the layer.
        return replace(image, voxels=voxels, spacing=spacing if image.spacing else None, origin=origin)
    modality = "CT" if voxels.ndim == 3 and looks_like_ct(voxels) else ""
    if voxels.ndim == 3 and not modality:
        warnings.append(f"The values of the layer {layer.name!r} do not look like Hounsfield units.")
    path = layer.source.path
    return Image(
        voxels,
        modality=modality,
        spacing=spacing if voxels.ndim == 3 or units is None else None,
        origin=origin,
        series_uid=layer.name,
        source=Path(path) if path and Path(path).exists() else None,
        metadata={LAYER_UNITS: units} if units else {},
        warnings=tuple(warnings),
    )


def looks_like_ct(voxels: np.ndarray) -> bool:
    """Whether values could be Hounsfield units of a chest: air and soft tissue are there, nothing is far outside."""
    sample = voxels[tuple(slice(None, None, max(1, n // 64)) for n in voxels.shape)]
    low, high = np.percentile(sample, [0.5, 99.9])
    return bool(-5000 < low < -300 and 0 < high < 5000)


def _name(image: Image) -> str:
    description = str(image.metadata.get("series_description") or "").strip()
    patient = str(image.metadata.get("patient_id") or "").strip()
    return description or patient or file_name(image.source) or short_uid(image.series_uid) or "image"


def _check(layer: ImageLayer) -> None:
    if layer.rgb:
        raise ValueError(f"The layer {layer.name!r} is a colour picture, not a CT volume or a radiograph.")
    if layer.multiscale or layer.ndim not in (2, 3):
        raise ValueError(f"The layer {layer.name!r} is not one volume with axes z, y, x (nor a radiograph).")


def _placement(layer: ImageLayer) -> tuple[tuple, tuple, list[bool], list[str], str | None]:
    """Spacing and origin (mm), which axes run backwards, warnings, and the layer's units where mm were assumed."""
    ndim = layer.ndim
    corner = np.asarray(layer.data_to_world(np.zeros(ndim)), float)
    axes = np.array([np.subtract(layer.data_to_world(unit), corner) for unit in np.eye(ndim)]).T
    steps = np.diag(axes)
    if np.abs(axes - np.diag(steps)).max() > 1e-4 * np.abs(steps).max():
        raise ValueError(
            f"The layer {layer.name!r} is rotated or sheared. Resample it along the patient's axes first."
        )
    flips = [bool(step < 0) for step in steps]
    corner = corner + np.where(flips, steps * (np.array(layer.data.shape) - 1), 0)
    warnings: list[str] = []
    assumed: str | None = None
    factors = np.ones(ndim)
    try:
        factors = np.array([pint.Quantity(1, unit).to("mm").magnitude for unit in layer.units], float)
    except pint.DimensionalityError:
        assumed = str(layer.units[-1])
        if layer.metadata.get(IMAGE) is None:
            warnings.append(
                f"The layer {layer.name!r} has no units of length; its scale is taken as millimetres."
            )
    spacing = np.round(np.abs(steps) * factors, 9)  # differences of coordinates carry their rounding
    origin = np.round(corner * factors, 9)
    return tuple(map(float, spacing)), tuple(map(float, origin)), flips, warnings, assumed


def agree_on_units(layers: Iterable[Layer]) -> None:
    """Make this plugin's layers in pixels say what those in millimetres say, as long as there are any.

    Nothing is scaled: where layers disagree napari draws the same numbers, and warns at every draw. What a person reads of a
    radiograph whose millimetres are unknown comes from its image, which stays in pixels. Layers that a person added are left alone.

    Parameters
    ----------
    layers
        A viewer's, with the one that is about to be added: napari draws at once.
    """
    ours = _ours(layers)
    true = [layer for layer in ours if not layer.metadata.get(_PIXELS)]
    if any(_unit(layer) != "pixel" for layer in true):
        _say_millimetres(true)
        return
    for layer in ours:
        if layer.metadata.pop(_PIXELS, False):
            layer.units = ("pixel",) * layer.ndim


def _ours(layers: Iterable[Layer]) -> list[Layer]:
    return [layer for layer in layers if any(str(key).startswith("lungmtl_") for key in layer.metadata)]


def _say_millimetres(layers: Iterable[Layer]) -> None:
    for layer in layers:
        if _unit(layer) == "pixel":
            layer.metadata[_PIXELS] = True
            layer.units = ("mm",) * layer.ndim


def agree_ahead(
    layers: Iterable[Layer], data: tuple[np.ndarray, dict[str, Any], str]
) -> tuple[np.ndarray, dict[str, Any], str]:
    """The same as `agree_on_units` for an image that napari adds by itself: it draws, and warns, before anyone is told.

    Parameters
    ----------
    layers
        A viewer's, which say what a scan in millimetres says from now on.
    data
        Of the image that is about to be added.

    Returns
    -------
    tuple
        The data to add in its place.
    """
    voxels, attributes, kind = data
    ours = _ours(layers)
    if attributes["units"][-1] != "pixel":
        _say_millimetres(ours)
    elif any(_unit(layer) != "pixel" for layer in ours):
        metadata = {**attributes["metadata"], _PIXELS: True}
        attributes = {**attributes, "units": ("mm",) * voxels.ndim, "metadata": metadata}
    return voxels, attributes, kind


def _unit(layer: Layer) -> str:
    return str(layer.units[-1])
