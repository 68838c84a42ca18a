"""The network as OpenVINO runs it on a CPU: the same numbers as `network.Ag3d`, in float32."""

from __future__ import annotations

import copy
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

import openvino
import torch
from torch import Tensor, nn

from ..network import Ag3d

SIDE = 32
"""Sides of the volume that conversion passes through the network; what is converted takes any multiples of 16."""


class _First(nn.Module):
    def __init__(self, net: Ag3d) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.backbone.first(x)


class _Rest(nn.Module):
    def __init__(self, net: Ag3d) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        pyramid = self.net.backbone.rest(features)
        return (*pyramid, self.net.rpn(pyramid))


class OpenVinoAg3d:
    """Backbone and RPN, in two parts as a run calls them. Converted when it is made, which takes some seconds.

    Several threads may call it; one at a time computes.

    Parameters
    ----------
    net
        In evaluation mode, on the CPU; it stays as it is.
    """

    def __init__(self, net: Ag3d) -> None:
        net = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
        with torch.no_grad():
            features = net.backbone.first(x := torch.zeros(1, 1, SIDE, SIDE, SIDE))
        self._first = _compiled(_First(net), x)
        self._rest = _compiled(_Rest(net), features)

    def first(self, x: Tensor) -> Tensor:
        """As `Backbone.first`."""
        return self._first(x)[0]

    def rest(self, features: Tensor) -> tuple[list[Tensor], Tensor]:
        """The pyramid and the RPN's output of what `first` gives."""
        *pyramid, rpn = self._rest(features)
        return pyramid, rpn


class _Alone:
    """A model that one thread at a time computes with: OpenVINO gives a second one the results of the first, without a word."""

    def __init__(self, model: openvino.CompiledModel) -> None:
        self._model, self._lock = model, Lock()

    def __call__(self, x: Tensor) -> list[Tensor]:
        with self._lock:
            return [torch.from_numpy(each) for each in self._model([x.contiguous().numpy()]).values()]


def _compiled(part: nn.Module, example: Tensor) -> _Alone:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch about the way in which OpenVINO reads its networks
        model = openvino.convert_model(
            part.eval(), example_input=example, input=[1, example.shape[1], -1, -1, -1]
        )
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # by itself it takes bfloat16 where the processor has it
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    return _Alone(_core().compile_model(model, "CPU", settings))


@cache
def _core() -> openvino.Core:
    """OpenVINO with its CPU plugin loaded, once and for good, by a thread that ends.

    The plugin gives the thread that loads it a stack for signals, and unmaps that when it is unloaded, from whatever thread: the
    next signal that Python handles would end the process.
    """

    def load() -> openvino.Core:
        core = openvino.Core()
        core.get_property("CPU", "FULL_DEVICE_NAME")
        return core

    with ThreadPoolExecutor(1) as one:
        return one.submit(load).result()
