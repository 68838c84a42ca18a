"""Which trainings a sweep consists of: the settings files of a folder, or those that the lists of one file span."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..fitting.training_run import read_settings
from .task import ClusterError

SWEEP = "sweep"
"""The table of a settings file whose lists span the runs."""
_LONGEST = 80
"""Characters of a run's name."""


@dataclass(frozen=True)
class SweepRun:
    """One training of a sweep. Plain values only: it goes to a worker.

    Parameters
    ----------
    name
        Of its folder, unique in the sweep.
    settings
        What a settings file of it would hold.
    """

    name: str
    settings: dict[str, Any]


def sweep_runs(path: Path) -> list[SweepRun]:
    """List the runs of a settings file with a table ``sweep``, or of all ``*.toml`` and ``*.json`` of a folder.

    In ``[sweep.training]``, ``[sweep.network]`` or ``[sweep.machines]`` each name has a list; every combination is a run, with the
    rest of the file the same for all.

    Raises
    ------
    ClusterError
        There are none, or a list is missing.
    ValueError
        A file is no table in JSON or TOML.
    """
    if not path.is_dir():
        return list(_spanned(read_settings(path), path))
    files = sorted(f for f in path.iterdir() if f.suffix.lower() in (".toml", ".json"))
    if not files:
        raise ClusterError(f"{path} holds no settings (*.toml, *.json): name a folder that does, or a file.")
    runs = [SweepRun(file.stem, read_settings(file)) for file in files]
    names = [run.name for run in runs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ClusterError(f"{path} holds {min(twice)} twice, as TOML and as JSON: move one of them.")
    return runs


def _spanned(settings: dict[str, Any], path: Path) -> Iterator[SweepRun]:
    tables = settings.pop(SWEEP, None)
    if not isinstance(tables, dict) or not tables or not all(isinstance(t, dict) for t in tables.values()):
        raise ClusterError(
            f"{path} spans nothing: give it a table such as [sweep.training] with lists, e.g. learning_rate = [1e-3, 3e-3]."
        )
    lists = {(table, name): values for table, given in tables.items() for name, values in given.items()}
    for (table, name), values in lists.items():
        if not isinstance(values, list) or not values:
            raise ClusterError(f"{path}: {name} in [sweep.{table}] must be a list of values, not {values!r}.")
    seen: set[str] = set()
    for number, values in enumerate(itertools.product(*lists.values())):
        made = json.loads(json.dumps(settings))
        for (table, name), value in zip(lists, values, strict=True):
            made.setdefault(table, {})[name] = value
        name = _name([name for _, name in lists], values)
        if len(name) > _LONGEST or name in seen:
            name = f"{name[:_LONGEST]}_{number:03}"
        seen.add(name)
        yield SweepRun(name, made)


def _name(names: list[str], values: tuple[Any, ...]) -> str:
    """Name a run by what it has of its own, in letters that every file system takes."""
    texts = (value if isinstance(value, str) else json.dumps(value).strip("[]{}") for value in values)
    parts = (f"{name}={text}" for name, text in zip(names, texts, strict=True))
    return "_".join(re.sub(r"[^\w.=+-]+", "-", part) for part in parts)
