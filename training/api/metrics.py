"""The field's measures under one name each; arrays in, numbers out.

Examples
--------
Two nodules of 8 mm in one scan; the first mark hits one of them, the second is a false positive.

>>> import napari_lungmtl as lm
>>> marks = {"scan": ([[10.0, 20.0, 30.0], [80.0, 80.0, 80.0]], [0.9, 0.4])}
>>> nodules = {"scan": ([[11.0, 20.0, 30.0], [50.0, 50.0, 50.0]], [8.0, 8.0])}
>>> result = lm.metrics.froc(["scan"], marks, nodules)
>>> result.true_positives, result.false_positives, result.cpm
(1, 1, 0.5)
>>> float(lm.metrics.roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]))
0.75
>>> import numpy as np
>>> lm.metrics.dice(np.array([[True, True], [False, False]]), np.array([[True, False], [False, False]]))
0.6666666666666666
"""

from ..metrics.characterisation.classification import brier_score, calibration_error, roc_auc
from ..metrics.froc.luna16 import evaluate as froc
from ..metrics.intervals.bootstrap import bootstrap_weights, interval
from ..ops.masks import dice, mask_iou

__all__ = [
    "bootstrap_weights",
    "brier_score",
    "calibration_error",
    "dice",
    "froc",
    "interval",
    "mask_iou",
    "roc_auc",
]
