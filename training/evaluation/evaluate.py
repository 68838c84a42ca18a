"""Evaluation of any room's weights on a folder of data: what ``lungmtl evaluate`` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..inference.predictor import PredictorError
from ..inference.registry import ROOMS, load_predictor, weights_path
from ..inference.weights import read_card

FUSION = "fusion"
"""Stands for both characterisers and what `inference.fusion` makes of them."""


def evaluate(
    room: str,
    data: Path,
    *,
    weights: Path | None = None,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    device: str = "auto",
    report: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """Run the evaluation of a room, or of the fusion of characterisers.

    Parameters
    ----------
    room
        Name of the model; ``"fusion"`` for the chain of all characterisers.
    data
        Folder in the layout of the room's dataset.
    weights
        Other weights than the shipped ones, with their card beside them.
    findings
        LUNA16-style csv of a detector: characterisers then judge the nodules at the found places and sizes.
    report
        Gets the share done and the stage.

    Returns
    -------
    dict
        ``room``, ``data``, ``weights``, ``cases``, ``metrics``, plain JSON values, and for a person ``table`` (rows of strings,
        the heading first) and ``warnings``.
    """
    # Only what was asked for: a detector's evaluation knows no findings, the fusion no weights.
    asked: dict[str, Any] = {"folds": folds, "report": report}
    if findings is not None:
        asked["findings"] = findings
    if room == FUSION:
        refused = {"--weights": weights, "--truth": truth, "--excluded": excluded}
        if wrong := [option for option, value in refused.items() if value is not None]:
            raise PredictorError(f"the fusion is evaluated without {', '.join(wrong)}: leave it out.")
        return import_module(".fusion", __package__).evaluate(data, device=device, **asked)
    path = weights_path(room) if weights is None else weights
    if findings is not None and read_card(path).task == "detection":
        raise PredictorError(f"{room} finds nodules itself: --findings is for characterisers.")
    predictor = load_predictor(room, device, weights)
    evaluation = import_module(f"..networks.{ROOMS[room]}.evaluation", __package__)
    return evaluation.evaluate(predictor, data, path, truth=truth, excluded=excluded, **asked)
