"""Whether the look-alikes of a nodule are like it in what nobody compared: their readers' malignancy.

    python experiments/cohort/alike.py --data ../shared/data/luna16_nodules [--predictions oof.csv]

Each of LUNA16's nodules is looked up by what the shipped MTMR-Net says of it out of fold (about 10 minutes on a core;
``--predictions`` keeps the table, or takes it from there). Its five look-alikes of other scans then vote: the mean of their
readers' malignancy is compared with that of its own readers. Beside it the five nearest in diameter alone, and five at random.
Intervals over scans.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from napari_lungmtl.training.cohort import COUNT, Cohort, alike, load_cohort
from napari_lungmtl.training.crossval.nodule_cubes import table_of
from napari_lungmtl.training.crossval.out_of_fold_file import write_out_of_fold
from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.inference.registry import load_predictor

SAMPLES = 1000


def predict(data: Path, path: Path) -> None:
    """Write what the fold models that never saw a scan say of its nodules."""
    nodules, model = load_rated_nodules(data), load_predictor("mtmr", "cpu")
    opinions = [
        model.opinion(to_hu(voxels), nodules.center[i], float(nodules.diameter[i]), str(nodules.series[i]))
        for i, voxels in enumerate(nodules.voxels)
    ]
    write_out_of_fold(path, table_of(nodules, opinions))


def votes_of(cohort: Cohort) -> dict[str, np.ndarray]:
    """(n,) mean readers' malignancy of five neighbours, by how they were chosen."""
    own, size = cohort.values("malignancy", "readers"), np.log(cohort.values("diameter"))
    case = np.array([nodule.case for nodule in cohort.nodules])
    rng = np.random.default_rng(0)
    chosen: dict[str, list[float]] = {"look-alikes": [], "nearest in diameter": [], "at random": []}
    for i, nodule in enumerate(cohort.nodules):
        others = np.flatnonzero(case != case[i])
        rows = {
            "look-alikes": [one.row for one in alike(cohort, nodule.finding, nodule.case)],
            "nearest in diameter": others[np.argsort(np.abs(size[others] - size[i]), kind="stable")[:COUNT]],
            "at random": rng.choice(others, COUNT, replace=False),
        }
        for name, each in rows.items():
            chosen[name].append(float(own[each].mean()))
    return {name: np.array(values) for name, values in chosen.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, default=Path("oof.csv"))
    args = parser.parse_args()
    if not args.predictions.exists():
        predict(args.data, args.predictions)
    cohort = load_cohort(args.data, args.predictions)
    own = cohort.values("malignancy", "readers")
    case = np.unique([nodule.case for nodule in cohort.nodules], return_inverse=True)[1]
    rows_of = [np.flatnonzero(case == k) for k in range(case.max() + 1)]
    rng = np.random.default_rng(0)
    draws = [
        np.concatenate([rows_of[k] for k in rng.integers(0, len(rows_of), len(rows_of))])
        for _ in range(SAMPLES)
    ]
    print(f"{len(cohort)} nodules of {len(rows_of)} scans")
    print(f"{'':22}{'AUC (> 3 against < 3)':>26}{'Spearman':>22}{'mean |difference|':>22}")
    for name, said in votes_of(cohort).items():
        cells = [
            _cell(measure, own, said, draws)
            for measure in (
                _auc,
                lambda a, b: float(spearmanr(a, b)[0]),
                lambda a, b: float(np.abs(a - b).mean()),
            )
        ]
        print(f"{name:22}{cells[0]:>26}{cells[1]:>22}{cells[2]:>22}")


def _auc(own: np.ndarray, said: np.ndarray) -> float:
    decided = np.abs(own - 3) > 1e-6
    return float(roc_auc_score(own[decided] > 3, said[decided]))


def _cell(measure, own: np.ndarray, said: np.ndarray, draws: list[np.ndarray]) -> str:
    low, high = np.quantile([measure(own[rows], said[rows]) for rows in draws], [0.025, 0.975])
    return f"{measure(own, said):.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    main()
