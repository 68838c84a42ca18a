"""Which clear radiographs does a network mark? Training on the prepared store then draws them more often (``hard.csv``).

    python experiments/radiographs/mine.py --data nih_clear --found runs/dhn/nih_clear.json --prepared prepared_real

Several networks' files may be given: the surest mark of any counts.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.simulation.real_radiographs import HARD, HARD_COLUMNS
from napari_lungmtl.training.evaluation.radiograph_predictions import read_predictions


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--found", type=Path, nargs="+", required=True, help="of lungmtl evaluate --json")
    parser.add_argument("--prepared", type=Path, required=True)
    args = parser.parse_args()
    cases = [case for folder in args.data for case in open_radiograph_cases(folder)]
    score: dict[str, float] = {}
    for path in args.found:
        for result in read_predictions([path], cases):
            if result.positive is False:
                score[result.name] = max(score.get(result.name, 0.0), float(result.scores.max(initial=0.0)))
    with (args.prepared / HARD).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HARD_COLUMNS)
        writer.writerows((name, f"{value:.4f}") for name, value in sorted(score.items()))
    surest = sorted(score.values(), reverse=True)
    print(f"{len(score)} clear radiographs, {sum(s >= 0.5 for s in surest)} with a mark of 0.5 or more")


if __name__ == "__main__":
    main()
