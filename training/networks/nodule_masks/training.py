"""Training on the masks of nodule cubes, and the weights with their card."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...crossval.folds import FOLDS
from ...data.public.luna16_nodules import to_hu
from ...fitting.batches import endless_loader
from ...fitting.fit import fit
from ...fitting.training_run import TrainingRun
from ...inference.registry import load_predictor
from ...inference.weights import ModelCard, save_weights
from .config import SHIPPED, SHIPPED_TRAINING, TrainingConfig
from .evaluation import Agreement, agreement, ball_volume, evaluate
from .fitting import Training
from .network import MaskNet
from .outline import drawn, field_of
from .predictor import Interval, MaskPredictor
from .samples import Batches, MaskedNodules, load_masked_nodules, marked

COVERAGE = 0.8
"""Part of the nodules whose mean of the readers' volumes the interval is to cover."""
LEVELS = np.arange(0.0, 4.01, 0.25)
EVERY = 4
"""Of the training's nodules, those that the level is fitted on."""


def train(run: TrainingRun) -> Path:
    """Train on nodule cubes with masks, measure the held-out fold, and write weights with their card.

    Parameters
    ----------
    run
        Its data are nodule cubes with masks and ``folds.csv``; its folder gets checkpoints, the log,
        ``nodule_masks.safetensors`` and ``nodule_masks.json``.
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    data = load_masked_nodules(run.data)
    torch.manual_seed(config.seed)
    loader = endless_loader(
        Batches(data, data.training_rows(config.held_out), network, config), 0, config.seed
    )
    learner = Training(network, config)
    net, log = fit(
        learner, loader, run.out, config, machines=run.machines, resume=run.resume, weights=run.weights
    )
    return release(net, config, data, run, log)


def release(
    net: MaskNet, config: TrainingConfig, data: MaskedNodules, run: TrainingRun, log: dict[str, Any]
) -> Path:
    """Set the interval of volumes, write weights and card, measure what was written, and put the figures into the card."""
    level = fitted_level(net, config, data)
    card = _card(net, config, data, run, log)
    card = dataclasses.replace(card, config={**card.config, "level": level})
    path = save_weights(net.state_dict(), card, run.out)
    predictor: MaskPredictor = load_predictor(card.name, "cpu", path)
    held_out = data.take(data.nodules.fold == config.held_out)
    found = agreement(predictor, held_out, *marks_of(held_out, config), lambda _f, _s: None)
    interval, crossed = fitted_interval(found, held_out.nodules.series)
    card = dataclasses.replace(card, config={**card.config, "interval": dataclasses.asdict(interval)})
    path = save_weights(net.state_dict(), card, run.out)
    figures = evaluate(load_predictor(card.name, "cpu", path), run.data, path, folds=[config.held_out])
    metrics = {
        "how": f"lungmtl evaluate nodule_masks --data {run.data.name} --folds {config.held_out}: against the given masks and the "
        "annotated diameters, from the annotated places and diameters; medians with 95 % intervals by scan. The interval of "
        "volumes was fitted on these nodules, marked with the errors that training imitates; fitted so on half of the scans, it "
        "covers interval_80_cross_fitted of the other half.",
        "cases": figures["cases"],
        "scans": figures["scans"],
        "interval_80_cross_fitted": crossed,
        **figures["metrics"],
    }
    return save_weights(net.state_dict(), dataclasses.replace(card, metrics=metrics), run.out)


def marks_of(data: MaskedNodules, config: TrainingConfig) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) in voxels of the cubes and diameters (n,) in mm of nodules that are marked as a detector might."""
    rng = np.random.default_rng(config.seed)
    marks = [marked(data, row, config, rng) for row in range(len(data))]
    return np.array([center for center, _ in marks]), np.array([diameter for _, diameter in marks])


def fitted_level(net: MaskNet, config: TrainingConfig, data: MaskedNodules) -> float:
    """The log odds over which a nodule is as large, in median, as the mean of the readers says.

    On a part of the training's nodules, with a detector's errors as in training: the given masks hold what any reader outlined.
    """
    rng = np.random.default_rng(config.seed)
    rows = data.training_rows(config.held_out)[::EVERY]
    ratios = []
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in data.masks.shape[1:]], indexing="ij"), -1)
    net.eval()
    for row in rows:
        center, diameter = marked(data, int(row), config, rng)
        log_odds = field_of(net, to_hu(data.nodules.voxels[row]), center, diameter).at(grid - center)
        sizes = [drawn(log_odds, center, float(level)).sum() for level in LEVELS]
        ratios.append(np.array(sizes) / ball_volume(data.nodules.diameter[row]))
    return float(LEVELS[np.abs(np.median(ratios, axis=0) - 1).argmin()])


def fitted_interval(found: Agreement, series: np.ndarray) -> tuple[Interval, float]:
    """The interval that covers `COVERAGE` of the readers' mean volumes, and what one of half of the scans covers of the others."""
    floor = Interval().floor
    off = np.abs(np.log(np.maximum(found.readers[:, 0], 1e-3))) / (floor + found.spread)
    half = np.isin(series, np.unique(series)[::2])
    inside = [off[half] <= np.quantile(off[~half], COVERAGE), off[~half] <= np.quantile(off[half], COVERAGE)]
    return Interval(float(np.quantile(off, COVERAGE)), floor), float(np.concatenate(inside).mean())


def _card(
    net: MaskNet, config: TrainingConfig, data: MaskedNodules, run: TrainingRun, log: dict[str, Any]
) -> ModelCard:
    rows = data.training_rows(config.held_out)
    return ModelCard(
        name="nodule_masks",
        version=run.version,
        title="Nodule masks",
        purpose="Outlines the nodule that a sphere marks and measures it: volume with an interval, axes, HU, solid part.",
        modalities=("CT",),
        config={**dataclasses.asdict(net.config), "interval": dataclasses.asdict(Interval())},
        input={
            "voxels_mm": 1.0,
            "field": "16 to 50 mm around the sphere, by its diameter, on a grid of 32³ points",
            "axes": "z, y, x (LPS)",
            "hu_range": list(net.config.hu_range),
            "diameter_mm": [3, 30],
        },
        training={
            "data": [
                "LUNA16 nodule cubes, 1 mm, 50³, with masks (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
                "node21challenge/node21_generation_baseline (Apache 2.0)",
            ],
            "config": dataclasses.asdict(config),
            "nodules": len(rows),
            "test_folds": [config.held_out],
            "series": sorted({str(s) for s in data.nodules.series[rows]}),
            "note": f"Trained on the folds {', '.join(f for f in FOLDS if f != config.held_out)} of folds.csv. The held-out "
            "fold was never trained on; two things were set by it: the detector's errors that marks in training imitate, and the "
            "width of the interval of volumes.",
            "log": log,
        },
        limits=(
            "The truth is one mask of each nodule that holds what any of three or four radiologists (LIDC-IDRI) outlined, on "
            "voxels of 1 mm; the level over which the network's outline is drawn makes it as large as the mean of theirs.",
            "Under 3 mm and over 30 mm it has seen next to nothing; larger nodules are looked at as if they were 30 mm large.",
            "It outlines whatever a sphere marks, a vessel too.",
        ),
        task="segmentation",
        fused=False,
    )
