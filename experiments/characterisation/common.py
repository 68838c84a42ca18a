"""What both questions about malignancy print: AUCs by both rules, and how far they lie from another score's."""

from __future__ import annotations

import numpy as np

from napari_lungmtl.training.data.public.rated_nodules import RatedNodules
from napari_lungmtl.training.metrics.characterisation.classification import roc_auc
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights, paired_difference

HEAD = ("AUC, readers' mean", "less the first's", "AUC, median", "less the first's")


def print_aucs(title: str, nodules: RatedNodules, scores: dict[str, np.ndarray]) -> None:
    """Print a table of scores (n,), with 95 % intervals over scans of what they differ by from the first one."""
    first = next(iter(scores.values()))
    print("| " + " | ".join((title, *HEAD)) + " |\n| :--" + " | --:" * len(HEAD) + " |")
    for name, score in scores.items():
        cells = []
        for rule in ("mean", "median"):
            label = nodules.label(rule)
            known = label >= 0
            own, a, b = label[known], score[known], first[known]
            gain = paired_difference(
                lambda w, own=own, a=a: roc_auc(own, a, w),
                lambda w, own=own, b=b: roc_auc(own, b, w),
                bootstrap_weights(nodules.series[known]),
            )
            cells += [f"{float(roc_auc(own, a)):.3f}", str(gain)]
        print("| " + " | ".join((name, *cells)) + " |")
    print()
