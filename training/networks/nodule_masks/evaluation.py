"""Masks on nodule cubes: how well they agree with the given masks, and their sizes with the mean of LIDC's readers.

The given masks hold what any reader outlined: in median they are 1.4 times as large as the ball of the annotated diameter, which
is the mean over the readers (LUNA16). So both outlines of the network are measured, its own and the outer one, by both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...crossval.nodule_cubes import at_findings
from ...data.errors import DatasetError
from ...data.public.luna16_nodules import require_folds, to_hu
from ...inference.progress import OnProgress
from ...inference.weights import read_card
from ...metrics.intervals.bootstrap import bootstrap_weights, percentile_interval
from .outline import drawn, field_of, piece_at
from .samples import MaskedNodules, load_masked_nodules

if TYPE_CHECKING:
    from .predictor import MaskPredictor

BANDS = ((0.0, 6.0), (6.0, 8.0), (8.0, 12.0), (12.0, 20.0), (20.0, np.inf))
"""Diameters in mm of the balls of the given masks' volumes."""
TISSUE = -400.0
"""HU that the baseline's threshold lies at."""
METHODS = ("network", "outer", "threshold", "sphere")
"""The network's outline at its level, and at even odds."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Of n nodules and the `METHODS`: (n, 4) Dice with the given mask, and volume by its volume; (n,) spread of the views.

    `readers` (n, 4) is the volume by that of the ball of the annotated diameter.
    """

    dice: np.ndarray
    volume: np.ndarray
    readers: np.ndarray
    spread: np.ndarray


def agreement(
    predictor: MaskPredictor,
    data: MaskedNodules,
    center: np.ndarray,
    diameter: np.ndarray,
    on_progress: OnProgress,
) -> Agreement:
    """Outline nodules from marks (n, 3) in voxels of their cubes and (n,) mm, beside the baselines that need no network."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in data.masks.shape[1:]], indexing="ij"), -1).astype(
        float
    )
    level = predictor.net.config.level
    dice, volume, spread = [], [], []
    for i, (mask, voxels) in enumerate(zip(data.masks, data.nodules.voxels, strict=True)):
        hu, offsets = to_hu(voxels), grid - center[i]
        field = field_of(predictor.net, hu, center[i], float(diameter[i]))
        within, log_odds = np.linalg.norm(offsets, axis=-1), field.at(offsets)
        found = (
            drawn(log_odds, center[i], level),
            piece_at(log_odds > 0, center[i]),
            _largest((hu > TISSUE) & (within <= 0.6 * diameter[i] + 1)),
            within <= diameter[i] / 2,
        )
        dice.append([2 * (one & mask).sum() / (one.sum() + mask.sum()) for one in found])
        volume.append([one.sum() for one in found])
        counts = [drawn(view, center[i], level).sum() + 1 for view in field.of_views_at(offsets)]
        spread.append(np.std(np.log(counts)))
        on_progress((i + 1) / len(data), f"nodule {i + 1} of {len(data)}")
    voxels_of, given, balls = np.array(volume), data.masks.sum((1, 2, 3)), ball_volume(data.nodules.diameter)
    return Agreement(np.array(dice), voxels_of / given[:, None], voxels_of / balls[:, None], np.array(spread))


def ball_volume(diameter: np.ndarray) -> np.ndarray:
    """Volume in mm³ of balls of some diameters in mm."""
    return np.pi / 6 * diameter**3


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of a mask."""
    import cc3d

    return cc3d.largest_k(mask, k=1, connectivity=6).astype(bool)


def evaluate(
    predictor: MaskPredictor,
    data: Path,
    weights: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
    **_options: Any,
) -> dict[str, Any]:
    """Compute a predictor's figures on nodule cubes with masks.

    Parameters
    ----------
    folds
        Folds of ``folds.csv``; by default those that the weights never saw, ``["all"]`` takes every cube.
    findings
        A detector's findings (LUNA16 csv): nodules are outlined from its marks instead of the annotated places and diameters.
    """
    require_folds(data, folds)
    card, cases = read_card(weights), load_masked_nodules(data)
    folds = folds or card.training.get("test_folds", ["all"])
    if "all" not in folds:
        cases = cases.take(np.isin(cases.nodules.fold, list(folds)))
    if not len(cases):
        raise DatasetError(f"{data} has no nodule in the folds {', '.join(folds)}.")
    center, diameter, missed = cases.nodules.center, cases.nodules.diameter, 0
    if findings is not None:
        nodules, center, diameter, missed = at_findings(cases.nodules, findings)
        cases = cases.take(np.isin(cases.nodules.index, nodules.index))
    found = agreement(predictor, cases, center, diameter, on_progress)
    metrics = figures(found, cases)
    metrics["interval_80_covers"] = covered(found, predictor.interval.width, predictor.interval.floor)
    seen = set(card.training.get("series", ()))
    known = sum(str(s) in seen for s in cases.nodules.series)
    return {
        "network": card.name,
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": len(cases),
        "scans": len(np.unique(cases.nodules.series)),
        "not_found": missed,
        "metrics": metrics,
        "table": table(metrics),
        "warnings": [f"{known} of {len(cases)} nodules come from scans that these weights were trained on."]
        if known
        else [],
    }


def covered(found: Agreement, width: float, floor: float) -> float:
    """Part of the nodules whose mean of the readers' volumes lies within the interval of the network's."""
    off = np.abs(np.log(np.maximum(found.readers[:, 0], 1e-3)))
    return float(np.mean(off <= width * (floor + found.spread)))


def figures(found: Agreement, data: MaskedNodules) -> dict[str, Any]:
    """Medians over all nodules and by size, with 95 % intervals from a bootstrap over scans."""
    weights = bootstrap_weights(data.nodules.series)
    values = {
        "dice": found.dice,
        "volume_error": np.abs(found.volume - 1),
        "diameter_error": np.abs(np.cbrt(found.volume) - 1),
        "readers_volume_error": np.abs(found.readers - 1),
        "readers_diameter_error": np.abs(np.cbrt(found.readers) - 1),
    }
    result: dict[str, Any] = {}
    for column, method in enumerate(METHODS):
        result[method] = {
            **{name: _median(value[:, column], weights) for name, value in values.items()},
            "volume_ratio": float(np.median(found.volume[:, column])),
            "readers_volume_ratio": float(np.median(found.readers[:, column])),
        }
    bands = {}
    for low, high in BANDS:
        chosen = (data.diameter >= low) & (data.diameter < high)
        if chosen.any():
            bands[f"{low:g}–{high:g} mm" if np.isfinite(high) else f"{low:g} mm and more"] = {
                "nodules": int(chosen.sum()),
                **{
                    method: {
                        name: _median(v[chosen, column], weights[:, chosen]) for name, v in values.items()
                    }
                    for column, method in enumerate(METHODS)
                },
            }
    return {**result, "by_size": bands}


def _median(values: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The median of values (n,) with its interval under weights (samples, n)."""
    order = np.argsort(values)
    below = np.cumsum(weights[:, order], axis=1)
    total = below[:, -1:]
    samples = values[order][np.argmax(below >= total / 2, axis=1)][total[:, 0] > 0]
    found = percentile_interval(float(np.median(values)), samples)
    return {"value": found.value, "lower": found.lower, "upper": found.upper}


def table(metrics: dict[str, Any]) -> list[list[str]]:
    """Rows for a person: method or size; Dice with the given mask, how far sizes are off it, and off the readers' mean."""
    rows = [
        ["", "nodules", "Dice", "volume off", "diameter off", "off the readers' mean: volume", "diameter"]
    ]
    for method in METHODS:
        rows.append([method, "all", *_cells(metrics[method])])
    for band, own in metrics["by_size"].items():
        rows.extend(
            [f"{method}, {band}", str(own["nodules"]), *_cells(own[method])] for method in METHODS[:2]
        )
    return rows


def _cells(own: dict[str, Any]) -> list[str]:
    dice = own["dice"]
    cells = [f"{dice['value']:.3f} ({dice['lower']:.3f}–{dice['upper']:.3f})"]
    for name in ("volume_error", "diameter_error", "readers_volume_error", "readers_diameter_error"):
        value = own[name]
        cells.append(f"{100 * value['value']:.1f} % ({100 * value['lower']:.1f}–{100 * value['upper']:.1f})")
    return cells
