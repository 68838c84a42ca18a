"""3D-AG on nodule cubes: one split, whole cubes and patches of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...data.errors import DatasetError
from ...data.public.luna16_nodules import load_cubes, require_folds
from ...evaluation.case_rows import OnCase
from ...evaluation.cubes import table
from ...evaluation.found_before import FoundBefore
from ...inference.predictor import PredictorError
from ...inference.progress import OnProgress
from ...inference.weights import ModelCard, read_card, seen_cases
from .detect import detect_arrays
from .network import Ag3d

if TYPE_CHECKING:
    from .predictor import Ag3dPredictor

GEOMETRIES = (
    "whole",
    "centred",
    "shifted",
    "centred_in_context",
    "shifted_in_context",
    "centre_marker",
    "centre_marker_shifted",
)

SHOWN = {"1/64": 1 / 64, "1/16": 1 / 16, "1/8": 1 / 8, "1/4": 1 / 4, "1/2": 1 / 2, "1": 1, "4": 4}
"""Columns of the table for a person: false positives per cube."""


def cube_detector(net: Ag3d, device: torch.device) -> Callable[[Sequence[np.ndarray]], list[Any]]:
    """A `evaluation.cubes.Detect` of a network."""

    def run(volumes: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(d.spheres, d.score) for d in detect_arrays(net, volumes, device)]

    return run


def evaluate(
    predictor: Ag3dPredictor | FoundBefore,
    data: Path,
    weights: Path,
    *,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
    on_case: OnCase = lambda _row, _image: None,
) -> dict[str, Any]:
    """Measure a loaded predictor on cubes, or its marks on whole scans where the folder holds such.

    What it found before is measured on whole scans alone.
    """
    options: dict[str, Any] = {
        "truth": truth,
        "excluded": excluded,
        "folds": folds,
        "on_progress": on_progress,
    }
    if not (data / "cubes.npz").is_file():
        # Here, because training measures cubes on machines without readers of images.
        from ...data.public.ct.layouts import holds_scan_set
        from ...evaluation.whole_scans import evaluate_whole_scans

        if isinstance(predictor, FoundBefore) or holds_scan_set(data):
            return evaluate_whole_scans(predictor, read_card(weights), data, on_case=on_case, **options)
    if isinstance(predictor, FoundBefore):
        raise PredictorError(f"{data} holds cubes: what was found in studies is evaluated on whole scans.")
    return measure(predictor.net.to(predictor.device), predictor.device, read_card(weights), data, **options)


def measure(
    net: Ag3d,
    device: torch.device,
    card: ModelCard,
    data: Path,
    *,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
) -> dict[str, Any]:
    """Figures of a detector on a folder of cubes.

    Parameters
    ----------
    folds
        Folds to take; by default the ones that the card says were never trained on where the folder has folds, else
        every cube. ``["all"]`` takes every cube.
    """
    require_folds(data, folds)
    if folds is None and (data / "folds.csv").exists():
        folds = card.training.get("test_folds")
    cubes = load_cubes(
        data, folds=None if folds is None or "all" in folds else folds, truth=truth, excluded=excluded
    )
    if not cubes:
        raise DatasetError(f"{data} has no cube in the folds {', '.join(folds or ())}.")
    trained = seen_cases(card)
    seen = sum(c.series in trained for c in cubes)
    metrics = table(cubes, cube_detector(net, device), card.default_threshold, on_progress=on_progress)
    center, size = metrics.pop("center_error"), metrics.pop("diameter_error")
    return {
        "network": "ag3d",
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": len(cubes),
        "scans": len({c.series for c in cubes}),
        "folds": list(folds) if folds is not None else None,
        "metrics": metrics
        | {
            "per_litre_at_default": metrics["whole"]["per_litre_at_default"],
            "default_threshold": card.default_threshold,
            "centre_error_mm": {"median": _quantile(center, 0.5), "p95": _quantile(center, 0.95)},
            "diameter_error": {
                "median_mm": _quantile(size, 0.5),
                "median_absolute_mm": _quantile(np.abs(size), 0.5),
                "p95_absolute_mm": _quantile(np.abs(size), 0.95),
            },
        },
        "table": rows(metrics),
        "warnings": [
            f"{seen} of {len(cubes)} cubes come from scans that these weights were trained or tuned on: "
            "the figures say nothing about unseen scans."
        ]
        if seen
        else [],
    }


def rows(metrics: dict[str, Any]) -> list[list[str]]:
    """The table for a person: first row the heading."""
    found = [["geometry", "n", *SHOWN, "mean", "1: 95 %", "FP/litre"]]
    for name in GEOMETRIES:
        m = metrics[name]
        values = [m["sensitivity_at"][f"{rate:g}"] for rate in SHOWN.values()]
        at = [f"{v:.3f}" if v is not None else "-" for v in values]
        low, high = m["sensitivity_lower"]["1"], m["sensitivity_upper"]["1"]
        interval = f"{low:.2f}-{high:.2f}" if low is not None and high is not None else "-"
        found.append(
            [
                name,
                str(m["nodules"]),
                *at,
                f"{m['mean_sensitivity']:.3f}",
                interval,
                f"{m['per_litre_at_default']:.1f}",
            ]
        )
    corner = metrics["corners"]
    found.append(
        [
            "corners",
            str(corner["regions"]),
            *["-"] * (len(SHOWN) + 2),
            f"{corner['per_litre_at_default']:.1f}",
        ]
    )
    return found


def _quantile(values: np.ndarray, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None
