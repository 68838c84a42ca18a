"""Cross-validated training of MT-CNN on the readers' malignancies, and the weights with their card."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...crossval.folds import FoldResult, logit, train_folds
from ...crossval.release import calibrate, card_of, release
from ...data.errors import DatasetError
from ...data.public.rated_nodules import load_rated_nodules
from ...fitting.fit import config_from
from .build import build
from .config import PAPER, SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from .fitting import fit_fold
from .samples import Samples, nodule_samples, view_probabilities


def fold_result(
    samples: Samples, names: np.ndarray, fold: str, network: Config, config: TrainingConfig, out: Path
) -> FoldResult:
    """Train on the other folds and judge this one.

    Parameters
    ----------
    names
        (N,) what the samples are called in ``index`` of the predictions.
    """
    net = fit_fold(
        samples,
        samples.without_fold(fold),
        network,
        config,
        config.seed + int(fold),
        out / f"fold{fold}.log.jsonl",
    )
    chosen = samples.of_fold(fold)
    device = net.fusion.device
    each = view_probabilities(net, samples, chosen, device)
    fused = each @ net.fusion.double().cpu().numpy()
    state = {k: t for k, t in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    return FoldResult(state, {"index": names[chosen], "logit": logit(fused), "parts": logit(each)})


def check_field(config: Config, cubes: np.ndarray) -> None:
    """Refuse a field that the data do not have: padded in training and real in use, it would teach the padding.

    Raises
    ------
    DatasetError
        With the way out.
    """
    side = min(cubes.shape[1:])
    if config.field_mm > side:
        raise DatasetError(
            f"views of {config.field_mm:g} mm do not fit into cubes of {side} mm: set field_mm to {side} or less "
            "(pixels may stay 64)."
        )


def train(data: Path, out: Path, settings: dict[str, Any], *, resume: bool = False) -> Path:
    """Train the five fold models and write weights, card and ``oof.csv``.

    Parameters
    ----------
    data
        Layout of ``shared/data/luna16_nodules``.
    out
        Gets ``mtcnn.safetensors``, ``mtcnn.json``, ``oof.csv``, and each fold's files.
    settings
        ``{"network": {...}, "training": {...}}``: what differs from the shipped configuration; ``"model": "mtcnn_fpr"``
        trains the false-positive reduction instead (`reduction_training`).
    resume
        Keep the folds that are finished.
    """
    if settings.get("model") == "mtcnn_fpr":
        from .reduction.training import train_reduction

        return train_reduction(data, out, settings, resume=resume)
    network = config_from(SHIPPED, settings.get("network", {}))
    config = config_from(SHIPPED_TRAINING, settings.get("training", {}))
    nodules = load_rated_nodules(data)
    check_field(network, nodules.voxels)
    samples = nodule_samples(nodules, config)
    start = time.monotonic()
    results = train_folds(
        out, lambda fold: fold_result(samples, nodules.index, fold, network, config, out), resume=resume
    )
    record = {"steps": config.steps, "minutes": round((time.monotonic() - start) / 60, 1)}
    card = card_of(
        "mtcnn",
        "MT-CNN",
        "Says how likely a nodule is malignant, from nine planes through it, and shows what it kept of each.",
        network,
        dataclasses.asdict(config),
        calibrate(nodules, results, out, attributes=False),
        nodules,
        version=settings.get("version", "0.1"),
        field=f"nine planes of {network.field_mm:g} mm from the 50 mm cube around the sphere",
        limits=(
            "Under 3 mm and over 30 mm it has seen next to nothing.",
            "Trained on two CPU cores. " + difference(network),
        ),
        log=record,
    )
    return release(card, results, build, data, out)


def difference(network: Config) -> str:
    """How a configuration differs from the paper's, for the card."""
    paper, own = dataclasses.asdict(PAPER), dataclasses.asdict(network)
    changed = [f"{k} {own[k]} ({paper[k]})" for k in own if own[k] != paper[k]]
    if not changed:
        return "The network is the paper's."
    return f"The network differs from the paper's (in brackets): {', '.join(changed)}."
