"""DHN at one place: what it sees, the RPN's objectness level by level, the pyramid, and the proposals before suppression."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...inference.inside.feature_maps import FeatureMap, Inside, MapGroup, Proposal, stages
from ...inference.predictor import PredictorError, Progress
from ...inference.suitability import check_radiograph
from ...ops.hooks import calls_of
from ...ops.logits import calibrated
from .local_head import LocalHead, Looks
from .network import Dhn
from .predictor import DhnPredictor, unusable


@dataclass(frozen=True)
class Seen:
    """What the modules were given and returned: the body's input, RPN logits and features by level, proposals."""

    input: Tensor
    objectness: list[Tensor]
    features: list[Tensor]
    looks: Looks


def look_inside(
    predictor: DhnPredictor, image: Image, place: Sequence[float], _size: float
) -> Generator[Progress, None, Inside]:
    """Yield progress; return maps of a radiograph, and all proposals of the RoI head by score.

    Parameters
    ----------
    predictor
        With any weights of the network that has a local head.
    image
        A frontal chest radiograph, upright with dark air.
    place
        World position (y, x), in mm or pixels.

    Raises
    ------
    PredictorError
        The image is no radiograph or shows nothing, the place lies beside it, or these weights have no local head.
    """
    check_radiograph(image, "DHN")
    if len(place) != 2 or not bool(image.contains(place)):
        raise PredictorError("this place lies beside the radiograph, so DHN has seen nothing there.")
    net, head = predictor.net, predictor.net.local_head
    if head is None:
        raise PredictorError("These weights of DHN have no local head: there are no proposals to look at.")
    yield Progress(0.0, "preparing the radiograph")
    radiograph = make_radiograph_input(image, net.config.side)
    if why := unusable(image, radiograph):
        raise PredictorError(why)
    yield Progress(0.2, "computing the maps")
    seen, _ = predictor.run_with_cpu_fallback(lambda device: _run(net, head, radiograph, device))
    yield Progress(0.9, "computing the maps")
    proposals = _proposals(seen, radiograph, net)
    frames = [_frame(radiograph, level) for level in seen.features]
    levels = [
        (f"stride {2**n}", features, *where)
        for n, features, where in zip(net.config.levels, seen.features, frames, strict=True)
    ]
    groups = (
        _input(seen.input, radiograph),
        MapGroup(
            "RPN objectness",
            "score",
            tuple(
                FeatureMap(name, torch.sigmoid(logits.amax(0)).cpu().numpy(), *where)
                for (name, *_), logits, where in zip(levels, seen.objectness, frames, strict=True)
            ),
            (0.0, 1.0),
            "The first look, level by level: the best anchor over each cell.",
        ),
        *stages(place, levels, "Feature pyramid"),
    )
    kept = sum(p.kept for p in proposals)
    words = f"{len(proposals)} proposals on the radiograph, {kept} left after suppression."
    return Inside(predictor.info.title, tuple(place), groups, proposals, words)


def _run(net: Dhn, head: LocalHead, radiograph: RadiographInput, device: torch.device) -> Seen:
    with torch.inference_mode(), calls_of({"body": net.body, "rpn": head.rpn.head}) as calls:
        features = net.features(torch.from_numpy(radiograph.pixels)[None].to(device))
        looks = head.detect(features)[0].looks
    assert looks is not None  # `detect` keeps them
    return Seen(
        calls["body"][0].args[0][0],
        [level[0] for level in calls["rpn"][0].result[0]],
        [level[0] for level in head.chosen(features)],
        looks,
    )


def _frame(radiograph: RadiographInput, features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Origin and steps of a level: cell i sits on pixel i × stride, padding being 1 at every halving."""
    stride = radiograph.pixels.shape[-1] / features.shape[-1]
    return np.asarray(radiograph.corner), np.diag(np.asarray(radiograph.pixel) * stride)


def _input(given: Tensor, radiograph: RadiographInput) -> MapGroup:
    where = np.asarray(radiograph.corner), np.diag(radiograph.pixel)
    names = ("radiograph", "local contrast")[: len(given)]
    maps = tuple(FeatureMap(n, c.float().cpu().numpy(), *where) for n, c in zip(names, given, strict=True))
    return MapGroup("Input", "SD", maps, (-2.0, 2.0))


def _proposals(seen: Seen, radiograph: RadiographInput, net: Dhn) -> tuple[Proposal, ...]:
    """All candidates with an area, by descending calibrated score."""
    found, kept = seen.looks, set(seen.looks.keep.tolist())
    corners = found.boxes.cpu().numpy().astype(float)[:, [1, 0, 3, 2]].reshape(-1, 2, 2)
    scores = calibrated(found.scores.cpu().numpy(), net.config.calibration)
    objectness = found.objectness.cpu().numpy()
    world = radiograph.to_world(corners)
    return tuple(
        Proposal(
            (tuple(world[i, 0].tolist()), tuple(world[i, 1].tolist())),
            float(scores[i]),
            {"rpn": float(objectness[i])},
            int(i) in kept,
        )
        for i in np.argsort(-scores, kind="stable")
        if np.all(corners[i, 1] > corners[i, 0])
    )
