"""Look inside of a network at a place of an image, whichever network it is."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import numpy.typing as npt

from ...imaging.image import Image
from ...imaging.radiograph.orientation import AS_STORED, Orientation, WorldMap, turn
from ...imaging.radiograph.upright import with_dark_air
from .. import model_store, registry
from ..predictor import PredictorError, Progress
from ..suitability import suits
from .feature_maps import Inside

Look = Generator[Progress, None, Inside]


def networks_to_look_into(image: Image) -> dict[str, str]:
    """Networks at hand that show what happens in them for such an image: titles by name; imports no torch."""
    return {
        info.name: info.title
        for info in registry.models()
        if suits(info, image) and info.name in registry.NETWORKS and registry.network(info.name).shows_inside
    }


def look_inside(
    image: Image,
    name: str,
    place: Sequence[float],
    size: float,
    device: str = "auto",
    orientation: Orientation = AS_STORED,
) -> Look:
    """Yield progress; return a network's maps, crops and proposals at a place.

    Parameters
    ----------
    image
        A chest CT or a frontal radiograph.
    name
        Of the network, one of `networks_to_look_into`.
    place
        World position (z, y, x) or (y, x) in the image as it is stored.
    size
        Diameter of what is thought to be there, in world units.
    device
        As for `registry.load_predictor`.
    orientation
        How the network looks at a radiograph; what comes back lies where it is in the file.

    Raises
    ------
    PredictorError, WeightsError
        The network shows nothing of such an image or place, or cannot be loaded.
    """
    network = registry.network(name)
    if not network.shows_inside:
        raise PredictorError(f"{name} does not show what happens in it.")
    yield Progress(0.0, "loading the network")
    model = model_store.store.in_use(name, device)
    if image.ndim != 2:
        return (yield from network.look_inside(model, image, place, size))
    seen = with_dark_air(image, orientation)
    world = WorldMap.of(image, seen)
    there = turn(image, seen)
    if there is image:
        return (yield from network.look_inside(model, image, place, size))
    inside = yield from network.look_inside(model, there, tuple(from_stored(world, place)), size)
    return inside.moved(world.to_stored)


def from_stored(world: WorldMap, place: npt.ArrayLike) -> np.ndarray:
    """Positions (…, 2) in the turned world of positions in the stored one: the inverse of `WorldMap.to_stored`."""
    origin, *steps = world.to_stored([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    return (np.asarray(place, float) - origin) @ np.linalg.inv(np.stack(steps) - origin)
