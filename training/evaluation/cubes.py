"""FROC on nodule cubes: the table that tells a detector of nodules from a detector of cubes' centres.

The cubes centre the nodule, so a figure on whole cubes can be earned by marking the middle. The same detector is therefore measured
whole, in 34 mm windows with the nodule centred and shifted (cut out, and within their surroundings), and in corners without
any nodule, with the marker of the centre beside it. Marks in padding are never scored; hits are matched first; marks on
excluded findings or on nodules whose centre lies outside the window count neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.public.luna16_nodules import NoduleCube, to_hu
from ..metrics.froc.luna16 import RATES, Matching, bootstrap, by_rate, froc_curve, match_marks, sensitivity_at

WINDOW = 34
LUNG_HU = -320.0
"""Below it a voxel is lung or airway (the usual first threshold of lung segmentation)."""

Detect = Callable[[Sequence[np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]
"""HU arrays of one shape -> for each, spheres (K, 4) in its voxel indices, and scores (K,)."""


CUBE_RATES = (1 / 64, 1 / 32, 1 / 16, *RATES)
"""False positives per cube: a scan has the lung of about sixty cubes, so 1/64 is about one a scan."""


@dataclass(frozen=True)
class Region:
    """A box [low, high) of a cube in which marks are scored; `cut` when the detector sees nothing else."""

    cube: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    cut: bool


@dataclass(frozen=True)
class Scored:
    """A region's marks after matching, and what else the figures need."""

    matching: Matching
    series: str
    litres: float
    center_error: np.ndarray
    diameter_error: np.ndarray


def regions(cubes: Sequence[NoduleCube], seed: int = 0) -> dict[str, list[Region]]:
    """The geometries by name; shifts are random but the same for every detector."""
    rng = np.random.default_rng(seed)
    kinds: dict[str, list[Region]] = {
        name: []
        for name in ("whole", "centred", "shifted", "centred_in_context", "shifted_in_context", "corners")
    }
    for i, cube in enumerate(cubes):
        shape = np.array(cube.voxels.shape)
        kinds["whole"].append(Region(i, (0, 0, 0), tuple(shape), True))
        middle = (shape - WINDOW) // 2
        shift = np.array([rng.integers(0, n - WINDOW + 1) for n in shape])
        for name, low in (("centred", middle), ("shifted", shift)):
            for cut in (True, False):
                suffix = "" if cut else "_in_context"
                kinds[name + suffix].append(Region(i, tuple(low), tuple(low + WINDOW), cut))
        kinds["corners"] += _corners(i, cube)
    return kinds


def _corners(index: int, cube: NoduleCube, side: int = 20) -> list[Region]:
    """The cube's corners of `side` voxels that no nodule reaches into."""
    shape = np.array(cube.voxels.shape)
    found = []
    for corner in np.ndindex(2, 2, 2):
        low = np.array(corner) * (shape - side)
        nearest = np.clip(cube.truth[:, :3], low, low + side)
        distance = np.linalg.norm(nearest - cube.truth[:, :3], axis=1)
        if (distance > cube.truth[:, 3] / 2 + 2).all():
            found.append(Region(index, tuple(low), tuple(low + side), False))
    return found


def score_regions(
    cubes: Sequence[NoduleCube], where: Sequence[Region], detections: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[Scored]:
    """Match the marks of each region; `detections` are in the cubes' voxel indices."""
    scored = []
    for region, (spheres, scores) in zip(where, detections, strict=True):
        cube = cubes[region.cube]
        low, high = np.array(region.low), np.array(region.high)
        inside = np.all((spheres[:, :3] >= low - 0.5) & (spheres[:, :3] < high - 0.5), axis=1)
        own = np.all((cube.truth[:, :3] >= low - 0.5) & (cube.truth[:, :3] < high - 0.5), axis=1)
        nodules = cube.truth[own]
        ignored = np.concatenate([cube.excluded, cube.truth[~own]])
        marks, kept = spheres[inside], scores[inside]
        matching = match_marks(
            marks[:, :3], kept, nodules[:, :3], nodules[:, 3], ignored[:, :3], ignored[:, 3], max_marks=None
        )
        found = matching.found
        best = marks[matching.nodule_mark[found]]
        part = to_hu(cube.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
        scored.append(
            Scored(
                matching,
                cube.series,
                float((part < LUNG_HU).sum()) * 1e-6,
                np.linalg.norm(best[:, :3] - nodules[found, :3], axis=1),
                best[:, 3] - nodules[found, 3],
            )
        )
    return scored


def figures(scored: Sequence[Scored], threshold: float, samples: int = 1000) -> dict[str, object]:
    """Sensitivities at `CUBE_RATES` with 95 % intervals over scans, their mean at LUNA16's seven, and counts at a threshold."""
    matchings = [s.matching for s in scored]
    curve = froc_curve(matchings)
    sensitivity = sensitivity_at(curve, CUBE_RATES)
    interval = bootstrap(matchings, CUBE_RATES, samples=samples, groups=[s.series for s in scored])
    false = sum(int((m.false_positive & (m.score >= threshold)).sum()) for m in matchings)
    nodules = sum(len(m.nodule_mark) for m in matchings)
    hits = sum(int((m.hit_scores >= threshold).sum()) for m in matchings)
    return {
        "regions": len(scored),
        "nodules": nodules,
        "sensitivity_at": by_rate(CUBE_RATES, sensitivity),
        "sensitivity_lower": by_rate(CUBE_RATES, interval.lower),
        "sensitivity_upper": by_rate(CUBE_RATES, interval.upper),
        "mean_sensitivity": float(sensitivity[-len(RATES) :].mean()),
        "sensitivity_at_default": hits / nodules if nodules else None,
        "false_positives_at_default": false / len(scored),
        "per_litre_at_default": false / max(sum(s.litres for s in scored), 1e-9),
    }


def false_alarms(scored: Sequence[Scored], threshold: float) -> dict[str, object]:
    """Counts in regions without nodules."""
    false = sum(int((s.matching.false_positive & (s.matching.score >= threshold)).sum()) for s in scored)
    litres = sum(s.litres for s in scored)
    return {"regions": len(scored), "litres": litres, "per_litre_at_default": false / max(litres, 1e-9)}


def center_marker(
    cubes: Sequence[NoduleCube], where: Sequence[Region]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The trivial detector: one mark in the middle of what it sees, 10 mm wide, score 1."""
    marks = []
    for region in where:
        low, high = np.array(region.low), np.array(region.high)
        marks.append((np.array([[*((low + high - 1) / 2), 10.0]]), np.ones(1)))
    return marks


def detect_regions(
    cubes: Sequence[NoduleCube],
    where: Sequence[Region],
    detect: Detect,
    batch: int = 8,
    on_progress: Callable[[float], None] = lambda _: None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Run a detector on the regions; those that are not cut out share one run on the whole cube."""
    results: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(where), batch):
        part = where[start : start + batch]
        seen = [
            cubes[r.cube].voxels[tuple(slice(a, b) for a, b in zip(r.low, r.high, strict=True))]
            if r.cut
            else cubes[r.cube].voxels
            for r in part
        ]
        for region, (spheres, scores) in zip(part, detect([to_hu(v) for v in seen]), strict=True):
            offset = np.array([*region.low, 0.0]) if region.cut else np.zeros(4)
            results.append((spheres + offset, scores))
        on_progress(min(1.0, (start + batch) / len(where)))
    return results


def table(
    cubes: Sequence[NoduleCube],
    detect: Detect,
    threshold: float,
    *,
    samples: int = 1000,
    on_progress: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """All geometries, the centre marker beside them, and errors of place and size on whole cubes."""
    kinds = regions(cubes)
    whole = detect_regions(
        cubes, kinds["whole"], detect, on_progress=lambda f: on_progress(0.5 * f, "whole cubes")
    )
    by_kind = {"whole": whole}

    def windows(name: str, start: float) -> Callable[[float], None]:
        return lambda f: on_progress(start + 0.25 * f, f"{name} windows")

    for name, start in (("centred", 0.5), ("shifted", 0.75)):
        by_kind[name] = detect_regions(
            cubes,
            kinds[name],
            detect,
            on_progress=windows(name, start),
        )
        by_kind[f"{name}_in_context"] = [whole[r.cube] for r in kinds[f"{name}_in_context"]]
    result: dict[str, Any] = {}
    for name, detections in by_kind.items():
        scored = score_regions(cubes, kinds[name], detections)
        result[name] = figures(scored, threshold, samples)
        if name == "whole":
            errors = np.concatenate([s.center_error for s in scored])
            sizes = np.concatenate([s.diameter_error for s in scored])
            result["center_error"] = errors
            result["diameter_error"] = sizes
    corners = score_regions(cubes, kinds["corners"], [whole[r.cube] for r in kinds["corners"]])
    result["corners"] = false_alarms(corners, threshold)
    for name, key in (("whole", "centre_marker"), ("shifted", "centre_marker_shifted")):
        scored = score_regions(cubes, kinds[name], center_marker(cubes, kinds[name]))
        result[key] = figures(scored, threshold, samples)
    return result
