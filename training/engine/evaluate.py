"""Evaluation of any room's weights on a folder of data: what ``lungmtl evaluate`` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from .registry import load_predictor, weights_path


def evaluate(
    room: str,
    data: Path,
    *,
    weights: Path | None = None,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    device: str = "auto",
    report: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """Run a room's own evaluation.

    Parameters
    ----------
    room
        Name of the model.
    data
        Folder in the layout of the room's dataset.
    weights
        Other weights than the shipped ones, with their card beside them.
    report
        Gets the share done and the stage.

    Returns
    -------
    dict
        ``room``, ``data``, ``weights``, ``cases``, ``metrics``, plain JSON values, and for a person ``table`` (rows of strings,
        the heading first) and ``warnings``.
    """
    predictor = load_predictor(room, device, weights)
    evaluation = import_module(f"..{room}.evaluation", __package__)
    return evaluation.evaluate(
        predictor,
        data,
        weights or weights_path(room),
        truth=truth,
        excluded=excluded,
        folds=folds,
        report=report,
    )
