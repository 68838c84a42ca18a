"""Cross-validated training of the false-positive reduction on detectors' own marks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ....crossval.folds import FOLDS, FoldResult, joined, logit, train_folds
from ....data.errors import DatasetError
from ....data.public.luna16_nodules import NoduleCube, load_cubes
from ....fitting.fit import config_from
from ....inference.weights import ModelCard, read_card, save_weights
from ....metrics.froc.candidates import Candidates, read_candidates
from ..build import build
from ..config import REDUCTION, REDUCTION_TRAINING, Config
from ..samples import Samples
from ..training import difference, fold_result
from .evaluation import before_and_after
from .predictor import MOST_PADDING, Combination, ReductionPredictor, judged_mask

RATE_AT_DEFAULT = 0.125
"""False positives per cube at a score of 0.5, as for the detector."""


def candidate_samples(candidates: Candidates, cubes: Sequence[NoduleCube]) -> Samples:
    """One sample for each mark that is a nodule (1) or a false positive (0).

    Raises
    ------
    DatasetError
        The marks are not of these cubes.
    """
    place = {int(cube.row["index"]): i for i, cube in enumerate(cubes)}
    unknown = [int(i) for i in candidates.index if int(i) not in place]
    if unknown:
        raise DatasetError(
            f"{len(unknown)} candidates belong to cubes that are not there (first: {unknown[0]})."
        )
    return Samples(
        np.stack([c.voxels for c in cubes]),
        np.array([place[int(i)] for i in candidates.index]),
        candidates.center,
        candidates.nodule.astype(np.float32),
        candidates.nodule,
        candidates.series,
        np.array([cubes[place[int(i)]].fold for i in candidates.index]),
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
    features = np.column_stack([logit(probability), network])
    fitted = LogisticRegression(C=10.0).fit(features, nodule)
    weights = np.maximum(fitted.coef_[0], 0.0)
    false = np.sort(features[nodule == 0] @ weights)[::-1]
    threshold = false[min(int(RATE_AT_DEFAULT * cubes), len(false) - 1)]
    return Combination(float(weights[0]), float(weights[1]), -float(threshold))


def train_reduction(data: Path, out: Path, settings: dict[str, Any], *, resume: bool = False) -> Path:
    """Train the five fold models and write ``mtcnn_fpr.safetensors`` with its card.

    Parameters
    ----------
    data
        Layout of ``shared/data/luna16_nodules``.
    settings
        ``{"candidates": ["a.csv", …], "network": {…}, "training": {…}}``: files of ``lungmtl candidates`` that together hold
        the marks of all folds, each by a detector that never saw the fold.
    """
    if not settings.get("candidates"):
        raise ValueError(
            "the settings need \"candidates\": a list of files written by 'lungmtl candidates', one of each detector"
        )
    network = config_from(REDUCTION, settings.get("network", {}))
    config = config_from(REDUCTION_TRAINING, settings.get("training", {}))
    cubes = load_cubes(data, folds=FOLDS)
    marks = read_candidates([Path(p) for p in settings["candidates"]])
    judged = judged_mask(marks, network.field_mm, network.pixels, cubes[0].voxels.shape)
    usable = marks.take(judged & (marks.nodule >= 0))
    samples = candidate_samples(usable, cubes)
    missing = set(FOLDS) - set(map(str, samples.fold))
    if missing:
        raise DatasetError(f"the candidates have no usable mark in the folds {', '.join(sorted(missing))}.")
    start = time.monotonic()
    names = np.arange(len(usable))
    results = train_folds(
        out, lambda fold: fold_result(samples, names, fold, network, config, out), resume=resume
    )
    combinations = cross_fitted_combinations(usable, samples.fold, results, cubes)
    record = {"steps": config.steps, "minutes": round((time.monotonic() - start) / 60, 1)}
    counts = {"nodules": int((usable.nodule == 1).sum()), "false_positives": int((usable.nodule == 0).sum())}
    card = reduction_card(network, combinations, settings.get("version", "0.1"))
    card = dataclasses.replace(
        card,
        training={
            "data": [
                "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
                "node21challenge/node21_generation_baseline (Apache 2.0)",
                "marks of 3D-AG on them, each by a detector that never saw the scan's fold",
            ],
            "config": dataclasses.asdict(config),
            "models": list(FOLDS),
            "folds": {c.series: c.fold for c in sorted(cubes, key=lambda c: c.series)},
            "marks": counts,
            "note": "Five models; each left one fold of folds.csv out of everything. A series named under folds is judged only "
            "by the model that left it out. Marks on excluded findings, second marks on a nodule, and marks whose field leaves "
            "the cube were left out.",
            "log": record,
        },
    )
    path = save_weights(joined(results), card, out)
    card = read_card(path)
    predictor = build(path, card, "cpu")
    assert isinstance(predictor, ReductionPredictor)
    metrics = {
        "how": f"cube-FROC on {data.name} (about 0.084 l each, a nodule in the middle; not LUNA16's CPM): marks of 3D-AG by "
        "detectors that never saw the fold, scored by the fold model that never saw the scan; before: the detector's score, "
        "after: the combined one. Marks whose field leaves the cube are in neither. The difference is the mean over folds (each "
        "has its own detector) with a 95 % interval by paired bootstrap over scans",
        **before_and_after(predictor, marks, cubes),
    }
    return save_weights(joined(results), dataclasses.replace(card, metrics=metrics), out)


def cross_fitted_combinations(
    usable: Candidates,
    fold: np.ndarray,
    results: Mapping[str, FoldResult],
    cubes: Sequence[NoduleCube],
) -> dict[str, Combination]:
    """For each fold `combine` of the out-of-fold log odds of the *other* folds."""
    network = np.zeros(len(usable))
    for result in results.values():
        network[result.predictions["index"]] = result.predictions["logit"]
    found = {}
    for k in FOLDS:
        other = fold != k
        count = sum(c.fold != k for c in cubes)
        found[k] = combine(usable.probability[other], network[other], usable.nodule[other], count)
    return found


def reduction_card(network: Config, combinations: Mapping[str, Combination], version: str) -> ModelCard:
    """The card without what training and measurement say."""
    return ModelCard(
        name="mtcnn_fpr",
        version=version,
        title="MT-CNN false-positive reduction",
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
        limits=(
            "Trained and measured on marks in 50 mm cubes around nodules, not on whole scans: false alarms far from nodules "
            "(the hila, the chest wall) are rare there.",
            "Trained on two CPU cores. " + difference(network),
        ),
        task="reduction",
    )
