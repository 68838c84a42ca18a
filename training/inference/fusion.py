"""Fusion of the characterisers' opinions: the mean of their log odds, each network calibrated before.

Nothing is fitted: weights of their own, cross-fitted by fold, for the networks, the attributes, the diameter or features of masks
gain nothing (``experiments/characterisation/fusions.py``); the opinions are too alike, and the nodules too few. Where one network
alone was asked, its opinion stands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ..findings import Finding
from ..ops.logits import OPINION_EPS, log_odds
from . import registry
from .votes.head import shipped_head


def fused_networks() -> tuple[str, ...]:
    """The characterisers whose opinions are fused, as their cards say, in the order of work."""
    cards = (registry.shown_card(name) for name in registry.NETWORKS)
    return tuple(c.name for c in cards if c is not None and c.task == "characterisation" and c.fused)


def mean_log_odds(*probabilities: npt.ArrayLike) -> np.ndarray:
    """One probability from several of the same nodules, each (n,) or a number."""
    return expit(np.mean([log_odds(each, OPINION_EPS) for each in probabilities], axis=0))


def fuse(finding: Finding, series: str = "") -> Finding:
    """The finding with malignancy, spread, attributes and votes as its opinions have them; without opinions it stays as it is.

    The spread is the root mean square of the opinions' own spreads.

    Parameters
    ----------
    series
        Of the scan: what tells votes was fitted on others than the ones that it speaks of.
    """
    opinions = [o for name in fused_networks() if (o := finding.opinion(name)) is not None]
    if not opinions:
        return finding
    one = len(opinions) == 1
    fused = opinions[0].malignancy if one else float(mean_log_odds(*(o.malignancy for o in opinions)))
    spread = float(np.sqrt(np.mean([o.std**2 for o in opinions])))
    attributes = next((o.attributes for o in opinions if o.attributes), finding.attributes)
    votes = shipped_head().votes(opinions, finding.diameter, series)
    return finding.with_(malignancy=fused, malignancy_spread=spread, attributes=attributes, votes=votes)
