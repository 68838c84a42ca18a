"""Training of any network by name: what ``lungmtl train`` calls."""

from __future__ import annotations

from pathlib import Path

from ..inference.registry import card, network
from .training_run import read_run


def train_network(
    name: str,
    data: Path,
    out: Path,
    config: Path | None = None,
    resume: bool = False,
    weights: Path | None = None,
) -> Path:
    """Train a network and write weights with their card.

    Parameters
    ----------
    config
        JSON or TOML file with what differs from the shipped settings, in tables ``network`` and ``training``.
    weights
        A weights' file to start from instead of from scratch.

    Returns
    -------
    Path
        The weights' file.

    Raises
    ------
    ValueError
        A setting is unknown, or the network does not start from weights.
    """
    if weights is not None and not card(name).fine_tunable:
        raise ValueError(f"{name} is trained once for each fold, from scratch: leave --weights out.")
    run = read_run(data, out, config, weights=weights, resume=resume)
    return network(name).train(run)
