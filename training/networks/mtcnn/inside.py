"""MT-CNN at one place: the nine views that it judges a nodule by, and its reconstructions of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from ...crossval.nodule_cubes import MIDDLE, nodule_cube
from ...findings import Finding, Sphere
from ...imaging.image import Image
from ...inference.inside.feature_maps import FeatureMap, Inside, MapGroup
from ...inference.predictor import Progress
from .predictor import MtcnnPredictor
from .views import AXES, offsets


def look_inside(
    predictor: MtcnnPredictor, image: Image, place: Sequence[float], diameter: float
) -> Generator[Progress, None, Inside]:
    """Yield progress; return the nine views with the score of each, and what the network's ImgNet makes of them.

    Parameters
    ----------
    predictor
        With any weights of the network.
    image
        A chest CT.
    place, diameter
        World position (z, y, x) of the nodule in mm, and its size.

    Raises
    ------
    PredictorError
        The image is no CT, the place lies outside of it, or these weights are of the single-task variant.
    """
    yield Progress(0.0, "computing the views")
    at = (float(place[0]), float(place[1]), float(place[2]))
    drawn = predictor.reconstruct(image, Finding(Sphere(at, diameter)))
    yield Progress(0.6, "scoring the views")
    cube, _ = nodule_cube(image, at)
    opinion = predictor.opinion(cube, np.full(3, MIDDLE), diameter, image.series_uid)
    config = predictor.config
    where = np.asarray(at) + offsets(config.field_mm, config.pixels)
    steps = AXES * config.field_mm / config.pixels

    low, high = config.hu_range

    def maps(values: np.ndarray, captions: Sequence[str]) -> tuple[FeatureMap, ...]:
        return tuple(
            FeatureMap(name, one.astype(np.float32), first, step)
            for name, one, first, step in zip(captions, values, where[:, 0, 0], steps, strict=True)
        )

    def hu(unit: np.ndarray) -> np.ndarray:
        return low + unit * (high - low)

    scored = [f"{name} · {score:.2f}" for name, score in zip(drawn.names, opinion.view_scores, strict=True)]
    groups = [
        MapGroup(
            "Views",
            "HU",
            maps(hu(drawn.views), scored),
            (low, high),
            "Malignancy from each view alone stands beside its name.",
            whole=True,
        ),
        MapGroup(
            "Reconstructions",
            "HU",
            maps(hu(drawn.grey), drawn.names),
            (low, high),
            "What the network drew again from what it kept of each view.",
            whole=True,
        ),
    ]
    if drawn.masks is not None:
        groups.append(
            MapGroup(
                "Outlines",
                "probability",
                maps(drawn.masks, drawn.names),
                (0.0, 1.0),
                "Where the network takes the nodule to be in each view; sizes are not measured on it.",
                whole=True,
            )
        )
    words = f"Malignancy {opinion.malignancy:.2f}, spread over the views {opinion.std:.2f}."
    return Inside(predictor.info.title, at, tuple(groups), words=words)
