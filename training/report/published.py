"""Figures of the papers and the project's targets, to stand beside what was measured. Other selections of LIDC-IDRI: context."""

from __future__ import annotations

from ..findings import ATTRIBUTES

MTMR_TABLE_2 = {
    "MTMR-Net": (0.935, 0.930, 0.894, 0.979),
    "MTMR-Net (w L_rank): without regression loss": (0.909, 0.912, 0.916, 0.961),
    "MTMR-Net (w L_reg): without ranking loss": (0.901, 0.905, 0.885, 0.974),
}
"""Accuracy, sensitivity, specificity, AUC (MTMR-Net, Table II; mean of the readers)."""

MTCNN_TABLE_1 = {"MT-CNN": (None, 0.8774, None, 0.9559)}
"""The same of MT-CNN on LIDC-IDRI (its §IV-A; median of the readers)."""

MTMR_TABLE_3 = {
    "readers (IB)": (0.90, 0.09, 0.21, 0.91, 0.81, 0.84, 0.76, 0.054),
    "MTR": (0.75, 0.04, 0.48, 0.81, 0.86, 0.87, 0.80, 0.58),
    "LASSO": (1.25, 0.02, 2.18, 1.25, 1.13, 0.95, 0.89, 1.04),
    "elastic net": (1.20, 0.14, 1.44, 1.09, 0.98, 0.96, 0.86, 1.24),
    "MTMR-Net": (0.54, 0.03, 0.56, 0.59, 0.54, 0.54, 0.49, 0.44),
}
"""Mean absolute errors in the order of `ATTRIBUTES` (Table III)."""

MTMR_TABLE_4 = (0.251, 0.007, 0.133, 0.072, 0.125, 0.171, 0.164, 0.067)
MTMR_TABLE_4_SD = (0.19, 0.001, 0.020, 0.006, 0.009, 0.027, 0.030, 0.003)
MTMR_TABLE_4_RANK = (1, 8, 4, 6, 5, 2, 3, 7)
"""Relatedness, its standard deviation, and rank (Table IV)."""

MTCNN_WEIGHTS = (0.0, 0.1, 0.3, 0.6, 1.0)
"""Weights of the reconstruction that are tried for Fig. 7 (0.2 … 1.0 in the paper, which prints curves, no figures)."""

AUC_TARGETS = {"fused": {"mean": 0.94, "median": 0.96}, "mtmr": {"mean": 0.93}, "mtcnn": {"mean": 0.93}}
CALIBRATION_TARGET = 0.05
ATTRIBUTE_TARGETS = {
    "subtlety": 0.40,
    "sphericity": 0.42,
    "margin": 0.37,
    "lobulation": 0.38,
    "spiculation": 0.36,
    "texture": 0.30,
}
"""Largest mean absolute errors aimed at; the nominal attributes have no target."""

assert all(len(row) == len(ATTRIBUTES) for row in MTMR_TABLE_3.values())
