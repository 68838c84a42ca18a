"""What the shipped networks say of the nodules that they never saw, as a run for the report to find.

python experiments/characterisation/shipped.py --data ../shared/data/luna16_nodules --runs runs
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_lungmtl.training.crossval.nodule_cubes import evaluate_on_cubes
from napari_lungmtl.training.crossval.out_of_fold_file import write_out_of_fold
from napari_lungmtl.training.inference.registry import card, load_predictor


def main() -> None:
    """Write ``<runs>/<network>/shipped/oof.csv`` of both, for `lungmtl report`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    args = parser.parse_args()
    for name in ("mtmr", "mtcnn"):
        out = args.runs / name / "shipped"
        out.mkdir(parents=True, exist_ok=True)
        _, predictions = evaluate_on_cubes(load_predictor(name, "cpu").opinion, card(name), args.data)
        write_out_of_fold(out / "oof.csv", predictions)


if __name__ == "__main__":
    main()
