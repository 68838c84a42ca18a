"""Cross-validated training of MT-CNN on the readers' malignancies, and the weights with their card."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ...crossval.folds import train_folds, training_record
from ...crossval.release import CardText, calibrate, card_of, release_folds
from ...data.errors import DatasetError
from ...data.public.luna16_nodules import load_masks
from ...data.public.rated_nodules import RatedNodules, load_rated_nodules
from ...fitting.training_run import TrainingRun
from .config import SHIPPED, SHIPPED_TRAINING, Config
from .fitting import difference, fold_result
from .samples import nodule_samples


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


def masks_for(config: Config, nodules: RatedNodules, data: Path) -> np.ndarray | None:
    """Read the nodules' masks where the network is to draw them.

    Raises
    ------
    DatasetError
        There are none.
    """
    if not config.masks:
        return None
    masks = load_masks(data, nodules.index)
    if masks is None:
        raise DatasetError(f"{data / 'cubes.npz'} holds no masks: leave masks = true out of the settings.")
    return masks


def train(run: TrainingRun) -> Path:
    """Train the five fold models and write weights, card and ``oof.csv``.

    Parameters
    ----------
    run
        Its data are nodule cubes with readers' ratings and ``folds.csv`` (`load_rated_nodules`); its folder gets
        ``mtcnn.safetensors``, ``mtcnn.json``, ``oof.csv``, and each fold's files. Resumed, it keeps the folds that are finished.
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    nodules = load_rated_nodules(run.data)
    check_field(network, nodules.voxels)
    samples = nodule_samples(nodules, config, masks_for(network, nodules, run.data))
    results, minutes = train_folds(
        run.out,
        lambda fold: fold_result(samples, nodules.index, fold, network, config, run),
        resume=run.resume,
    )
    text = CardText(
        "mtcnn",
        run.version,
        "Says how likely a nodule is malignant, from nine planes through it, and shows what it kept of each.",
        field=f"nine planes of {network.field_mm:g} mm from the 50 mm cube around the sphere",
        limits=(
            "Under 3 mm and over 30 mm it has seen next to nothing.",
            "Trained on two CPU cores. " + difference(network),
        ),
    )
    calibration = calibrate(nodules, results, run.out, attributes=False)
    record = training_record(nodules, config, {"steps": config.steps, "minutes": minutes})
    card = card_of(text, network, calibration, record)
    card = dataclasses.replace(card, reconstructs=network.alpha > 0)
    return release_folds(card, results, run.data, run.out)
