"""One training as a person asks for it: data, folder, what differs from the shipped settings."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..findings.formats.tables import read_text
from .machines import Machines
from .settings import checked, config_from

Network = TypeVar("Network")
Training = TypeVar("Training")
FROM_SETTINGS = ("network", "training", "machines", "version", "candidates", "held_out")
"""What a settings file may hold."""
_KINDS: dict[str, Any] = {"version": str, "candidates": tuple[str, ...], "held_out": tuple[str | int, ...]}
"""Of what is in no table."""


@dataclass(frozen=True)
class TrainingRun:
    """What a network's ``train`` is told.

    Parameters
    ----------
    data
        Folder in the layout of the network's dataset.
    out
        Folder for checkpoints, the log, the weights and their card.
    network, training
        What differs from the shipped configuration of the network and of its training, by name.
    machines
        On how many nodes and devices, how many batches a step, and how exactly.
    version
        Of the weights.
    candidates
        Files of ``lungmtl candidates``, which the false-positive reduction is trained on.
    held_out
        Folds of real radiographs that are neither trained on nor calibrated on.
    weights
        A weights' file to start from instead of from scratch.
    resume
        Go on from what `out` holds.
    """

    data: Path
    out: Path
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    machines: Machines = field(default_factory=Machines)
    version: str = "0.1"
    candidates: tuple[Path, ...] = ()
    held_out: tuple[str, ...] = ()
    weights: Path | None = None
    resume: bool = False

    def configs(self, network: Network, training: Training) -> tuple[Network, Training]:
        """Apply the changes to a network's shipped configurations.

        Raises
        ------
        ValueError
            There is no setting of that name (the message lists those that there are), or it has another kind of value.
        """
        return config_from(network, self.network, "network"), config_from(training, self.training, "training")


def read_run(
    data: Path, out: Path, settings: Path | None, *, weights: Path | None = None, resume: bool = False
) -> TrainingRun:
    """Read a settings file (JSON or TOML) into a run.

    Raises
    ------
    ValueError
        The file holds what no training knows.
    """
    values = read_settings(settings) if settings else {}
    unknown = set(values) - set(FROM_SETTINGS)
    if unknown:
        raise ValueError(
            f"unknown settings {sorted(unknown)}; a file of settings has {sorted(FROM_SETTINGS)}"
        )
    for table in ("network", "training", "machines"):
        if not isinstance(values.get(table, {}), dict):
            raise ValueError(f"{table} in {settings} must be a table of settings, not {values[table]!r}")
    values["machines"] = config_from(Machines(), values.get("machines", {}), "machines")
    for name, kind in _KINDS.items():
        if name in values:
            values[name] = checked(name, values[name], kind)
    values["held_out"] = tuple(str(f) for f in values.get("held_out", ()))
    values["candidates"] = tuple(Path(p) for p in values.get("candidates", ()))
    return TrainingRun(data, out, weights=weights, resume=resume, **values)


def read_settings(path: Path) -> dict[str, Any]:
    """Read the tables of a settings file.

    Raises
    ------
    ValueError
        The file is no table in JSON or TOML.
    """
    text = read_text(path)
    try:
        values = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is no valid {path.suffix.lstrip('.').upper() or 'JSON'}: {error}"
        ) from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold settings by their names, not {type(values).__name__}")
    return values
