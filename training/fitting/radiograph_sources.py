"""Radiographs to train on and to set the operating point with, from any folder that is read here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.errors import DatasetError
from ..data.public.folder_radiographs import FolderRadiographs, Part, part_of
from ..data.public.open_radiographs import PREPARED, layout_of
from ..data.public.radiographs import RadiographSamples

REAL = "real_radiographs.npz"
"""The file of prepared real radiographs."""


@dataclass(frozen=True)
class RadiographSources:
    """What a network for radiographs is trained on, and what its scores are calibrated on."""

    training: RadiographSamples
    dev: RadiographSamples

    @property
    def held_out(self) -> bool:
        """Whether no case of `dev` is trained on."""
        return not set(self.training.cases) & set(self.dev.cases)

    def limit(self, otherwise: str) -> str:
        """What a card says of where the training radiographs come from: the source's own sentence, or another one."""
        return str(getattr(self.training, "limit", otherwise))

    def record(self, config: Any, log: Mapping[str, Any]) -> dict[str, Any]:
        """What a card says about a training with a ``TrainingConfig``."""
        return {
            "data": [f"{self.training.name} ({self.training.licence})"],
            "cases": sorted(self.training.cases),
            "dev_cases": sorted(self.dev.cases),
            "config": dataclasses.asdict(config),
            "log": dict(log),
        }


def open_radiograph_sources(
    folder: str | Path,
    dev_folds: Sequence[str],
    *,
    needs_dev: bool = True,
    held_out: Sequence[str] = (),
    pasted: float = 0.5,
) -> RadiographSources:
    """Open a folder of radiographs for training and calibration.

    Parameters
    ----------
    folder
        A prepared simulation, prepared real radiographs, or one of `data.public.open_radiographs.LAYOUTS`.
    dev_folds
        Of a prepared simulation: the folds to calibrate on. Of a real set it is the patients that are held out.
    needs_dev
        Whether it is an error when there is nothing to calibrate on; else it is done on what is trained on.
    held_out
        Folds of prepared real radiographs that are drawn for neither.
    pasted
        Share of the pairs of prepared real radiographs whose nodules are put in.

    Raises
    ------
    DatasetError, FindingsFileError
        There is nothing to train on or to calibrate on, or the set is incomplete or damaged.
    """
    folder = Path(folder)
    if (folder / REAL).is_file():
        from ..data.simulation.real_radiographs import RealRadiographs

        training = RealRadiographs(folder, held_out, pasted=pasted)
        return RadiographSources(training, RealRadiographs(folder, held_out, "dev"))
    if held_out:
        raise DatasetError(
            f"{folder} has no folds to hold out: only real radiographs of 'lungmtl simulate real' ({REAL}) have. "
            "Leave held_out away."
        )
    samples = open_training_radiographs(folder)
    try:
        if (folder / PREPARED).is_file():
            dev = open_training_radiographs(folder, folds=dev_folds)
        else:
            dev = open_training_radiographs(folder, part="held-out")
    except DatasetError:
        if needs_dev:
            raise
        dev = samples
    return RadiographSources(samples, dev)


def open_training_radiographs(
    folder: str | Path, folds: Sequence[str] | None = None, part: Part = "train"
) -> RadiographSamples:
    """Open training samples of a folder.

    A prepared simulation (``radiographs.npz``) draws from its own training folds. Of real sets only the patients for training are
    used: a patient is held out by a hash of the identifier (20 of 100), so that the split is the same everywhere.

    Parameters
    ----------
    folder
        In one of `LAYOUTS`, or a prepared simulation.
    folds
        Of a prepared simulation: other folds than those it trains on.
    part
        Of real sets: ``"held-out"`` to watch training by the patients that it does not see.

    Raises
    ------
    DatasetError, FindingsFileError
        There is nothing to train on, the set may not be trained on, or it is incomplete or damaged.
    """
    folder = Path(folder)
    if (folder / PREPARED).is_file():
        from ..data.simulation.radiographs import SimulatedRadiographs

        return (
            SimulatedRadiographs(folder)
            if folds is None
            else SimulatedRadiographs(folder, folds=tuple(folds))
        )
    if folds is not None:
        raise DatasetError(
            f"{folder} has no folds to choose from: only a prepared simulation ({PREPARED}) has."
        )
    layout = layout_of(folder)
    if layout.measure_only:
        raise DatasetError(
            f"{folder} ({layout.name}) is there to measure on, not to train on: most of its radiographs may not be used for it."
        )
    return FolderRadiographs(part_of(layout.cases(folder), part), layout.name, layout.licence)
