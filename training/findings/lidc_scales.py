"""The scales on which LIDC's readers rate a nodule, and how several readers become one."""

from __future__ import annotations

from .finding import ATTRIBUTES

SCALE_MAX: dict[str, int] = dict.fromkeys(ATTRIBUTES, 5) | {"internalStructure": 4, "calcification": 6}
"""Highest value of each attribute; all scales begin with 1."""
NOMINAL = ("internalStructure", "calcification")
"""Scales whose numbers are names of categories."""
RULES = ("mean", "median")
"""How the readers' malignancies become one: MTMR takes the mean, MT-CNN the median."""
