"""Settings of the false-positive reduction: MT-CNN's network on a smaller field, trained on hard labels."""

from __future__ import annotations

import dataclasses

from ..config import SHIPPED_TRAINING as CHARACTERISER_TRAINING
from ..config import Config

SHIPPED = Config(field_mm=28.0, pixels=28, shared_views=True, batch_norm=True, flips=True)
SHIPPED_TRAINING = dataclasses.replace(
    CHARACTERISER_TRAINING, steps=500, batch=96, views_per_step=3, target="label", balance=True
)
