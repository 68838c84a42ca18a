"""Readers' votes as the shipped networks foretell them, out of fold: all tables of docs/networks/votes.md.

Run: ``python experiments/votes.py --data luna16_nodules``. Every nodule is rated by models and heads that never saw its scan; the
networks take a few minutes of one core, ``--keep values.npz`` keeps what they said for the next time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from napari_lungmtl.training.crossval.folds import FOLDS
from napari_lungmtl.training.crossval.votes import (
    RATINGS,
    count_by_scale,
    inputs_table,
    opinions_out_of_fold,
    shares_out_of_fold,
)
from napari_lungmtl.training.data.public.rated_nodules import RatedNodules, load_rated_nodules
from napari_lungmtl.training.findings.finding import MALIGNANCY
from napari_lungmtl.training.findings.lidc_scales import NOMINAL
from napari_lungmtl.training.inference.fusion import fused_networks
from napari_lungmtl.training.inference.votes.head import FUSED, shipped_head
from napari_lungmtl.training.metrics.characterisation.attributes import majority
from napari_lungmtl.training.metrics.characterisation.classification import calibration_error, roc_auc
from napari_lungmtl.training.metrics.characterisation.votes import expected
from napari_lungmtl.training.metrics.characterisation.votes_figures import fourth_reader, votes_figures

EXTREME = 0.1
"""A probability below it, or as far from 1, is sure of itself."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--keep", type=Path, help="npz of what the networks said: written, or read where it is there"
    )
    a = parser.parse_args()
    nodules = load_rated_nodules(a.data)
    nodules = nodules.take(np.isin(nodules.fold, FOLDS))
    values = values_of(nodules, a.keep)
    shares = shares_out_of_fold(shipped_head(), values, [str(s) for s in nodules.series])
    print(f"{len(nodules)} nodules of {len(np.unique(nodules.series))} scans; 95 % intervals over scans\n")
    print_scales(nodules, shares)
    print_fourth_reader(nodules, shares)
    print_nominal(nodules, shares)
    print_malignancy(nodules, shares[MALIGNANCY], values[FUSED])


def values_of(nodules: RatedNodules, keep: Path | None) -> dict[str, np.ndarray]:
    """The inputs of the heads: what the networks say of each nodule."""
    if keep is not None and keep.exists():
        with np.load(keep) as stored:
            return dict(stored)
    values = inputs_table(opinions_out_of_fold(nodules, "cpu"), nodules.diameter, fused_networks())
    if keep is not None:
        np.savez(keep, **values)
    return values


def cell(part: dict[str, float] | None) -> str:
    """``-0.208 (-0.238 to -0.180)``."""
    return "–" if part is None else f"{part['value']:.3f} ({part['lower']:.3f} to {part['upper']:.3f})"


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print a table as Markdown."""
    for row in (head, [":--", *["--:"] * (len(head) - 1)], *rows):
        print("| " + " | ".join(row) + " |")
    print()


def print_scales(nodules: RatedNodules, shares: dict[str, np.ndarray]) -> None:
    """Scores of every scale beside what they must beat."""
    votes = count_by_scale(nodules.readers)
    rows = []
    for scale in RATINGS:
        f = votes_figures(shares[scale], votes[scale], nodules.fold, nodules.series, nominal=scale in NOMINAL)
        name = f"{scale} (Brier)" if scale in NOMINAL else scale
        rows.append(
            [name, *(cell(f.get(k)) for k in ("score", "minus_marginal", "minus_constant", "coverage"))]
        )
    table(
        ["", "CRPS", "less that of the marginal", "less mean ± constant", "votes in the central 80 %"], rows
    )


def print_fourth_reader(nodules: RatedNodules, shares: dict[str, np.ndarray]) -> None:
    """One reader's vote, foretold by the networks and by the other three readers."""
    keys = ("score", "minus_mean", "minus_spread_mean", "minus_their_votes")
    rows, count = [], 0
    for place, scale in enumerate(RATINGS):
        if scale not in NOMINAL:
            own = [r[:, place] for r in nodules.readers]
            f = fourth_reader(shares[scale], own, nodules.series, nodules.fold)
            count = max(count, f["nodules"])
            rows.append([scale, *(cell(f[k]) for k in keys)])
    print(
        f"The fourth reader's vote ({count} nodules with four): CRPS of the networks, and less that of the other three readers'"
    )
    table(["", "CRPS", "mean", "mean ± constant", "votes"], rows)


def print_nominal(nodules: RatedNodules, shares: dict[str, np.ndarray]) -> None:
    """How often the category with most votes is the one that most readers chose."""
    rows = []
    for scale in NOMINAL:
        found = [majority(r[:, RATINGS.index(scale)]) or 0 for r in nodules.readers]
        chosen, best = np.array(found), shares[scale].argmax(1) + 1
        chosen, best = chosen[chosen > 0], best[chosen > 0]
        hit, rare = best == chosen, chosen != np.bincount(chosen).argmax()
        rows.append(
            [scale, f"{hit.mean():.1%}", f"{1 - rare.mean():.1%}", f"{hit[rare].sum()} of {rare.sum()}"]
        )
    table(["", "readers' majority met", "always the usual category", "of the others"], rows)


def print_malignancy(nodules: RatedNodules, shares: np.ndarray, fused: np.ndarray) -> None:
    """What follows from the votes on malignancy: order, calibration, and the undecided."""
    mean = nodules.malignancy("mean")
    readers = [r[:, 8] for r in nodules.readers]
    above = np.array([np.nanmean(r > 3) for r in readers])
    half = np.array([np.nanmean((np.sign(r - 3) + 1) / 2) for r in readers])
    undecided = np.abs(mean - 3) < 1e-6
    suspicious = shares[:, 3:].sum(1)
    rows = []
    for name, p, truth in (
        ("fused malignancy", fused, None),
        ("mean vote", expected(shares), None),
        ("chance of > 3", suspicious, above),
        ("chance of > 3, and half of 3", suspicious + shares[:, 2] / 2, half),
    ):
        aucs = []
        for rule in ("mean", "median"):
            label = nodules.label(rule)
            aucs.append(f"{float(roc_auc(label[label >= 0], p[label >= 0])):.3f}")
        error = "–" if truth is None else f"{binned_error(p, truth):.3f}"
        if name == "fused malignancy":
            label = nodules.label("mean")
            error = f"{float(calibration_error(label[label >= 0], p[label >= 0])):.3f} (the decided)"
        own = p[undecided]
        sure = "–" if name == "mean vote" else f"{np.mean((own < EXTREME) | (own > 1 - EXTREME)):.0%}"
        rows.append([name, *aucs, error, sure])
    print(f"{int(undecided.sum())} nodules are undecided: rated exactly 3 by the readers' mean")
    table(["", "AUC, mean", "AUC, median", "calibration error", "undecided under 0.1 or over 0.9"], rows)


def binned_error(p: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error against the fraction of a nodule's readers, each nodule counting as one."""
    index = np.clip((p * bins).astype(int), 0, bins - 1)
    return float(sum(abs((truth - p)[index == i].sum()) for i in range(bins)) / len(p))


if __name__ == "__main__":
    main()
