"""An ONNX file in ONNX Runtime, and the two outputs that a card names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ...predictor import PredictorError
from ...weights import ModelCard, WeightsError, check_hash


class Session:
    """A network of an ONNX file.

    Parameters
    ----------
    path, card
        The file, which is read once and must be the one that the card describes.
    input, outputs
        Names of what goes in, and of both that come out: places (N, 4) and scores (N,).
    device
        ``"cpu"``, or ``"cuda:N"``, where ONNX Runtime is installed with CUDA; else the CPU is taken.

    Raises
    ------
    WeightsError
        It is no ONNX file that can run here, needs other files, or has other inputs and outputs.
    """

    def __init__(
        self, path: Path, card: ModelCard, input: str, outputs: tuple[str, str], device: str
    ) -> None:
        self.path, self._input, self._outputs = path, input, outputs
        data = path.read_bytes()
        check_hash(path, data, card)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # a person is told by the exception
        try:
            # From bytes: it cannot name other files to read, whatever it says.
            self._session = onnxruntime.InferenceSession(data, options, providers=_providers(device))
        except Exception as error:  # of ONNX Runtime, which has a class for each cause
            said = " ".join(str(error).split())[:200]
            raise WeightsError(
                f"{path} is no ONNX file that can run here, with all its weights in itself: {said}"
            ) from error
        self._check_names()

    def _check_names(self) -> None:
        inputs = {one.name: one.type for one in self._session.get_inputs()}
        outputs = {one.name for one in self._session.get_outputs()}
        if inputs != {self._input: "tensor(float)"}:
            known = ", ".join(f"{name}: {kind}" for name, kind in inputs.items())
            raise WeightsError(f"{self.path} takes {known}; its card names {self._input!r}, of float32.")
        if missing := set(self._outputs) - outputs:
            raise WeightsError(
                f"{self.path} gives {', '.join(sorted(outputs))}, but no {' and no '.join(sorted(missing))}."
            )

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (N, 4) and scores (N,) for an input.

        Raises
        ------
        PredictorError
            The network stopped, or gave something else.
        """
        try:
            places, scores = self._session.run(
                list(self._outputs), {self._input: np.ascontiguousarray(x, np.float32)}
            )
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise PredictorError(f"{self.path.name} stopped: {said}") from error
        places, scores = np.asarray(places, float), np.asarray(scores, float)
        if places.ndim == 3 and len(places) == 1:  # with an axis of a batch of one
            places, scores = places[0], scores.reshape(-1)
        if places.ndim != 2 or places.shape[1] != 4 or scores.shape != (len(places),):
            raise PredictorError(
                f"{self.path.name} gave {self._outputs[0]} {places.shape} and {self._outputs[1]} {scores.shape}, "
                "which are not (N, 4) and (N,): correct its card."
            )
        if not (
            np.isfinite(places).all() and np.isfinite(scores).all() and ((scores >= 0) & (scores <= 1)).all()
        ):
            raise PredictorError(
                f"{self.path.name} gave places that are no numbers, or scores that are not between 0 and 1."
            )
        return places, scores


def _providers(device: str) -> list[object]:
    kind, _, number = device.partition(":")
    cuda = ("CUDAExecutionProvider", {"device_id": int(number or 0)})
    here = kind == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    return [*([cuda] if here else []), "CPUExecutionProvider"]
