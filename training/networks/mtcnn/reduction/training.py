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
from ....data.mark_cubes import MarkCubes, load_mark_cubes
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
from ..views import share_outside
from .config import SHIPPED, SHIPPED_TRAINING
from .evaluation import before_and_after
from .predictor import MOST_PADDING, Combination, inside_mask
from .whole_scans import ScoredMarks, whole_scan_figures

RATE_AT_DEFAULT = 0.125
"""False positives per cube at a score of 0.5."""
HOW = (
    "cube-FROC on {data} (about 0.084 l each, a nodule in the middle; not LUNA16's CPM): marks of 3D-AG by detectors that never "
    "saw the fold, scored by the fold model that never saw the scan; before: the detector's score, after: the combined one. Marks "
    "whose field leaves the cube are in neither. The difference is the mean over folds (each has its own detector) with a 95 % "
    "interval by paired bootstrap over scans"
)
HOW_ON_SCANS = (
    "false marks of whole scans, each scored by the fold model that never saw the scan, at the scores that keep as many nodules "
    "of the cubes before (the detector's score) as after (the combined one)"
)


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


def mark_samples(marks: MarkCubes) -> Samples:
    """One sample for each of the cubes around marks and nodules."""
    return Samples(
        marks.voxels,
        np.arange(len(marks)),
        marks.center,
        marks.nodule.astype(np.float32),
        marks.nodule,
        marks.series,
        marks.fold,
        marks.diameter,
    )


def joined_samples(first: Samples, second: Samples) -> Samples:
    """Samples of both, those of the first before those of the second."""
    cube = np.concatenate([first.cube, second.cube + len(first.cubes)])
    names = [name for name in vars(first) if name != "masks"]
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Samples(**(both | {"cube": cube}))


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


def combine_for_scans(probability: np.ndarray, network: np.ndarray, nodule: np.ndarray) -> Combination:
    """Logistic regression on log odds; the intercept leaves as many nodules at 0.5 and above as the detector alone does.

    Parameters
    ----------
    probability, network, nodule
        As for `combine`, of marks on cubes and on whole scans.
    """
    features = np.column_stack([log_odds(probability, OPINION_EPS), network])
    weights = np.maximum(LogisticRegression(C=10.0).fit(features, nodule).coef_[0], 0.0)
    of_nodules = np.sort(features[nodule == 1] @ weights)[::-1]
    shown = int((probability[nodule == 1] >= 0.5).sum())
    return Combination(float(weights[0]), float(weights[1]), -float(of_nodules[max(shown, 1) - 1]))


def train(run: TrainingRun) -> Path:
    """Train the five fold models and write ``mtcnn_fpr.safetensors`` with its card.

    Parameters
    ----------
    run
        Its data are nodule cubes with ``folds.csv`` (`load_cubes`); its candidates are marks of detectors that never saw them:
        of all folds, or of some where the settings name cubes of whole scans too (`ReductionTraining.marks`).
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    if network.masks:
        raise DatasetError("false marks have no masks: leave masks = true out of the settings.")
    cubes = load_cubes(run.data, folds=FOLDS)
    marks = usable_marks(run.candidates, network, cubes)
    samples, extra = candidate_samples(marks, cubes), None
    if config.marks:
        extra = usable_cubes(Path(config.marks), network)
        samples = joined_samples(samples, mark_samples(extra))
    missing = set(FOLDS) - set(map(str, samples.fold))
    if missing:
        raise DatasetError(f"the candidates have no usable mark in the folds {', '.join(sorted(missing))}.")
    results, minutes = train_folds(
        run.out,
        lambda fold: fold_result(samples, np.arange(len(samples)), fold, network, config, run),
        resume=run.resume,
    )
    out_of_fold = out_of_fold_logits(len(samples), results)
    if extra is None:
        combinations = cross_fitted_combinations(marks, samples.fold, out_of_fold, cubes)
    else:
        combinations = combinations_for_scans(marks, extra, out_of_fold)
    record = training_record(config, samples, cubes, {"steps": config.steps, "minutes": minutes})
    card = card_of(network, combinations, run.version, record)
    path = save_weights(fold_tensors(results), card, run.out)
    predictor = load_predictor(card.name, "cpu", path)
    judged = [cube for cube in cubes if cube.fold in set(marks.fold)]
    metrics = {"how": HOW.format(data=run.data.name), **before_and_after(predictor, marks, judged)}
    if extra is not None:
        whole = figures_on_scans(marks, extra, out_of_fold, next(iter(combinations.values())))
        metrics |= {"whole_scans": {"how": HOW_ON_SCANS, **whole}, "helps": whole["helps"]}
    return save_weights(fold_tensors(results), dataclasses.replace(card, metrics=metrics), run.out)


def out_of_fold_logits(count: int, results: Mapping[str, FoldResult]) -> np.ndarray:
    """(count,) the network's log odds of every sample, each by the model that left its fold out."""
    network = np.zeros(count)
    for result in results.values():
        network[result.predictions["index"]] = result.predictions["logit"]
    return network


def combinations_for_scans(
    marks: Candidates, extra: MarkCubes, network: np.ndarray
) -> dict[str, Combination]:
    """One combination for all models (`combine_for_scans`), of the marks in cubes and on whole scans that a detector scored."""
    scored = extra.kind == "mark"
    combination = combine_for_scans(
        np.concatenate([marks.probability, extra.score[scored]]),
        np.concatenate([network[: len(marks)], network[len(marks) :][scored]]),
        np.concatenate([marks.nodule, extra.nodule[scored]]),
    )
    return dict.fromkeys(FOLDS, combination)


def figures_on_scans(
    marks: Candidates, extra: MarkCubes, network: np.ndarray, combination: Combination
) -> dict[str, Any]:
    """What `combination` does to the false marks of whole scans, at equal sensitivity for the nodules of `marks`."""

    def scored(probability: np.ndarray, own: np.ndarray, group: np.ndarray) -> ScoredMarks:
        return ScoredMarks(log_odds(probability), combination(probability, own), group)

    hits, false = marks.nodule == 1, extra.kind == "mark"
    litres = dict(zip(map(str, extra.series[false]), map(float, extra.litres[false]), strict=True))
    return whole_scan_figures(
        scored(marks.probability[hits], network[: len(marks)][hits], marks.series[hits]),
        scored(extra.score[false], network[len(marks) :][false], extra.series[false]),
        litres,
    )


def usable_cubes(path: Path, network: Config) -> MarkCubes:
    """Read cubes of whole scans; those whose field leaves the cube are left out."""
    marks = load_mark_cubes(path)
    outside = share_outside(
        np.asarray(marks.voxels.shape[1:]), marks.center, network.field_mm, network.pixels
    )
    return marks.take(outside <= MOST_PADDING)


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
    network: np.ndarray,
    cubes: Sequence[NoduleCube],
) -> dict[str, Combination]:
    """For each fold `combine` of the out-of-fold log odds of the *other* folds."""
    combinations = {}
    for k in FOLDS:
        other = fold != k
        count = sum(c.fold != k for c in cubes)
        combinations[k] = combine(marks.probability[other], network[other], marks.nodule[other], count)
    return combinations


def training_record(
    config: TrainingConfig, samples: Samples, cubes: Sequence[NoduleCube], log: Mapping[str, Any]
) -> dict[str, Any]:
    """What the card says about the training."""
    folds = {c.series: c.fold for c in cubes}
    scans = {str(s): str(f) for s, f in zip(samples.series, samples.fold, strict=True) if str(s) not in folds}
    return {
        "data": [
            "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
            "node21challenge/node21_generation_baseline (Apache 2.0)",
            "marks of 3D-AG on them, each by a detector that never saw the scan's fold",
            *([f"false marks and pasted nodules of whole CTs {', '.join(sorted(scans))}"] if scans else []),
        ],
        "config": dataclasses.asdict(config),
        "models": list(FOLDS),
        "folds": dict(sorted((folds | scans).items())),
        "marks": {
            "nodules": int((samples.label == 1).sum()),
            "false_positives": int((samples.label == 0).sum()),
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
