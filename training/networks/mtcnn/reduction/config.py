"""Settings of the false-positive reduction."""

from __future__ import annotations

from ..config import Config, TrainingConfig

SHIPPED = Config(field_mm=28.0, pixels=28, shared_views=True, batch_norm=True, flips=True)
SHIPPED_TRAINING = TrainingConfig(
    steps=500,
    batch=96,
    views_per_step=3,
    learning_rate=2e-3,
    schedule="cosine",
    weight_decay=1e-2,
    ema=0.99,
    shift_mm=1.0,
    zoom=0.08,
    noise_hu=20.0,
    offset_hu=15.0,
    bfloat16=True,
    balance=True,
)
