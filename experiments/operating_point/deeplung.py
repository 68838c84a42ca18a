"""Whether "at most N false marks a scan" holds: a real detector's 888 scans, calibrated on 10, 30 and 100 of them, 1,000 times.

    python experiments/operating_point/deeplung.py --data ../shared/data/luna16

The folder holds LUNA16's ``annotations.csv``, ``annotations_excluded.csv.gz`` and ``seriesuids.csv`` and DeepLung's submission
``dpn26bs32.csv.gz``. Each split tunes the threshold on its scans and looks at all others. *kept*: share of splits whose other scans
have on average at most N false marks, a scan with more than 3 N counting as 3 N (what is promised); *unclipped*: the same, every
mark counted (what a person hears). Beside it the threshold of conformal risk control, whose promise is one of the mean over splits.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from napari_lungmtl.training.findings.formats.luna16 import (
    read_annotations,
    read_nodules,
    read_series,
    read_submission,
)
from napari_lungmtl.training.metrics.froc.matching import Matching, match_marks
from napari_lungmtl.training.operating_point.risk import CLIP, count_table, expected_threshold, threshold_of

SCANS, MARKS = (10, 30, 100), (0.5, 1.0, 2.0, 4.0, 8.0)
NOTHING = (np.empty((0, 3)), np.empty(0))


def matched(data: Path) -> list[Matching]:
    """Match the submission's marks by the challenge's rules, one `Matching` for each scan."""
    series, nodules = read_series(data / "seriesuids.csv"), read_nodules(data / "annotations.csv")
    others = read_annotations(data / "annotations_excluded.csv.gz")
    marks = read_submission(data / "dpn26bs32.csv.gz")
    return [
        match_marks(*marks.get(uid, NOTHING), *nodules.get(uid, NOTHING), *others.get(uid, NOTHING))
        for uid in series
    ]


class Table:
    """Marks of all scans by descending score, to be counted quickly at any threshold.

    Parameters
    ----------
    scores
        For each scan the scores of its false marks, or of its found nodules.
    """

    def __init__(self, scores: list[np.ndarray]) -> None:
        self.by_scan = scores
        every = np.concatenate(scores)
        scan = np.repeat(np.arange(len(scores)), [len(s) for s in scores])
        order = np.argsort(-every, kind="stable")
        self._scores, self._scans = -every[order], scan[order]

    def counts(self, threshold: float) -> np.ndarray:
        """Marks of each scan (n,) with at least this score."""
        end = np.searchsorted(self._scores, -threshold, "right")
        return np.bincount(self._scans[:end], minlength=len(self.by_scan))


def rows(matchings: list[Matching], size: int, splits: int) -> list[str]:
    """The table's lines for calibrations on `size` scans."""
    false = Table([m.score[m.false_positive] for m in matchings])
    hits = Table([m.hit_scores for m in matchings])
    nodules = np.array([len(m.nodule_mark) for m in matchings])
    random = np.random.default_rng(0)
    tuned: dict[float, list[tuple[float, ...]]] = {most: [] for most in MARKS}
    for _ in range(splits):
        split, rest = np.split(random.permutation(len(matchings)), [size])
        table = count_table([false.by_scan[i] for i in split])
        for most in MARKS:
            threshold, loose = threshold_of(*table, most), expected_threshold(*table, most)
            if threshold is None or loose is None:
                continue
            counts, others = false.counts(threshold)[rest], false.counts(loose)[rest]
            found = hits.counts(threshold)[rest].sum() / nodules[rest].sum()
            clipped, expected = (np.minimum(c, CLIP * most).mean() for c in (counts, others))
            tuned[most].append(
                (
                    *(clipped <= most, counts.mean() <= most, threshold, counts.mean(), found),
                    *(expected, expected <= most),
                )
            )
    return [line(size, most, np.array(values)) for most, values in tuned.items()]


def line(size: int, most: float, values: np.ndarray) -> str:
    """One line: the means over the splits, and of the threshold the median."""
    kept, unclipped, _, false, found, expected, expected_kept = values.mean(0)
    return (
        f"{size:5d} {most:5g} {len(values):7d} {kept:8.3f} {unclipped:10.3f} {np.median(values[:, 2]):10.4f} "
        f"{false:13.2f} {found:12.3f} {expected:10.2f} {expected_kept:8.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of LUNA16's tables")
    parser.add_argument("--splits", type=int, default=1000)
    args = parser.parse_args()
    began = time.monotonic()
    matchings = matched(args.data)
    print(
        "                           95 % promise                                              in expectation"
    )
    print("scans     N  splits     kept  unclipped  threshold  false a scan  sensitivity      false     kept")
    for size in SCANS:
        print("\n".join(rows(matchings, size, args.splits)))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
