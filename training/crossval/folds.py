"""Cross-validated networks: one model for each fold of ``folds.csv``, all in one weights file.

A scan of the training data is evaluated only by the model that never saw it, a new scan by all of them.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy.special import expit
from torch import Tensor, nn

from ..data.arrays import open_arrays
from ..data.public.rated_nodules import RatedNodules
from ..findings.formats.atomic import write_atomically
from ..fitting.processes import end_others
from ..inference.weights import ModelCard, WeightsError, load_state
from ..metrics.calibration import platt
from ..metrics.characterisation.out_of_fold import OutOfFold

log = logging.getLogger(__name__)

Config = TypeVar("Config")
Value = TypeVar("Value")

FOLDS = ("0", "1", "2", "3", "4")


@dataclass(frozen=True, eq=False)
class FoldResult:
    """A fold's model, and what it says of the nodules that it never saw.

    Parameters
    ----------
    state
        Tensors of the model.
    predictions
        Arrays by name, first axis the fold's nodules; ``index`` names them.
    """

    state: dict[str, Tensor]
    predictions: dict[str, np.ndarray]


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Pick the tensors of a network to keep: BatchNorm's counters serve training only."""
    return {k: t for k, t in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def train_folds(
    out: Path,
    fit_fold: Callable[[str], FoldResult | None],
    *,
    resume: bool = False,
    folds: Sequence[str] = FOLDS,
) -> tuple[dict[str, FoldResult], float]:
    """Train one model after the other; what is finished is on the disk and is not done again on `resume`.

    Parameters
    ----------
    out
        Gets ``fold<k>.safetensors`` and ``fold<k>.npz``.
    fit_fold
        Trains the model that leaves a fold out; gives None in all processes but the first. Those end here.

    Returns
    -------
    results : dict
        By fold.
    minutes : float
        What it took.

    Raises
    ------
    FileNotFoundError
        `resume` without a finished fold.
    SaveError
        A fold cannot be written, as on a full disk.
    """
    from safetensors.torch import load_file

    if resume and not any(_files(out, fold)[1].exists() for fold in folds):
        raise FileNotFoundError(f"{_files(out, folds[0])[1]} is not there: start without --resume.")
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    begun = time.monotonic()
    for fold in folds:
        weights, arrays = _files(out, fold)
        if resume and weights.exists() and arrays.exists():
            with open_arrays(arrays) as stored:
                results[fold] = FoldResult(load_file(weights), dict(stored))
            continue
        start = time.monotonic()
        result = fit_fold(fold)
        if result is None:
            continue
        results[fold] = result
        _write_fold(result, weights, arrays)
        log.warning("fold %s done in %.0f s", fold, time.monotonic() - start)
    end_others()
    return results, round((time.monotonic() - begun) / 60, 1)


def _files(out: Path, fold: str) -> tuple[Path, Path]:
    """Where a fold's tensors and predictions are; the second is there when both are."""
    return out / f"fold{fold}.safetensors", out / f"fold{fold}.npz"


def _write_fold(result: FoldResult, weights: Path, arrays: Path) -> None:
    """Write whole files or none: a fold that is cut off would be taken for finished."""
    from safetensors.torch import save

    tensors = {k: t.detach().cpu().contiguous().clone() for k, t in result.state.items()}
    write_atomically(weights, save(tensors))
    stream = io.BytesIO()
    np.savez(stream, **result.predictions)  # type: ignore[arg-type]
    write_atomically(arrays, stream.getvalue())


def cross_fitted(score: np.ndarray, label: np.ndarray, fold: np.ndarray) -> dict[str, tuple[float, float]]:
    """For each fold the calibration fitted on the out-of-fold scores of the *other* folds."""
    return {k: platt(score[fold != k], label[fold != k]) for k in FOLDS}


def out_of_fold(
    nodules: RatedNodules,
    results: Mapping[str, FoldResult],
    calibration: Mapping[str, tuple[float, float]],
    *,
    attributes: bool,
) -> OutOfFold:
    """The table of out-of-fold predictions, in the order of the nodules.

    Parameters
    ----------
    results
        Their predictions hold ``index``, ``logit`` (n,), ``parts`` (n, P) log odds of each slice or view (NaN where there is
        none) and, with `attributes`, ``attributes`` (n, 8).
    """
    rows = {
        int(i): (fold, row) for fold, r in results.items() for row, i in enumerate(r.predictions["index"])
    }
    nodules = nodules.take(np.array([int(i) in rows for i in nodules.index]))
    places = [rows[int(i)] for i in nodules.index]

    def gather(name: str) -> list[np.ndarray]:
        return [results[fold].predictions[name][row] for fold, row in places]

    def calibrated(values: list[np.ndarray]) -> list[np.ndarray]:
        return [
            expit(calibration[fold][0] * np.asarray(v) + calibration[fold][1])
            for (fold, _), v in zip(places, values, strict=True)
        ]

    scores = gather("logit")
    return OutOfFold(
        index=nodules.index,
        series=nodules.series,
        fold=np.array([fold for fold, _ in places]),
        diameter=nodules.diameter,
        readers={rule: nodules.malignancy(rule) for rule in ("mean", "median")},
        malignancy=np.array(calibrated(scores), float),
        attributes=np.array(gather("attributes")) if attributes else np.full((len(places), 8), np.nan),
        logit=np.array(scores, float),
        spread=np.array([np.nanstd(p) for p in calibrated(gather("parts"))]),
    )


def fold_tensors(results: Mapping[str, FoldResult]) -> dict[str, Tensor]:
    """Put all models' tensors into one dictionary, their names after ``fold<k>.``."""
    return {f"fold{fold}.{name}": t for fold, r in results.items() for name, t in r.state.items()}


def load_models(weights: Path, card: ModelCard, build: Callable[[], nn.Module]) -> dict[str, nn.Module]:
    """The fold models of a weights' file, in evaluation mode.

    Raises
    ------
    WeightsError
        The tensors do not fit the network.
    """
    state = load_state(weights, card)
    models = {}
    for fold in card.training.get("models", FOLDS):
        own = {k.partition(".")[2]: t for k, t in state.items() if k.startswith(f"fold{fold}.")}
        net = build()
        expected = {k: t for k, t in net.state_dict().items() if not k.endswith("num_batches_tracked")}
        if set(expected) != set(own) or any(expected[k].shape != own[k].shape for k in own):
            raise WeightsError(f"the tensors of {weights} do not fit the network that its card describes.")
        net.load_state_dict(own, strict=False)
        models[fold] = net.eval()
    return models


def split_config(
    weights: Path, card: ModelCard, kind: Callable[..., Config], apart: str, each: Callable[[Any], Value]
) -> tuple[Config, dict[str, Value]]:
    """Part a card's configuration into the network's own and what is kept for each fold.

    Parameters
    ----------
    kind
        The network's config dataclass.
    apart
        Key of what is kept by fold, such as ``"calibration"``.
    each
        Makes a fold's value of its JSON value.

    Raises
    ------
    WeightsError
        The card's configuration does not fit this version's network.
    """
    try:
        values = dict(card.config)
        by_fold = {fold: each(value) for fold, value in values.pop(apart).items()}
        return kind(**values), by_fold
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {weights} has a configuration that this version does not know: {error}"
        ) from None


def slope_and_intercept(value: Sequence[float]) -> tuple[float, float]:
    """The calibration of a fold's model from its JSON value."""
    slope, intercept = value
    return float(slope), float(intercept)


def models_for(series: str, folds: Mapping[str, str], models: Sequence[str]) -> list[str]:
    """Choose the fold models that may evaluate a series: only the one that never saw it, all for an unknown series."""
    fold = folds.get(series, "")
    return [fold] if fold in models else list(models)


def training_record(nodules: RatedNodules, config: Any, log_: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says about the training of fold models with a ``TrainingConfig``."""
    used = {str(s): str(f) for s, f in zip(nodules.series, nodules.fold, strict=True) if f in FOLDS}
    return {
        "data": [
            "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
            "node21challenge/node21_generation_baseline (Apache 2.0)",
            "ratings of the LIDC readers (LIDC-IDRI XML, CC BY 3.0)",
        ],
        "config": dataclasses.asdict(config),
        "nodules": int(sum(f in FOLDS for f in nodules.fold)),
        "models": list(FOLDS),
        "folds": dict(sorted(used.items())),
        "note": "Five models; each left one fold of folds.csv out of everything. A series named under folds is judged only by "
        "the model that left it out, any other by all five. Each model's calibration was fitted on the out-of-fold scores of "
        "the other folds. Series of the fold 'never' took part in nothing.",
        "log": dict(log_),
    }
