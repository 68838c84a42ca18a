"""What every characterising network does around its prediction: reading the cube, notes for the person, evaluation on cubes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data.errors import DatasetError
from ..data.public.luna16_nodules import require_common, require_folds, spheres_by_series, to_hu
from ..data.public.rated_nodules import RatedNodules, load_rated_nodules
from ..findings import ATTRIBUTES, Finding, Findings, Opinion, Sphere
from ..imaging.image import Image
from ..imaging.resample import sample_grid
from ..inference.predictor import ModelInfo, Progress
from ..inference.suitability import check_ct
from ..inference.unlike.head import shipped_head
from ..inference.weights import ModelCard
from ..metrics.characterisation.figures import characterisation_figures, characterisation_table
from ..metrics.characterisation.out_of_fold import OutOfFold
from ..ops.logits import OPINION_EPS, log_odds

SIDE = 50
"""Voxels (and mm) of the cube around a nodule: the field of the training data, in training and use."""
MIDDLE = (SIDE - 1) / 2
TRAINED_MM = (3.0, 30.0)
PADDING_WORTH_A_NOTE = 0.02

NodulePredictor = Callable[[np.ndarray, np.ndarray, float, str], Opinion]
"""Cube in HU at 1 mm (z, y, x), the nodule's voxel index (3,), its diameter in mm, the series: an opinion."""


def nodule_cube(image: Image, center: Sequence[float]) -> tuple[np.ndarray, float]:
    """The 50 mm cube around a world point (z, y, x), HU at 1 mm, and the fraction of it that lies outside the image."""
    origin = np.asarray(center, float) - MIDDLE
    cube = sample_grid(image, origin, (SIDE,) * 3).voxels
    low, high = image.extent
    inside = 1.0
    for o, a, b in zip(origin, low, high, strict=True):
        points = o + np.arange(SIDE)
        inside *= float(np.mean((points >= a) & (points <= b)))
    return cube, 1 - inside


def notes_of(diameter: float, padded: float) -> tuple[str, ...]:
    """Notes on what a person must know about a prediction."""
    notes = []
    low, high = TRAINED_MM
    if not low <= diameter <= high:
        notes.append(
            f"Ø {diameter:.1f} mm is outside the {low:g}–{high:g} mm that the network was trained on."
        )
    if padded > PADDING_WORTH_A_NOTE:
        notes.append(
            f"The scan ends beside the nodule: {padded:.0%} of the 50 mm around it lie outside (padding).".replace(
                "%", " %"
            )
        )
    return tuple(notes)


def characterise(
    image: Image, findings: Findings, info: ModelInfo, predict: NodulePredictor
) -> Generator[Progress, None, Findings]:
    """Run a `Characteriser` over findings one after the other; what it cannot characterise is left as it was, with a note."""
    check_ct(image, info.title)
    items = list(findings)
    for i, finding in enumerate(items):
        note = ""
        if isinstance(finding.geometry, Sphere):
            if not bool(image.contains(finding.center)):
                at = ", ".join(f"{c:.0f}" for c in finding.center)
                note = f"The sphere at z, y, x = {at} mm lies outside the image: {info.title} left it out."
            else:
                items[i] = with_opinion(image, finding, predict)
        stage = f"{info.title}: nodule {i + 1} of {len(items)}"
        yield Progress((i + 1) / len(items), stage, findings.with_items(tuple(items)), note)
    models = (
        *(m for m in findings.models if m.get("name") != info.name),
        {"name": info.name, "version": info.version},
    )
    return replace(findings, items=tuple(items), models=models)


def with_opinion(image: Image, finding: Finding, predict: NodulePredictor) -> Finding:
    """Add this network's opinion to a finding, its attributes where the network rates them, and whether it is a nodule at all."""
    cube, padded = nodule_cube(image, finding.center)
    opinion = predict(cube, np.full(3, MIDDLE), finding.diameter, image.series_uid)
    opinion = replace(opinion, notes=(*opinion.notes, *notes_of(finding.diameter, padded)))
    opinions = (*(o for o in finding.opinions if o.model != opinion.model), opinion)
    unlike = shipped_head().unlike(cube, np.full(3, MIDDLE), finding.diameter, image.series_uid)
    attributes = opinion.attributes or finding.attributes
    return finding.with_(opinions=opinions, attributes=attributes, unlike=unlike)


def evaluate_on_cubes(
    predict: NodulePredictor,
    card: ModelCard,
    data: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    on_progress: Callable[[float, str], None] = lambda _f, _s: None,
) -> tuple[dict[str, Any], OutOfFold]:
    """Evaluate a characteriser on nodule cubes: figures under the JSON keys of ``lungmtl evaluate``, and its predictions.

    Parameters
    ----------
    folds
        Folds of ``folds.csv`` to take; None takes every cube.
    findings
        A detector's findings (LUNA16 csv): every nodule is characterised at the detected centre and diameter instead of
        the annotated ones; those that were not detected are left out and counted.
    """
    require_folds(data, folds)
    nodules = load_rated_nodules(data)
    if folds is not None and "all" not in folds:
        nodules = nodules.take(np.isin(nodules.fold, list(folds)))
    if not len(nodules):
        raise DatasetError(f"{data} has no nodule in the folds {', '.join(folds or ())}.")
    center, diameter, missed = nodules.center, nodules.diameter, 0
    if findings is not None:
        nodules, center, diameter, missed = at_findings(nodules, findings)
    opinions = []
    for i, voxels in enumerate(nodules.voxels):
        opinions.append(predict(to_hu(voxels), center[i], float(diameter[i]), str(nodules.series[i])))
        on_progress((i + 1) / len(nodules), f"nodule {i + 1} of {len(nodules)}")
    predictions = table_of(nodules, opinions)
    figures = characterisation_figures(predictions, nodules.readers)
    return {
        "network": card.name,
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": len(nodules),
        "scans": len(np.unique(nodules.series)),
        "not_found": missed,
        "metrics": metrics_of(figures),
        "table": characterisation_table(figures),
        "warnings": overlap(nodules, card),
    }, predictions


def at_findings(nodules: RatedNodules, path: Path) -> tuple[RatedNodules, np.ndarray, np.ndarray, int]:
    """Take the nodules that a detector found, the detected centres (cube indices) and diameters, and how many it missed.

    A finding belongs to a nodule when its centre lies in it (LUNA16's rule); the nearest one counts.
    """
    spheres = spheres_by_series(path)
    require_common(spheres, map(str, nodules.series), path, "the data")
    kept, centers, diameters = [], [], []
    for i, series in enumerate(nodules.series):
        detections = spheres.get(str(series), np.zeros((0, 4)))
        distance = np.linalg.norm(detections[:, :3] - nodules.world[i], axis=1)
        if not len(detections) or distance.min() > nodules.diameter[i] / 2:
            continue
        best = detections[int(distance.argmin())]
        kept.append(i)
        centers.append(nodules.center[i] + (best[:3] - nodules.world[i]) * nodules.direction[i])
        diameters.append(best[3])
    if not kept:
        raise DatasetError(f"{path} holds no finding inside a nodule of the data: are the series the same?")
    return nodules.take(np.array(kept)), np.array(centers), np.array(diameters), len(nodules) - len(kept)


def table_of(nodules: RatedNodules, opinions: Sequence[Opinion]) -> OutOfFold:
    """Opinions as a table of predictions."""
    return OutOfFold(
        index=nodules.index,
        series=nodules.series,
        fold=nodules.fold,
        diameter=nodules.diameter,
        readers={rule: nodules.malignancy(rule) for rule in ("mean", "median")},
        malignancy=np.array([o.malignancy for o in opinions]),
        attributes=np.array([[o.attributes.get(a, np.nan) for a in ATTRIBUTES] for o in opinions]),
        logit=log_odds([o.malignancy for o in opinions], OPINION_EPS),
        spread=np.array([o.std for o in opinions]),
    )


def metrics_of(figures: dict[str, Any]) -> dict[str, Any]:
    """Pick what ``lungmtl evaluate`` prints: figures under the mean rule, the median rule's AUC, and everything behind them."""
    mean, median = figures["mean"], figures["median"]

    def value(part: dict[str, Any], name: str) -> float | None:
        return (part[name] or {}).get("value")

    return {
        "auc": value(mean, "auc"),
        "auc_median_rule": value(median, "auc"),
        **{name: value(mean, name) for name in ("accuracy", "sensitivity", "specificity", "brier")},
        "calibration_error": mean["calibration_error"],
        "attributes": figures.get("attributes", {}),
        "mean_rule": mean,
        "median_rule": median,
    }


def overlap(nodules: RatedNodules, card: ModelCard) -> list[str]:
    """A warning where the data are those that the weights were trained on."""
    trained = card.training.get("folds", {})
    seen = sum(s in trained for s in nodules.series)
    if not seen:
        return []
    return [
        f"{seen} of {len(nodules)} nodules come from scans that these weights were trained on. Each of them was judged only "
        "by the fold model that never saw its scan (cross-validation); the settings were chosen with these scans in sight."
    ]
