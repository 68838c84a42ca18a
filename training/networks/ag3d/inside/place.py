"""3D-AG at one place: the proposals there, and what FPRN sees of one of them, level by level (Fig. 2 and 3 of the paper)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ....imaging.image import Image
from ....inference.inside.feature_maps import Extent, FeatureMap, Inside, MapGroup, Proposal, stages
from ....inference.predictor import Progress
from ....ops.hooks import calls_of
from ....ops.spheres import nms_spheres
from ..detect import read_all
from ..network import Ag3d
from ..predictor import Ag3dPredictor
from .window import Window, maps_of, window_around

NEAR_MM = 20.0
"""Proposals whose centres are nearer to the place are listed."""
RIM_MM = 2.0
"""A proposal's centre may lie this far outside the nodule that is looked at, or the place that far outside the proposal."""


@dataclass(frozen=True)
class Crop:
    """A proposal as FPRN takes it, and what it makes of it.

    Parameters
    ----------
    row
        (5,): z, y, x, diameter in voxels of the window, and the level that it came from.
    pooled
        (3, C, 2, 2, 2): the RoI features of each level.
    magnified
        Of each level the magnified crop (C, 12, 12, 12); empty without Local Magnification.
    score
        FPRN's, 0–1.
    """

    row: Tensor
    pooled: Tensor
    magnified: tuple[Tensor, ...]
    score: float


def look_inside(
    predictor: Ag3dPredictor, image: Image, place: Sequence[float], diameter: float
) -> Generator[Progress, None, Inside]:
    """Yield progress; return the proposals near a place, and the crops and maps that FPRN judges the best of them by.

    Where there is no proposal, a sphere at the place stands in for one: its crops show what FPRN would have seen.

    Parameters
    ----------
    predictor
        With any weights of the network.
    image
        A chest CT.
    place
        World position (z, y, x) in mm.
    diameter
        Of the nodule that is thought to be there, in mm.

    Raises
    ------
    PredictorError, NoLungFoundError
        The network has not seen the place; the message says why.
    """
    yield Progress(0.0, "preparing the CT")
    window = window_around(image, place)
    yield Progress(0.4, "computing the maps")
    pyramid, rpn = maps_of(predictor, window)
    yield Progress(0.8, "cutting the crops")
    net = predictor.net.to(pyramid[0].device)
    with torch.inference_mode():
        with calls_of({"fprn": net.fprn}) as calls:
            (reading,) = read_all(net.fprn, pyramid, rpn)
        rows = calls["fprn"][0].args[1][0]
        found = reading.detections  # by score; the rows are as FPRN was given them
        given = reading.proposals.anchor.tolist()
        at = window.to_voxel(place)
        chosen = _best(found.spheres, found.score, at, diameter)
        row = (
            rows[given.index(found.anchor[chosen])]
            if chosen is not None
            else _stand_in(net, at, diameter, rows)
        )
        crop = crop_of(net, pyramid, row)
    kept = set(nms_spheres(found.spheres, found.score, net.config.nms_iou).tolist())
    distance = np.linalg.norm(found.spheres[:, :3] - at, axis=1)
    near = [i for i in np.argsort(-found.score, kind="stable") if distance[i] <= NEAR_MM]
    proposals = tuple(
        Proposal(
            _extent(found.spheres[i], window),
            float(found.score[i]),
            {"rpn": float(found.rpn[i]), "fprn": float(found.fprn[i])},
            int(i) in kept,
            i == chosen,
        )
        for i in near
    )
    groups = (
        _seen(window),
        _objectness(net, window, rpn),
        *_levels(net, window, pyramid, crop, place),
        *_magnified(net, window, crop),
        _pooled(net, window, crop),
    )
    return Inside(predictor.info.title, tuple(place), groups, proposals, _words(net, crop, chosen is None))


def crop_of(net: Ag3d, pyramid: list[Tensor], row: Tensor) -> Crop:
    """What FPRN sees and says of one proposal (5,), by its own modules."""
    fprn = net.fprn
    watched: dict[str, nn.Module] = {"classifier": fprn.classifier}
    if fprn.magnify is not None:
        watched["magnify"] = fprn.magnify
    with calls_of(watched) as calls:
        logit = fprn([level.float() for level in pyramid], [row[None]])
    flat = calls["classifier"][0].args[0]
    size = fprn.roi_size
    pooled = flat.reshape(len(pyramid), -1, size, size, size)
    magnified = tuple(call.result[0] for call in calls.get("magnify", ()))
    return Crop(row, pooled, magnified, float(torch.sigmoid(logit)[0]))


def _best(spheres: np.ndarray, score: np.ndarray, at: np.ndarray, diameter: float) -> int | None:
    """The proposal with the highest score in or on the nodule; None where there is none."""
    distance = np.linalg.norm(spheres[:, :3] - at, axis=1)
    there = np.flatnonzero(distance <= np.maximum(spheres[:, 3], diameter) / 2 + RIM_MM)
    return int(there[score[there].argmax()]) if len(there) else None


def _stand_in(net: Ag3d, at: np.ndarray, diameter: float, like: Tensor) -> Tensor:
    """A sphere at the place as a proposal (5,), of the level whose anchors fit its diameter best."""
    ratio = {
        level: min(abs(np.log(diameter / anchor)) for anchor in net.config.anchors[level])
        for level in net.config.levels
    }
    return like.new_tensor([*at, diameter, float(min(ratio, key=lambda level: ratio[level]))])


def cells_of(net: Ag3d, row: Tensor, level: int) -> float:
    """Side in mm of the region that FPRN pools on a level: with Diameter Alignment as many cells on each."""
    own = net.config.strides[int(row[4])] if net.config.align_diameter else net.config.strides[level]
    return float(row[3]) / own * net.config.strides[level]


def _extent(sphere: np.ndarray, window: Window) -> Extent:
    low, high = (window.origin + sphere[:3] + sign * sphere[3] / 2 for sign in (-1, 1))
    return tuple(low.tolist()), tuple(high.tolist())


def _region(net: Ag3d, window: Window, row: Tensor, level: int) -> Extent:
    own = row.cpu().numpy().astype(float)
    return _extent(np.array([*own[:3], cells_of(net, row, level)]), window)


def _seen(window: Window) -> MapGroup:
    one = FeatureMap("axial, 1 mm", window.hu.astype(np.float32), *window.frame(1))
    return MapGroup("Input", "HU", (one,), (-1000.0, 600.0))


def _objectness(net: Ag3d, window: Window, rpn: Tensor) -> MapGroup:
    """RPN scores of the best anchor at each cell, level by level."""
    config, first = net.config, 0
    maps = []
    for level in config.levels:
        stride, anchors = config.strides[level], len(config.anchors[level])
        shape = tuple(n // stride for n in window.hu.shape)
        count = int(np.prod(shape)) * anchors
        logits = rpn[0, first : first + count, 0].float().reshape(*shape, anchors)
        first += count
        best = torch.sigmoid(logits.amax(-1)).cpu().numpy()
        sizes = ", ".join(f"{d:g}" for d in config.anchors[level])
        maps.append(FeatureMap(f"Ø {sizes} mm", best, *window.frame(stride)))
    return MapGroup(
        "RPN", "score", tuple(maps), (0.0, 1.0), "The first look, by the sizes that each level looks for."
    )


def _levels(
    net: Ag3d, window: Window, pyramid: list[Tensor], crop: Crop, place: Sequence[float]
) -> tuple[MapGroup, ...]:
    strides = net.config.strides
    named = [(f"stride {s}", level[0], *window.frame(s)) for s, level in zip(strides, pyramid, strict=True)]
    regions = [(_region(net, window, crop.row, level),) for level in range(len(strides))]
    return stages(place, named, "Pyramid", regions)


def _magnified(net: Ag3d, window: Window, crop: Crop) -> tuple[MapGroup, ...]:
    """Crops as Local Magnification enlarges them, where the network has it."""
    magnify = net.fprn.magnify
    if magnify is None or not crop.magnified:
        return ()
    maps = []
    center = crop.row[:3].cpu().numpy().astype(float)
    for level, features in enumerate(crop.magnified):
        stride = net.config.strides[level]
        shape = np.array([n // stride for n in window.hu.shape])
        cell = np.clip(np.round((center + 0.5) / stride - 0.5), 0, shape - 1)
        first = (
            cell - magnify.crop // 2
        ) * stride - 0.5  # the outer edge of the crop's first cell, in voxels
        step = stride / magnify.factor
        strong = features.float().square().mean(0).sqrt().cpu().numpy()
        origin = window.origin + first + step / 2 + 0.0
        maps.append(
            FeatureMap(
                f"stride {stride}",
                strong,
                origin,
                np.eye(3) * step,
                (_region(net, window, crop.row, level),),
            )
        )
    note = f"Crops of {magnify.crop} cells, enlarged {magnify.factor} times."
    return (MapGroup("Magnified crops", "", tuple(maps), note=note, whole=True),)


def _pooled(net: Ag3d, window: Window, crop: Crop) -> MapGroup:
    """The 2 × 2 × 2 bins of each level, all that FPRN is given: lower and upper halves."""
    row = crop.row.cpu().numpy().astype(float)
    maps = []
    for half, words in enumerate(("lower", "upper")):
        for level, features in enumerate(crop.pooled):
            side = cells_of(net, crop.row, level)
            step = side / features.shape[-1]
            origin = window.origin + row[:3] - side / 2 + step / 2
            strong = features.float().square().mean(0).sqrt().cpu().numpy()
            frame = origin + np.array([half * step, 0.0, 0.0])
            name = f"stride {net.config.strides[level]}, {words}"
            maps.append(FeatureMap(name, strong[half], frame, np.eye(3)[1:] * step))
    return MapGroup(
        "FPRN's RoI features",
        "",
        tuple(maps),
        (0.0, max(float(m.values.max()) for m in maps)),
        "What the crops come to: 2 × 2 × 2 cells on each level, strength of 32 channels.",
        whole=True,
    )


def _words(net: Ag3d, crop: Crop, stands_in: bool) -> str:
    diameter, stride = float(crop.row[3]), net.config.strides[int(crop.row[4])]
    if stands_in:
        return (
            f"The RPN proposed nothing here. A sphere of {diameter:.1f} mm stands in: FPRN would have given it "
            f"{crop.score:.2f}."
        )
    return f"Crops of the proposal of {diameter:.1f} mm from stride {stride}; FPRN gave it {crop.score:.2f}."
