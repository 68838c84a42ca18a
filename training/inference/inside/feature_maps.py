"""Arrays out of a network with their place in the world. No torch here: networks fill them in, a window draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Extent = tuple[tuple[float, ...], tuple[float, ...]]
"""Low and high world corner of an upright box: (z, y, x) or (y, x)."""
ToWorld = Callable[[np.ndarray], np.ndarray]
STANDING_OUT = 4.0
"""Standard deviations from a channel's mean that are black and white."""


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """An array of a network and where it lies: the world position of an index is ``origin + index @ steps``.

    Parameters
    ----------
    name
        What it is, in a few words: ``"stride 8"``, ``"axial · 0.81"``; what stands behind the dot is a remark.
    values
        float32 (d, h, w) or (h, w).
    origin
        World position (n,) of the first value, (z, y, x) or (y, x).
    steps
        (values.ndim, n): where one step along each axis of `values` leads in the world; the rows are at right angles.
    outlines
        Boxes to be drawn over it: regions that a later stage cuts out.
    """

    name: str
    values: np.ndarray
    origin: np.ndarray
    steps: np.ndarray
    outlines: tuple[Extent, ...] = ()

    def to_world(self, index: npt.ArrayLike) -> np.ndarray:
        """World positions (…, n) of fractional indices (…, values.ndim)."""
        return np.asarray(self.origin, float) + np.asarray(index, float) @ np.asarray(self.steps, float)

    def to_index(self, world: npt.ArrayLike) -> np.ndarray:
        """Fractional indices (…, values.ndim) of world positions (…, n); of points beside a plane, those of their foot on it."""
        steps = np.asarray(self.steps, float)
        offset = np.asarray(world, float) - np.asarray(self.origin, float)
        return offset @ steps.T / (steps**2).sum(axis=1)

    def slice_at(self, world: npt.ArrayLike) -> FeatureMap:
        """The plane (h, w) of a volume that lies nearest to a world point, across its first axis; a plane is its own."""
        if self.values.ndim == 2:
            return self
        index = int(np.clip(np.rint(self.to_index(world)[0]), 0, len(self.values) - 1))
        return replace(
            self,
            values=self.values[index],
            origin=self.to_world((index, 0, 0)),
            steps=np.asarray(self.steps)[1:],
        )

    def moved(self, to_world: ToWorld) -> FeatureMap:
        """The same values in another world, to which `to_world` leads: positions (…, n) in, positions out, by an affine map."""
        origin = np.asarray(self.origin, float)
        there = to_world(origin)
        steps = to_world(origin + np.asarray(self.steps, float)) - there
        return replace(
            self,
            origin=there,
            steps=steps,
            outlines=tuple(moved_extent(extent, to_world) for extent in self.outlines),
        )


@dataclass(frozen=True, eq=False)
class MapGroup:
    """Maps of one kind.

    Parameters
    ----------
    title
        What they are.
    unit
        What a value is: ``"probability"``, ``"HU"``; empty for activations and grey values.
    maps
        At least one.
    limits
        Values that are black and white in all of them; None where activations differ so much from one map to the next that each
        goes from its least to its largest value.
    note
        A sentence that explains them.
    whole
        Whether they are looked at as a whole: views of a nodule, not maps of an image.
    """

    title: str
    unit: str
    maps: tuple[FeatureMap, ...]
    limits: tuple[float, float] | None = None
    note: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Proposal:
    """A place that a network considered.

    Parameters
    ----------
    extent
        Its box in the world, for a sphere the one around it.
    score
        0–1, by which proposals are ranked and suppressed.
    scores
        The parts of it by name: ``{"rpn": 0.9, "fprn": 0.4}``.
    kept
        Whether it outlived non-maximum suppression.
    shown
        Whether it is the one whose crops are shown.
    """

    extent: Extent
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    kept: bool = True
    shown: bool = False

    @property
    def center(self) -> tuple[float, ...]:
        """World position of the middle."""
        return tuple((a + b) / 2 for a, b in zip(*self.extent, strict=True))

    @property
    def diameter(self) -> float:
        """Longest side, in world units."""
        return max(b - a for a, b in zip(*self.extent, strict=True))


@dataclass(frozen=True, eq=False)
class Inside:
    """What a network saw and made of a place.

    Parameters
    ----------
    title
        Of the network.
    place
        World position that was asked for.
    groups
        From the input to what is deepest.
    proposals
        Those near the place, by descending score.
    words
        A sentence on what came of the place.
    """

    title: str
    place: tuple[float, ...]
    groups: tuple[MapGroup, ...]
    proposals: tuple[Proposal, ...] = ()
    words: str = ""

    def __getitem__(self, name: str) -> FeatureMap:
        """The map of a name, ``"<group>/<map>"`` or the map's own where it is the only one of that name.

        Raises
        ------
        KeyError
            There is none, or there are several.
        """
        group, _, own = name.rpartition("/")
        found = [m for g in self.groups if g.title == group or not group for m in g.maps if m.name == own]
        if len(found) != 1:
            raise KeyError(name)
        return found[0]

    def moved(self, to_world: ToWorld) -> Inside:
        """The same in another world; see `FeatureMap.moved`."""
        return replace(
            self,
            place=tuple(to_world(np.asarray(self.place, float)).tolist()),
            groups=tuple(replace(g, maps=tuple(m.moved(to_world) for m in g.maps)) for g in self.groups),
            proposals=tuple(replace(p, extent=moved_extent(p.extent, to_world)) for p in self.proposals),
        )


def moved_extent(extent: Extent, to_world: ToWorld) -> Extent:
    """An upright box in another world whose axes lie along those of this one."""
    corners = to_world(np.asarray(extent, float))
    return tuple(corners.min(axis=0).tolist()), tuple(corners.max(axis=0).tolist())


def strength(features: Tensor) -> np.ndarray:
    """Root mean square over channels of a feature map: (C, …) -> float32 (…)."""
    return features.float().square().mean(0).sqrt().cpu().numpy()


def standing_out(features: Tensor, index: Sequence[float]) -> tuple[int, np.ndarray]:
    """The channel whose value at a place lies furthest from its own mean over the map, in standard deviations.

    Parameters
    ----------
    features
        (C, …).
    index
        Of the place, fractional; the nearest cell counts.

    Returns
    -------
    channel : int
        Its number, from 0.
    values : ndarray
        float32 (…): its map, in standard deviations from its mean.
    """
    flat = features.float().flatten(1)
    sd, mean = (x.reshape(-1, *(1,) * (features.ndim - 1)) for x in (flat.std(1), flat.mean(1)))
    scaled = (features.float() - mean) / sd.clamp(min=1e-6)
    cell = tuple(int(np.clip(np.rint(i), 0, n - 1)) for i, n in zip(index, features.shape[1:], strict=True))
    here = scaled.flatten(1)[:, int(np.ravel_multi_index(cell, tuple(features.shape[1:])))]
    channel = int(here.abs().argmax())
    return channel, scaled[channel].cpu().numpy()


def stages(
    place: Sequence[float],
    named: Sequence[tuple[str, Tensor, np.ndarray, np.ndarray]],
    title: str,
    outlines: Sequence[tuple[Extent, ...]] = (),
) -> tuple[MapGroup, MapGroup]:
    """Deep features stage by stage: the strength of all channels, and the channel that stands out most at a place.

    Parameters
    ----------
    place
        In the world.
    named
        Of each stage: name, features (C, …), and the frame of its maps (origin and steps, see `FeatureMap`).
    title
        What the features are.
    outlines
        Of each stage; none where it is empty.
    """
    strong, single = [], []
    for number, (name, features, origin, steps) in enumerate(named):
        over = outlines[number] if outlines else ()
        one = FeatureMap(name, strength(features), origin, steps, over)
        channel, values = standing_out(features, one.to_index(place).tolist())
        strong.append(one)
        single.append(FeatureMap(f"{name} · no. {channel}", values, origin, steps, over))
    return (
        MapGroup(title, "", tuple(strong), note="How strong all channels are together (root mean square)."),
        MapGroup(
            f"{title}: channel that stands out",
            "SD",
            tuple(single),
            (-STANDING_OUT, STANDING_OUT),
            "Mid-grey is the channel's mean over the map, brighter is more, darker less.",
        ),
    )
