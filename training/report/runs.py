"""The trained variants that a report finds: ``<runs>/<network>/<variant>/oof.csv``, and ``<runs>/fused/oof.csv``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..crossval.out_of_fold_file import read_out_of_fold
from ..data.errors import DatasetError
from ..data.public.rated_nodules import RatedNodules
from ..findings.formats.tables import read_text
from ..inference.fusion import mean_log_odds
from ..metrics.characterisation.out_of_fold import OutOfFold, same_nodules
from .published import MTCNN_WEIGHTS

MTMR, MTCNN, FUSED = "mtmr/shipped", "mtcnn/shipped", "fused"
WEIGHT, SHIPPED_WEIGHT = "mtcnn/alpha_", 0.3
WITHOUT_ATTRIBUTES = ("mtmr/no_regression", "mtmr/malignancy_only")
WITHOUT_MALIGNANCY = ("mtmr/attributes_only",)
"""Variants whose training taught them nothing of the one or the other."""
TITLES = {
    FUSED: "both networks fused",
    MTMR: "MTMR-Net",
    "mtmr/no_regression": "MTMR-Net without regression loss",
    "mtmr/malignancy_only": "MTMR-Net, malignancy alone (single task)",
    "mtmr/attributes_only": "MTMR-Net, attributes alone (single task)",
    "mtmr/paper": "MTMR-Net as in the paper, from scratch",
    "mtmr/paper_losses": "MTMR-Net with the paper's input and losses",
    "mtmr/no_ranking": "MTMR-Net without ranking loss",
    "mtmr/no_diameter": "MTMR-Net without the diameter",
    "mtmr/detector": "MTMR-Net at the detector's centres and diameters",
    MTCNN: "MT-CNN",
    f"{WEIGHT}0.0": "MT-CNN without reconstruction (single task, α = 0)",
    "mtcnn/paper": "MT-CNN as in the paper, 50 mm",
    "mtcnn/no_diameter": "MT-CNN without the diameter",
    "mtcnn/detector": "MT-CNN at the detector's centres and diameters",
}
"""What the variants that the papers' tables need are called; others are named after their folder."""
EXPECTED = (
    MTMR,
    "mtmr/no_regression",
    "mtmr/malignancy_only",
    "mtmr/attributes_only",
    "mtmr/paper",
    "mtmr/paper_losses",
    "mtmr/no_ranking",
    "mtmr/no_diameter",
    "mtmr/detector",
    MTCNN,
    "mtcnn/paper",
    *(f"{WEIGHT}{weight}" for weight in MTCNN_WEIGHTS if weight != SHIPPED_WEIGHT),
    "mtcnn/no_diameter",
    "mtcnn/detector",
)
"""What a full report needs."""


def title(name: str) -> str:
    """A variant for a person."""
    if name in TITLES:
        return TITLES[name]
    network, _, variant = name.partition("/")
    network = {"mtmr": "MTMR-Net", "mtcnn": "MT-CNN"}.get(network, network)
    if name.startswith(WEIGHT):
        return f"{network}, α = {variant.removeprefix('alpha_')}"
    return f"{network}, {variant.replace('_', ' ')}" if variant else network


def find_runs(folder: Path, nodules: RatedNodules) -> dict[str, OutOfFold]:
    """Read ``network/variant`` -> predictions of the nodules of the folds; ``fused`` where it is there or both networks are.

    Networks are ``mtmr`` and ``mtcnn``; the fused opinion is their mean log odds (`inference.fusion`) unless its own file is
    there.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is damaged, or was made on other nodules or another split than ``folds.csv``.
    """
    found = {}
    for network in ("mtmr", "mtcnn"):
        for path in sorted((folder / network).glob("*/oof.csv")):
            found[f"{network}/{path.parent.name}"] = _checked(path, nodules)
    fused = folder / FUSED / "oof.csv"
    if fused.exists():
        found[FUSED] = _checked(fused, nodules)
    elif MTMR in found and MTCNN in found:
        found[FUSED] = fuse(found[MTMR], found[MTCNN])
    return found


def holds_runs(folder: Path) -> bool:
    """Whether a folder has anything that was trained: else a report would show baselines alone, and look whole."""
    return any(any(folder.glob(made)) for made in ("*/*/oof.csv", f"{FUSED}/oof.csv", "fpr/*/mtcnn_fpr.json"))


def fuse(mtmr: OutOfFold, mtcnn: OutOfFold) -> OutOfFold:
    """Both networks as one, on the nodules that both know."""
    first, second = same_nodules([mtmr, mtcnn])
    empty = np.empty(0)
    probability = mean_log_odds(first.malignancy, second.malignancy)
    return replace(first, malignancy=probability, logit=empty, spread=empty)


def _checked(path: Path, nodules: RatedNodules) -> OutOfFold:
    """The predictions, with what the data say of each nodule; nodules outside the folds are left out."""
    predictions = read_out_of_fold(path)
    place = {int(index): position for position, index in enumerate(nodules.index)}
    known = np.array([int(index) in place for index in predictions.index])
    if not known.any():
        raise DatasetError(f"{path} holds no nodule of the data's folds: was it made on other data?")
    predictions = predictions.take(known)
    own = nodules.take(np.array([place[int(index)] for index in predictions.index]))
    for what, theirs, ours in (
        ("series", predictions.series, own.series),
        ("fold", predictions.fold, own.fold),
    ):
        wrong = theirs != ours
        if wrong.any():
            raise DatasetError(
                f"{path} gives nodule {predictions.index[wrong][0]} the {what} {theirs[wrong][0]}, the data say "
                f"{ours[wrong][0]}: only predictions on the split of folds.csv can be compared."
            )
    return replace(predictions, readers={rule: own.malignancy(rule) for rule in predictions.readers})


def reconstruction_weight(folder: Path, name: str) -> float | None:
    """The weight of the reconstruction of a variant of MT-CNN, from its card or the name of its folder."""
    card = folder / name / "mtcnn.json"
    if card.exists():
        try:
            return float(json.loads(read_text(card))["config"]["alpha"])
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{card} is no card of MT-CNN: {error}") from error
    if name == MTCNN:
        return SHIPPED_WEIGHT
    try:
        return float(name.removeprefix(WEIGHT)) if name.startswith(WEIGHT) else None
    except ValueError:
        return None


def find_reduction(folder: Path) -> dict[str, dict[str, Any]]:
    """``fpr/<variant>`` -> what the card of a false-positive reduction says of the marks before and after it.

    The figures are those of ``lungmtl train mtcnn`` with ``"model": "mtcnn_fpr"``: ``before`` and ``after`` with ``sensitivity_at``
    and ``mean_sensitivity``, ``difference`` with its interval, and ``auc`` of the network alone.

    Raises
    ------
    DatasetError
        A card lacks them.
    """
    found = {}
    for path in sorted((folder / "fpr").glob("*/mtcnn_fpr.json")):
        name = f"fpr/{path.parent.name}"
        try:
            metrics = json.loads(read_text(path))["metrics"]
            found[name] = {key: metrics[key] for key in ("before", "after", "difference", "auc")}
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path} is no card of a false-positive reduction: {error!r}") from error
    return found
