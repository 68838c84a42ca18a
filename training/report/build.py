"""The whole report: data and runs in, ``report.md``, ``report.json`` and pictures out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..data.public.rated_nodules import load_rated_nodules
from ..findings.formats.atomic import write_atomically
from ..findings.lidc_scales import RULES
from ..metrics.characterisation.out_of_fold import OutOfFold
from ..metrics.intervals.bootstrap import SAMPLES
from . import figures as measure
from . import plots, tables
from .baselines import cross_validated
from .features import simple_features
from .runs import EXPECTED, FUSED, MTCNN, MTMR, WITHOUT_MALIGNANCY, find_reduction, find_runs


def write_report(
    data: Path,
    runs: Path,
    out: Path,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    on_progress: Callable[[float, str], None] = lambda fraction, stage: None,
) -> dict[str, Any]:
    """Measure everything that is there and write it to `out`; the same input gives the same files.

    Parameters
    ----------
    data
        LUNA16 nodule cubes (see `luna16_nodules`), with masks and ``folds.csv``.
    runs
        ``<network>/<variant>/oof.csv``; what is not there is listed as missing.
    samples, seed
        Of the bootstrap over scans.

    Returns
    -------
    dict
        What ``report.json`` holds.

    Raises
    ------
    DatasetError, FindingsFileError
        The data are incomplete, or a run does not belong to them.
    """
    on_progress(0.0, "reading the nodules")
    nodules = cross_validated(load_rated_nodules(data))
    found = find_runs(runs, nodules)
    reduced = find_reduction(runs)
    on_progress(0.15, "measuring the masks")
    features = simple_features(data, nodules)
    on_progress(0.35, "baselines")
    predictors = {
        name: dict.fromkeys(RULES, run)
        for name, run in _in_order(found).items()
        if name not in WITHOUT_MALIGNANCY
    }
    predictors |= measure.baseline_predictors(nodules, features)
    on_progress(0.45, "malignancy")
    malignancies = measure.malignancy(predictors, samples, seed)
    errors = measure.attributes(nodules, features, found, samples, seed)
    on_progress(0.65, "which attributes matter")
    sources = measure.attribute_sources(nodules, found)
    related = measure.relatedness_figures(sources)
    on_progress(0.75, "comparing pairs")
    result: dict[str, Any] = {
        "data": str(data),
        "nodules": len(nodules),
        "scans": len(np.unique(nodules.series)),
        "labels": {
            rule: {
                "malignant": int((nodules.label(rule) == 1).sum()),
                "benign": int((nodules.label(rule) == 0).sum()),
            }
            for rule in RULES
        },
        "bootstrap": {"samples": samples, "seed": seed, "confidence": 0.95, "drawn": "scans"},
        "targets": measure.targets(malignancies, errors),
        "malignancy": malignancies,
        "differences": measure.differences(predictors, samples, seed),
        "attributes": errors,
        "relatedness": related,
        "reconstruction": measure.reconstruction(runs, malignancies),
        "false_positive_reduction": reduced,
        "missing": [name for name in EXPECTED if name not in found] + ([] if reduced else ["fpr/…"]),
    }
    on_progress(0.85, "drawing")
    plots.roc_plot(predictors, malignancies, out / "roc.png")
    plots.reliability_plot(malignancies, out / "reliability.png")
    # The paper shows the network's attributes; the readers' stand in where there is no network.
    shown = MTMR if MTMR in sources else "readers"
    values, label, _ = sources[shown]
    plots.attribute_map_plot(shown, values, label, related[shown], out / "attribute_map.png")
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(out / "report.json", text.encode() + b"\n")
    write_atomically(out / "report.md", as_markdown(result).encode())
    on_progress(1.0, "")
    return result


def _in_order(found: dict[str, OutOfFold]) -> dict[str, OutOfFold]:
    """Fused first, then each network's shipped variant before its others."""
    first = [name for name in (FUSED, MTMR, MTCNN) if name in found]
    return {name: found[name] for name in (*first, *(n for n in found if n not in first))}


def as_markdown(result: dict[str, Any]) -> str:
    """The report for a person."""
    labels = result["labels"]
    counts = "; ".join(
        f"by the readers' {rule}: {labels[rule]['malignant']} malignant, {labels[rule]['benign']} benign"
        for rule in RULES
    )
    related = result["relatedness"]
    maps = MTMR if MTMR in related else "readers"
    parts = [
        "# Characterisation: malignancy and attributes",
        f"{result['nodules']} nodules of {result['scans']} scans in the five folds of `folds.csv`; {counts}. Nodules rated "
        "exactly 3 are neither and are left out. Every nodule is characterised by a model that its scan was left out of. Networks "
        "say the same under both rules; logistic regressions are fitted anew for each. Intervals: 95 %, "
        f"{result['bootstrap']['samples']} bootstrap samples over scans. Standard deviations are those of the folds (n − 1). "
        "A probability of 0.5 and more is called malignant. Calibration error: expected calibration error, 10 bins of equal width "
        "(bins of equal mass: `report.json`). The papers' figures were made on other selections of LIDC-IDRI.",
        "## Targets",
        tables.markdown(tables.target_table(result["targets"])),
    ]
    if result["missing"]:
        parts.append("Missing runs: " + ", ".join(f"`{name}`" for name in result["missing"]) + ".")
    for rule in RULES:
        paper = "MTMR-Net, Table II" if rule == "mean" else "MT-CNN, Table 1"
        parts += [
            f"## Malignancy by the readers' {rule} ({paper})",
            tables.markdown(tables.malignancy_table(result["malignancy"], rule)),
        ]
    parts += ["![ROC curves](roc.png)"]
    if result["differences"]:
        parts += [
            "## Paired differences",
            "Both predictors on the same nodules, each bootstrap sample drawn once for both.",
            tables.markdown(tables.difference_table(result["differences"]), left=2),
        ]
    parts += [
        "## Calibration",
        tables.markdown(tables.reliability_table(result["malignancy"])),
        "![Reliability](reliability.png)",
        "## Attributes: mean absolute error on the original scales (MTMR-Net, Table III)",
        tables.markdown(tables.error_table(result["attributes"])),
        "LASSO and elastic net (half L1) see the 15 mask features; the median predictor always says the median of the other "
        "folds. The truth is the mean of the readers; two readers differ by the mean over all pairs of readers of a nodule, which "
        "says how well the scales are defined, not how far one mean is from another. The numbers of internalStructure and "
        "calcification are names of categories: see how often the readers' majority is met.",
        tables.markdown(tables.agreement_table(result["attributes"]), left=2),
        "## Which attributes malignancy hangs on (MTMR-Net, Table IV)",
        tables.markdown(tables.relatedness_table(related), left=2),
        "Relatedness: fraction of the absolute standardised coefficients of a logistic regression on all eight (mean of the "
        "readers), mean ± SD over the folds left out. Rank: recursive feature elimination. The paper does not say how its "
        "figures were scaled; they add up to 1 as these do.",
        f"![t-SNE of attributes below average and of all eight](attribute_map.png)\n\nAs the paper's Fig. 5, with the AUC of a "
        f"cross-validated logistic regression beside each map: {related[maps]['auc_below_average']:.3f} and "
        f"{related[maps]['auc_all']:.3f}.",
        "## Weight of the reconstruction (MT-CNN, Fig. 7)",
        tables.markdown(tables.reconstruction_table(result["reconstruction"]), left=2)
        if result["reconstruction"]
        else "No run of MT-CNN was found.",
    ]
    if result["false_positive_reduction"]:
        reduced = tables.reduction_table(result["false_positive_reduction"])
        parts += [
            "## False-positive reduction (MT-CNN after 3D-AG)",
            "Sensitivity at false positives per cube (about 0.084 l; not LUNA16's CPM), marks of detectors that never saw the "
            "fold, scored by the model that never saw the scan; from the cards.",
            tables.markdown(reduced),
        ]
    return "\n\n".join(parts) + "\n"
