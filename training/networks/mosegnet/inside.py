"""MO-SegNet at one place: lung and nodule probability, and the features of encoder, atrous pyramid and decoder."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import torch

from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...inference.inside.feature_maps import FeatureMap, Inside, MapGroup, stages
from ...inference.predictor import PredictorError, Progress
from ...ops.hooks import calls_of, numbered
from .maps import Maps, probability_maps
from .network import Pyramid
from .predictor import MosegnetPredictor, check, within


def look_inside(
    predictor: MosegnetPredictor, image: Image, place: Sequence[float], _size: float
) -> Generator[Progress, None, Inside]:
    """Yield progress; return probabilities and deeper features of a radiograph.

    Parameters
    ----------
    predictor
        With any weights of the network.
    image
        A frontal chest radiograph, upright with dark air.
    place
        World position (y, x), in mm or pixels.

    Raises
    ------
    PredictorError
        The image is no radiograph, or the place lies beside it.
    """
    check(image)
    if len(place) != 2 or not bool(image.contains(place)):
        raise PredictorError("this place lies beside the radiograph, so MO-SegNet has seen nothing there.")
    yield Progress(0.0, "preparing the radiograph")
    net = predictor.net
    radiograph = make_radiograph_input(image, net.config.side)
    yield Progress(0.2, "computing the maps")
    bottom = (
        {f"rate {rate}": b for rate, b in zip(net.config.rates, net.bottom.branches, strict=True)}
        if isinstance(net.bottom, Pyramid)
        else {"bottom": net.bottom}
    )
    parts = {
        "Encoder": numbered("stage", net.encoder),
        "Atrous pyramid" if isinstance(net.bottom, Pyramid) else "Bottom": bottom,
        "Decoder": numbered("step", net.decoder),
    }

    def on(device: torch.device) -> tuple[Maps, dict[str, torch.Tensor]]:
        watched = {f"{part}/{name}": m for part, named in parts.items() for name, m in named.items()}
        with calls_of(watched) as calls:
            maps = probability_maps(net, radiograph.pixels, device)
        # A second call, if there is one, saw the mirror image.
        return maps, {name: each[0].result[0] for name, each in calls.items()}

    (maps, features), _ = predictor.run_with_cpu_fallback(on)
    yield Progress(0.9, "computing the maps")
    deep = [
        group
        for part, named in parts.items()
        for group in stages(
            place,
            [
                (name, each, *frame(radiograph, each, net.config.stem))
                for name in named
                for each in (features[f"{part}/{name}"],)
            ],
            part,
        )
    ]
    groups = (_input(radiograph), _probabilities(net.config.lesions, maps, radiograph), *deep)
    return Inside(predictor.info.title, tuple(place), groups, words=_words(maps, radiograph, place))


def frame(radiograph: RadiographInput, features: torch.Tensor, stem: str) -> tuple[np.ndarray, np.ndarray]:
    """Origin and steps of a map (C, h, w): halved by padded windows, its cell i sits on cell 2 i of the map before.

    The first cells are pixels, or with the stem ``"space_to_depth"`` blocks of 2 × 2 pixels, which count from their middles.
    """
    stride = radiograph.pixels.shape[-1] / features.shape[-1]
    start = 1.0 if stem == "space_to_depth" else 0.5
    return radiograph.to_world((start, start)), np.diag(np.asarray(radiograph.pixel) * stride)


def pixel_frame(radiograph: RadiographInput) -> tuple[np.ndarray, np.ndarray]:
    """Origin and steps of the radiograph's own pixels."""
    return np.asarray(radiograph.corner), np.diag(radiograph.pixel)


def _input(radiograph: RadiographInput) -> MapGroup:
    one = FeatureMap("radiograph", radiograph.pixels, *pixel_frame(radiograph))
    return MapGroup("Input", "", (one,), (0.0, 1.0))


def _probabilities(lesions: Sequence[str], maps: Maps, radiograph: RadiographInput) -> MapGroup:
    named = {name: values * radiograph.inside for name, values in zip(lesions, maps.lesions, strict=True)}
    if maps.lungs is not None:
        lungs = within(maps.lungs, radiograph.inside)
        sides = ("right lung", "left lung") if len(lungs) == 3 else ("lungs",)
        named |= dict(zip(sides, lungs[1:], strict=True))
    frame_ = pixel_frame(radiograph)
    shown = tuple(FeatureMap(name, values.astype(np.float32), *frame_) for name, values in named.items())
    return MapGroup("Answer", "probability", shown, (0.0, 1.0))


def _words(maps: Maps, radiograph: RadiographInput, place: Sequence[float]) -> str:
    row, column = (int(v) for v in np.floor(radiograph.from_world(place)))
    side = radiograph.pixels.shape[0]
    here = float(maps.lesions[0, min(max(row, 0), side - 1), min(max(column, 0), side - 1)])
    words = f"Nodule probability here {here:.2f}"
    if maps.lungs is not None:
        lung = 1 - float(maps.lungs[0, min(max(row, 0), side - 1), min(max(column, 0), side - 1)])
        words += f", lung {lung:.2f}"
    return f"{words}."
