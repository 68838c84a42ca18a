"""The figures of a radiograph network on a folder of radiographs: JSON for machines, a table and warnings for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..froc.luna16 import RATES, by_rate
from ..intervals.bootstrap import SAMPLES, Interval, bootstrap_weights, finite, interval
from .quantiles import spread
from .statistics import (
    BANDS,
    CENTER,
    SUBTLETY_RATES,
    RadiographResult,
    groups_of,
    in_band,
    levels,
    of_subtlety,
    radiograph_statistics,
)

IMAGE = ("roc_auc", "pr_auc")
BOXES = ("froc_auc", "afroc_auc", "map", "map_50_95", "node21_score", "node21_auc")
WORK = ("sensitivity_at_default", "false_positives_per_image")
LESIONS = ("f1", "recall", "precision")
SHAMS = ("marks_per_sham", "marks_per_sham_excess")
SIDES = ("right lung", "left lung")


def intervals(
    results: Sequence[RadiographResult], threshold: float, samples: int = SAMPLES
) -> dict[str, Interval]:
    """Compute every measure of `radiograph_statistics` with its 95 % interval over backgrounds, of which it takes two."""
    groups = groups_of(results)
    weights = bootstrap_weights(groups, samples)
    measures = {name: interval(s, weights) for name, s in radiograph_statistics(results, threshold).items()}
    if len(set(groups)) < 2:
        return {name: Interval(i.value, np.nan, np.nan) for name, i in measures.items()}
    return measures


def radiograph_figures(
    results: Sequence[RadiographResult], threshold: float, *, lungs: bool, samples: int = SAMPLES
) -> dict[str, Any]:
    """Compute the figures of ``lungmtl evaluate``, by their JSON keys; what cannot be computed is None.

    Parameters
    ----------
    threshold
        Score at which the window starts: for what is counted there.
    lungs
        Whether the network outlines lungs; adds ``lung_dice``.
    """
    measures = intervals(results, threshold, samples)
    value = {name: finite(i.value) for name, i in measures.items()}
    metrics: dict[str, Any] = {name: value[name] for name in (*IMAGE, *BOXES, *LESIONS, *WORK, *SHAMS)}
    metrics["sensitivity_at"] = by_rate(RATES, [measures[f"sensitivity_at_{r:g}"].value for r in RATES])
    metrics["sensitivity_at_iou_0.2"] = by_rate(
        RATES, [measures[f"sensitivity_at_{r:g}_iou_0.2"].value for r in RATES]
    )
    metrics["sensitivity_at_center"] = by_rate(
        RATES, [measures[f"sensitivity_at_{r:g}_{CENTER}"].value for r in RATES]
    )
    if known := levels([r for r in results if r.truth is not None]):
        metrics["by_subtlety"] = {str(n): _subtlety(n, results, measures) for n in known}
    metrics["false_positives_by_group"] = {
        name.partition("/")[2]: i.to_json()
        for name, i in measures.items()
        if name.startswith("false_positives_per_image/")
    }
    metrics["by_diameter_mm"] = {name: _band(name, results, measures) for name in BANDS}
    metrics["positive_radiographs"] = {name: value[f"{name}/positive"] for name in LESIONS}
    metrics["default_threshold"] = threshold
    metrics["counts"] = counts(results)
    if lungs:
        metrics["lung_dice"] = _lungs(results)
    kept = {name: i for name, i in measures.items() if lungs or not name.startswith("lung_dice")}
    metrics["intervals"] = {name: i.to_json() for name, i in kept.items()}
    return metrics


def counts(results: Sequence[RadiographResult]) -> dict[str, int]:
    """Count what the figures rest on."""
    return {
        "radiographs": len(results),
        "backgrounds": len(set(groups_of(results))),
        "positive": sum(r.positive is True for r in results),
        "negative": sum(r.positive is False for r in results),
        "boxes_known": sum(r.truth is not None for r in results),
        "nodules": sum(len(r.truth) for r in results if r.truth is not None),
        "shams": sum(r.shams.places for r in results),
        "lungs_known": sum("lungs" in r.lung_dice for r in results),
    }


def _band(name: str, results: Sequence[RadiographResult], measures: dict[str, Interval]) -> dict[str, Any]:
    return {
        "nodules": int(sum(in_band(r, name).sum() for r in results)),
        "froc_auc": finite(measures[f"froc_auc/{name}"].value),
        "sensitivity_at_1": measures[f"sensitivity_at_1/{name}"].to_json(),
        "sensitivity_at_1_iou_0.2": measures[f"sensitivity_at_1_iou_0.2/{name}"].to_json(),
    }


def _subtlety(
    level: int, results: Sequence[RadiographResult], measures: dict[str, Interval]
) -> dict[str, Any]:
    return {"nodules": int(sum(of_subtlety(r, level).sum() for r in results))} | {
        f"sensitivity_at_{rate:g}_{CENTER}": measures[
            f"sensitivity_at_{rate:g}_{CENTER}/subtlety {level}"
        ].to_json()
        for rate in SUBTLETY_RATES
    }


def _lungs(results: Sequence[RadiographResult]) -> dict[str, Any]:
    def values(of: str, name: str) -> list[float]:
        tables = [r.lung_dice if of == "dice" else r.lung_iou for r in results]
        return [table[name] for table in tables if name in table]

    return (
        spread(values("dice", "lungs"))
        | {"iou": spread(values("iou", "lungs"))}
        | {name.replace(" ", "_"): spread(values("dice", name)) for name in SIDES}
    )


def radiograph_warnings(results: Sequence[RadiographResult], *, lungs: bool) -> list[str]:
    """Say what the figures leave out, in sentences."""
    n = counts(results)
    warnings = []
    if unknown := n["radiographs"] - n["positive"] - n["negative"]:
        warnings.append(
            f"{unknown} of {n['radiographs']} images do not say whether they show a nodule: left out of everything but lung masks."
        )
    for kind, what in (("positive", "with"), ("negative", "without")):
        if unknown < n["radiographs"] and not n[kind]:
            warnings.append(
                f"There is no image {what} a nodule: ROC, PR, AFROC and NODE21's score are empty."
            )
    if missing := sum(r.positive is True and r.truth is None for r in results):
        warnings.append(
            f"{missing} images show a nodule whose place is not given: left out of the figures of boxes."
        )
    if some := sum(not r.complete for r in results):
        warnings.append(
            f"{some} images may show more nodules than are marked: marks beside them count neither way, and false positives per "
            "image are averaged over the others."
        )
    if lungs and not n["lungs_known"]:
        warnings.append("No lung masks are given: lung_dice is empty.")
    return warnings


def radiograph_table(metrics: dict[str, Any]) -> list[list[str]]:
    """Make the table for a person: first row the heading."""
    n = metrics["counts"]
    rows = [["figure", "value", "95 % over backgrounds", "of"]]
    of = {
        **dict.fromkeys(IMAGE, f"{n['positive']} + {n['negative']} images"),
        **dict.fromkeys((*BOXES, *LESIONS, "sensitivity_at_default"), f"{n['nodules']} nodules"),
        **dict.fromkeys([f"sensitivity_at_{r:g}_{CENTER}" for r in RATES], f"{n['nodules']} nodules"),
        **{
            f"sensitivity_at_1_{CENTER}/subtlety {level}": f"{m['nodules']} nodules"
            for level, m in metrics.get("by_subtlety", {}).items()
        },
        **dict.fromkeys([f"sensitivity_at_{r:g}" for r in RATES], f"{n['nodules']} nodules"),
        **{f"sensitivity_at_1/{b}": f"{m['nodules']} nodules" for b, m in metrics["by_diameter_mm"].items()},
        "false_positives_per_image": f"{n['negative']} images",
        **{
            f"false_positives_per_image/{group}": f"images: {group}"
            for group in metrics["false_positives_by_group"]
        },
        **dict.fromkeys(SHAMS, f"{n['shams']} shams"),
        **dict.fromkeys([f"lung_dice/{q}" for q in ("median", "p10", "mean")], f"{n['lungs_known']} images"),
    }
    for name, of_what in of.items():
        known = metrics["intervals"].get(name)
        if known is None or known["value"] is None:
            continue
        bounds = f"{known['lower']:.3f}–{known['upper']:.3f}" if known["lower"] is not None else "-"
        rows.append([_words(name), f"{known['value']:.3f}", bounds, of_what])
    return rows


def _words(name: str) -> str:
    """What the table calls a measure."""
    name, _, part = name.partition("/")
    if name.startswith("sensitivity_at_") and name != "sensitivity_at_default":
        rate = name.removeprefix("sensitivity_at_")
        rate, _, rule = rate.partition("_")
        part = part if not part or part.startswith("subtlety") else f"{part} mm"
        said = {"": "", CENTER: ", centre in the box"}.get(rule, f", {rule}")
        return f"sensitivity at {rate} FP/image{said}" + (f", {part}" if part else "")
    return name + (f" {part}" if part else "")


def radiograph_details(results: Sequence[RadiographResult], threshold: float) -> list[dict[str, Any]]:
    """Make one row for each radiograph, for those who look for the worst ones: score, nodules, hits, false positives, lung Dice."""
    rows = []
    for r in results:
        matching = r.matching()
        shown = r.scores >= threshold
        known = r.truth is not None
        rows.append(
            {
                "name": r.name,
                "background": r.background,
                "group": r.group,
                "positive": r.positive,
                "score": float(r.score),
                "marks": len(r.scores),
                "marks_at_default": int(shown.sum()),
                "nodules": len(r.truth) if r.truth is not None else None,
                "hits": int(matching.found.sum()) if known else None,
                "hits_at_default": int((matching.hit_scores >= threshold).sum()) if known else None,
                "hit_scores": [float(s) for s in matching.hit_scores] if known else None,
                "false_positives_at_default": int((matching.false_positive & shown).sum()) if known else None,
                "truth": np.asarray(r.truth, float).round(1).tolist() if known else None,
                "found": [
                    {"score": float(s), "center": c.round(1).tolist(), "box": b.round(1).tolist()}
                    for s, c, b in zip(r.scores, r.centers, r.boxes, strict=True)
                ],
                "sham_marks": r.shams.marks if r.shams.places else None,
                "lung_dice": finite(r.lung_dice.get("lungs", np.nan)),
                "lung_iou": finite(r.lung_iou.get("lungs", np.nan)),
            }
        )
    return rows
