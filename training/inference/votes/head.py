"""From the networks' opinions to the votes of readers: a multinomial logistic regression for each LIDC scale and fold.

The networks were trained on the readers' means. What is left to learn is how readers scatter around what a network says, and that
takes few numbers: malignancy from both networks' log odds, an ordinal attribute from its own prediction, and the categories of
calcification and internal structure from everything. Every head was fitted on opinions out of fold, so that it knows how wrong the
networks are on nodules that they never saw, and a series of the training data gets the head that never saw its scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax

from ...findings import ATTRIBUTES, Opinion
from ...findings.finding import MALIGNANCY
from ...findings.lidc_scales import NOMINAL, SCALE_MAX
from ...ops.logits import OPINION_EPS, log_odds
from ..weights import ModelCard, WeightsError, load_state, read_card

WEIGHTS = Path(__file__).parent / "weights" / "votes.safetensors"
CATEGORIES: Mapping[str, int] = {MALIGNANCY: 5, **SCALE_MAX}
"""Of each scale, counted from 1."""
EDGE = 0.02
"""Attributes are kept this far, as a fraction of their scale, from its ends, where log odds would be infinite."""
SIZE, FUSED = "diameter", "fused"
"""Inputs beside networks and attributes: the logarithm of the diameter in mm, and the networks' mean as a probability, which levels
off where log odds go on."""


def inputs_of_scale(scale: str, networks: Iterable[str]) -> tuple[str, ...]:
    """Name what a scale's votes are told from: networks (their log odds of malignancy), attributes, `SIZE` and `FUSED`."""
    if scale == MALIGNANCY:
        return (*networks, FUSED)
    if scale in NOMINAL:
        return (*networks, *ATTRIBUTES, SIZE)
    return (scale,)


def inputs(opinions: Sequence[Opinion], diameter: float, networks: Iterable[str]) -> dict[str, float]:
    """Read the values of all inputs off opinions; what none of them says is missing.

    A network that was not asked is taken to agree with the ones that were.
    """
    said = {o.model: float(log_odds(o.malignancy, OPINION_EPS)) for o in opinions}
    values = {SIZE: float(np.log(max(diameter, 1e-3)))}
    own = [said[name] for name in networks if name in said]
    if own:
        mean = float(np.mean(own))
        values |= {name: said.get(name, mean) for name in networks} | {FUSED: float(expit(mean))}
    attributes = next((o.attributes for o in opinions if o.attributes), {})
    for name, value in attributes.items():
        values[name] = float(log_odds((value - 1) / (SCALE_MAX[name] - 1), EDGE))
    return values


@dataclass(frozen=True, eq=False)
class VotesHead:
    """The heads of all folds.

    Parameters
    ----------
    scales
        Scale -> its inputs by name.
    networks
        Whose opinions they read.
    tensors
        ``fold<k>.<scale>`` -> (K, inputs + 1): the log odds of each category by each input, the last column without one.
    folds
        Series of the training data -> the fold whose head never saw it.
    models
        Folds that there are heads of.
    """

    scales: Mapping[str, tuple[str, ...]]
    networks: tuple[str, ...]
    tensors: Mapping[str, np.ndarray]
    folds: Mapping[str, str]
    models: tuple[str, ...]

    def votes(
        self, opinions: Sequence[Opinion], diameter: float, series: str = ""
    ) -> dict[str, tuple[float, ...]]:
        """Tell by scale how likely a reader chooses each category, from 1 on; scales whose inputs are missing are left out.

        Parameters
        ----------
        opinions
            Of one nodule; none of known networks gives nothing.
        diameter
            mm.
        series
            Of the scan; the mean of all folds where it is none of the training data.
        """
        shares = self.shares(inputs(opinions, diameter, self.networks), series)
        return {scale: tuple(map(float, each)) for scale, each in shares.items()}

    def shares(self, values: Mapping[str, float], series: str = "") -> dict[str, np.ndarray]:
        """Tell the same from the values of `inputs`: (K,) by scale."""
        fold = self.folds.get(series)
        found = {}
        for scale, names in self.scales.items():
            if not all(name in values for name in names):
                continue
            row = np.array([*(values[name] for name in names), 1.0])
            tables = (self.tensors[f"fold{k}.{scale}"] for k in self.models if fold in (None, k))
            found[scale] = np.mean([softmax(table @ row) for table in tables], axis=0)
        return found


@lru_cache(maxsize=1)
def shipped_head() -> VotesHead:
    """Load the shipped heads.

    Raises
    ------
    WeightsError
        A file is missing, damaged, or of another version.
    """
    return load_head(WEIGHTS)


def load_head(weights: Path) -> VotesHead:
    """Load heads from a weights' file and its card."""
    card = read_card(weights)
    return head_of(card, {k: t.double().numpy() for k, t in load_state(weights, card).items()})


def head_of(card: ModelCard, tensors: Mapping[str, np.ndarray]) -> VotesHead:
    """Build heads from a card and its tensors.

    Raises
    ------
    WeightsError
        The card's configuration and the tensors do not belong together.
    """
    try:
        scales = {scale: tuple(names) for scale, names in card.config["scales"].items()}
        shapes = {
            f"fold{fold}.{scale}": (CATEGORIES[scale], len(names) + 1)
            for fold in card.training["models"]
            for scale, names in scales.items()
        }
        networks, models = tuple(card.config["networks"]), tuple(card.training["models"])
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"the card of {card.name} has a configuration that this version does not know: {error}"
        ) from None
    if shapes != {key: t.shape for key, t in tensors.items()}:
        raise WeightsError(f"the tensors of {card.name} do not fit the scales that its card describes.")
    return VotesHead(scales, networks, tensors, card.training.get("folds", {}), models)
