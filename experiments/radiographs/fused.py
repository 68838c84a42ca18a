"""DHN and MO-SegNet on real radiographs as one answer: fitted and judged out of fold, and written for the shipped weights.

    python experiments/radiographs/fused.py --data jsrt nih_boxed --dhn runs/dhn*/*.json --mosegnet runs/mosegnet*/*.json \
        --out training/inference

The files are those of ``lungmtl evaluate --folds K --json`` with the weights that have not seen fold K (or of any weights that
saw none of the radiographs). ``--out`` writes ``radiograph_answer.json``, which names the shipped weights: fit anew whenever they
change. Which network speaks, or both, is decided by the figures that are printed (`evaluation.radiograph_answer.fit_answer`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiograph_answer import Film, Fitted, fit_answer
from napari_lungmtl.training.evaluation.radiograph_predictions import read_predictions
from napari_lungmtl.training.inference.radiograph_answer import FILE, write_answer
from napari_lungmtl.training.inference.registry import card
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights, interval
from napari_lungmtl.training.metrics.radiograph.statistics import (
    RadiographResult,
    groups_of,
    radiograph_statistics,
)

MARKS = (
    *("sensitivity_at_0.125_center", "sensitivity_at_0.25_center", "sensitivity_at_0.5_center"),
    *("sensitivity_at_1_center", "sensitivity_at_2_center", "sensitivity_at_4_center"),
    *(f"sensitivity_at_1_center/subtlety {n}" for n in range(1, 6)),
    "sensitivity_at_1",
)


def films_of(
    cases: Sequence[RadiographCase], results: Mapping[str, Mapping[str, RadiographResult]]
) -> list[Film]:
    """The films that all networks were asked about, with their folds, or fifths of the patients where there is one fold."""
    both = [case for case in cases if all(case.name in found for found in results.values())]
    one_fold = len({case.fold for case in both}) < 2
    order = sorted({case.background for case in both})
    return [
        Film(
            {name: found[case.name] for name, found in results.items()},
            str(order.index(case.background) % 5) if one_fold else case.fold,
        )
        for case in both
    ]


def show(title: str, fitted: Fitted, chosen: Sequence[int]) -> None:
    """Print the measures of each candidate on some of the films, and what the fusion gains on the better network."""
    some = {
        "answer": {name: [results[i] for i in chosen] for name, results in fitted.images.items()},
        "marks": {name: [results[i] for i in chosen] for name, results in fitted.places.items()},
    }
    first = some["marks"]["fused"]
    weights = bootstrap_weights(groups_of(first), 1000)
    print(
        f"\n{title}: {sum(bool(r.positive) for r in first)} films with, {sum(r.positive is False for r in first)} without nodules"
    )
    names = list(some["answer"])
    print(f"{'':34}" + "".join(f"{name:>26}" for name in names) + f"{'fused - better alone':>28}")
    for measure in ("roc_auc", *MARKS):
        results = some["answer" if measure == "roc_auc" else "marks"]
        statistics = {name: radiograph_statistics(r, 0.5).get(measure) for name, r in results.items()}
        if any(statistic is None for statistic in statistics.values()):
            continue
        cells = {name: interval(statistic, weights) for name, statistic in statistics.items()}
        if not any(np.isfinite(cell.value) for cell in cells.values()):
            continue
        better = max((n for n in names if n != "fused"), key=lambda n: np.nan_to_num(cells[n].value))
        gain = interval(
            lambda w, s=statistics, b=better: s["fused"](w) - s[b](w),
            weights,
        )
        print(f"{measure:34}" + "".join(f"{cells[n]!s:>26}" for n in names) + f"{gain!s:>28}")


def main() -> None:
    """Fit, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of radiographs with folds"
    )
    parser.add_argument("--dhn", type=Path, nargs="+", required=True)
    parser.add_argument("--mosegnet", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, help=f"folder for {FILE.name}")
    args = parser.parse_args()
    sets = {folder.name: open_radiograph_cases(folder) for folder in args.data}
    cases = [case for some in sets.values() for case in some]
    results = {
        name: {r.name: r for r in read_predictions(getattr(args, name), cases)}
        for name in ("dhn", "mosegnet")
    }
    films = films_of(cases, results)
    networks = {name: (card(name).version, card(name).sha256) for name in results}
    fitted = fit_answer(films, networks, heads={"dhn"})
    for name, some in sets.items():
        own = {case.name for case in some}
        show(name, fitted, [i for i, film in enumerate(films) if film.any.name in own])
    show("all", fitted, range(len(films)))
    answer = replace(
        fitted.answer,
        measured={**fitted.answer.measured, "sets": [folder.name for folder in args.data]},
    )
    print(f"\nimage: {answer.image}\nplace: {answer.place}\nthreshold at 50 %: {answer.threshold:.3f}")
    print(answer.measured)
    if args.out is not None:
        write_answer(answer, args.out / FILE.name)


if __name__ == "__main__":
    main()
