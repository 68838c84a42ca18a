"""Cross-validated training of the false-positive reduction on detectors' own marks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ....crossval.folds import FOLDS, FoldResult, fold_tensors, train_folds
from ....data.errors import DatasetError
from ....data.public.luna16_nodules import NoduleCube, load_cubes
from ....evaluation.candidates import Candidates, read_candidates
from ....fitting.presentation import presentation
from ....fitting.training_run import TrainingRun
from ....inference.registry import load_predictor
from ....inference.weights import ModelCard, save_weights
from ....ops.logits import OPINION_EPS, log_odds
from ..config import Config, TrainingConfig
from ..fitting import difference, fold_result
from ..samples import Samples
from .config import SHIPPED, SHIPPED_TRAINING
from .evaluation import before_and_after
from .predictor import MOST_PADDING, Combination, inside_mask

RATE_AT_DEFAULT = 0.125
"""False positives per cube at a score of 0.5."""


def candidate_samples(candidates: Candidates, cubes: Sequence[NoduleCube]) -> Samples:
    """One sample for each mark that is a nodule (1) or a false positive (0).

    Raises
    ------
    DatasetError
        The marks are not of these cubes.
    """
    row_of = {int(cube.row["index"]): i for i, cube in enumerate(cubes)}
    strange = [int(i) for i in candidates.index if int(i) not in row_of]
    if strange:
        raise DatasetError(
            f"{len(strange)} candidates belong to cubes that are not there (first: {strange[0]})."
        )
    return Samples(
        np.stack([c.voxels for c in cubes]),
        np.array([row_of[int(i)] for i in candidates.index]),
        candidates.center,
        candidates.nodule.astype(np.float32),
        candidates.nodule,
        candidates.series,
        np.array([cubes[row_of[int(i)]].fold for i in candidates.index]),
        candidates.diameter,
    )


def combine(probability: np.ndarray, network: np.ndarray, nodule: np.ndarray, cubes: int) -> Combination:
    """Logistic regression on log odds; the intercept puts `RATE_AT_DEFAULT` false positives per cube at a score of 0.5.

    Parameters
    ----------
    probability, network, nodule
        (n,) the detector's score, the network's out-of-fold log odds, and 1 or 0.
    cubes
        How many cubes these marks come from.
    """
    features = np.column_stack([log_odds(probability, OPINION_EPS), network])
    fitted = LogisticRegression(C=10.0).fit(features, nodule)
    weights = np.maximum(fitted.coef_[0], 0.0)
    false = np.sort(features[nodule == 0] @ weights)[::-1]
    threshold = false[min(int(RATE_AT_DEFAULT * cubes), len(false) - 1)]
    return Combination(float(weights[0]), float(weights[1]), -float(threshold))


def train(run: TrainingRun) -> Path:
    """Train the five fold models and write ``mtcnn_fpr.safetensors`` with its card.

    Parameters
    ----------
    run
        Its data are nodule cubes with ``folds.csv`` (`load_cubes`); its candidates together hold the marks of all folds, each by
        a detector that never saw the fold.
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    cubes = load_cubes(run.data, folds=FOLDS)
    marks = usable_marks(run.candidates, network, cubes)
    samples = candidate_samples(marks, cubes)
    missing = set(FOLDS) - set(map(str, samples.fold))
    if missing:
        raise DatasetError(f"the candidates have no usable mark in the folds {', '.join(sorted(missing))}.")
    names = np.arange(len(marks))
    results, minutes = train_folds(
        run.out,
        lambda fold: fold_result(samples, names, fold, network, config, run.out),
        resume=run.resume,
    )
    card = card_of(
        network,
        cross_fitted_combinations(marks, samples.fold, results, cubes),
        run.version,
        training_record(config, marks, cubes, {"steps": config.steps, "minutes": minutes}),
    )
    path = save_weights(fold_tensors(results), card, run.out)
    predictor = load_predictor(card.name, "cpu", path)
    metrics = {
        "how": f"cube-FROC on {run.data.name} (about 0.084 l each, a nodule in the middle; not LUNA16's CPM): marks of 3D-AG by "
        "detectors that never saw the fold, scored by the fold model that never saw the scan; before: the detector's score, "
        "after: the combined one. Marks whose field leaves the cube are in neither. The difference is the mean over folds (each "
        "has its own detector) with a 95 % interval by paired bootstrap over scans",
        **before_and_after(predictor, read_candidates(run.candidates), cubes),
    }
    return save_weights(fold_tensors(results), dataclasses.replace(card, metrics=metrics), run.out)


def usable_marks(files: Sequence[Path], network: Config, cubes: Sequence[NoduleCube]) -> Candidates:
    """Read the marks that are a nodule or a false positive and whose field lies in their cube.

    Raises
    ------
    ValueError
        No files were named.
    """
    if not files:
        raise ValueError(
            "the settings need \"candidates\": a list of files written by 'lungmtl candidates', one of each detector"
        )
    marks = read_candidates(files)
    inside = inside_mask(marks, network.field_mm, network.pixels, cubes[0].voxels.shape)
    return marks.take(inside & (marks.nodule >= 0))


def cross_fitted_combinations(
    marks: Candidates,
    fold: np.ndarray,
    results: Mapping[str, FoldResult],
    cubes: Sequence[NoduleCube],
) -> dict[str, Combination]:
    """For each fold `combine` of the out-of-fold log odds of the *other* folds."""
    network = np.zeros(len(marks))
    for result in results.values():
        network[result.predictions["index"]] = result.predictions["logit"]
    combinations = {}
    for k in FOLDS:
        other = fold != k
        count = sum(c.fold != k for c in cubes)
        combinations[k] = combine(marks.probability[other], network[other], marks.nodule[other], count)
    return combinations


def training_record(
    config: TrainingConfig, marks: Candidates, cubes: Sequence[NoduleCube], log: Mapping[str, Any]
) -> dict[str, Any]:
    """What the card says about the training."""
    return {
        "data": [
            "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
            "node21challenge/node21_generation_baseline (Apache 2.0)",
            "marks of 3D-AG on them, each by a detector that never saw the scan's fold",
        ],
        "config": dataclasses.asdict(config),
        "models": list(FOLDS),
        "folds": {c.series: c.fold for c in sorted(cubes, key=lambda c: c.series)},
        "marks": {
            "nodules": int((marks.nodule == 1).sum()),
            "false_positives": int((marks.nodule == 0).sum()),
        },
        "note": "Five models; each left one fold of folds.csv out of everything. A series named under folds is judged only "
        "by the model that left it out. Marks on excluded findings, second marks on a nodule, and marks whose field leaves "
        "the cube were left out.",
        "log": dict(log),
    }


def card_of(
    network: Config, combinations: Mapping[str, Combination], version: str, training: dict[str, Any]
) -> ModelCard:
    """Make the card without what measurement says."""
    return ModelCard(
        name="mtcnn_fpr",
        version=version,
        purpose="Looks at each of the detector's marks in nine planes and lowers the score of what is no nodule.",
        modalities=("CT",),
        config={
            **dataclasses.asdict(network),
            "combination": {k: list(dataclasses.astuple(c)) for k, c in combinations.items()},
        },
        input={
            "voxels_mm": 1.0,
            "field": f"nine planes of {network.field_mm:g} mm around the mark; at most {MOST_PADDING:.0%} of it outside the scan",
            "axes": "z, y, x (LPS)",
            "hu_range": list(network.hu_range),
        },
        training=training,
        limits=(
            "Trained and measured on marks in 50 mm cubes around nodules, not on whole scans: false alarms far from nodules "
            "(the hila, the chest wall) are rare there.",
            "Trained on two CPU cores. " + difference(network),
        ),
        task="reduction",
        **presentation("mtcnn_fpr"),
    )
