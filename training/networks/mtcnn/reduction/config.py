"""Settings of the false-positive reduction: MT-CNN's network on a smaller field, trained on hard labels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..config import SHIPPED_TRAINING as CHARACTERISER_TRAINING
from ..config import Config, TrainingConfig


@dataclass(frozen=True)
class ReductionTraining(TrainingConfig):
    """How the weights were trained, with what else they were trained on.

    Parameters
    ----------
    marks
        File of cubes around a detector's false marks on whole scans and around nodules (`data.mark_cubes`), which join the marks
        of ``candidates``.
    """

    marks: str = ""


SHIPPED = Config(field_mm=28.0, pixels=28, shared_views=True, batch_norm=True, flips=True)
SHIPPED_TRAINING = ReductionTraining(
    **(
        dataclasses.asdict(CHARACTERISER_TRAINING)
        | {"steps": 500, "batch": 96, "views_per_step": 3, "target": "label", "balance": True}
    )
)
