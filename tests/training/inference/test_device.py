"""One way to the CPU where a GPU's memory ends, for detectors, characterisers, false-positive reduction and reconstructions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.device import CPU_NOTE, run_with_cpu_fallback
from napari_lungmtl.training.inference.predictor import ModelInfo
from napari_lungmtl.training.networks.mtcnn.config import SHIPPED as MTCNN
from napari_lungmtl.training.networks.mtcnn.network import MtCnn
from napari_lungmtl.training.networks.mtcnn.predictor import MtcnnPredictor
from napari_lungmtl.training.networks.mtcnn.reduction.config import SHIPPED as REDUCTION
from napari_lungmtl.training.networks.mtcnn.reduction.predictor import Combination, ReductionPredictor
from napari_lungmtl.training.networks.mtmr.config import SHIPPED as MTMR
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.networks.mtmr.predictor import MtmrPredictor

GPU, CPU = torch.device("cpu", 0), torch.device("cpu")
"""The first stands for a GPU: not equal to the plain CPU."""
LINE = {"0": (1.0, 0.0)}


def info(name: str, task: str = "characterisation") -> ModelInfo:
    return ModelInfo(name, name.upper(), "", ("CT",), "0", task=task)


def mtmr() -> MtmrPredictor:
    return MtmrPredictor({"0": Mtmr(dataclasses.replace(MTMR, width=8))}, LINE, {}, info("mtmr"), GPU)


def mtcnn() -> MtcnnPredictor:
    return MtcnnPredictor({"0": MtCnn(MTCNN)}, LINE, {}, info("mtcnn"), GPU)


def reduction() -> ReductionPredictor:
    combinations = {"0": Combination(0.5, 0.5, 0.0)}
    return ReductionPredictor({"0": MtCnn(REDUCTION)}, combinations, {}, info("mtcnn_fpr", "reduction"), GPU)


@pytest.fixture
def image() -> Image:
    voxels = np.random.default_rng(0).normal(-800, 60, (50, 80, 80)).astype(np.int16)
    voxels[20:30, 35:45, 35:45] = 20
    return Image(voxels, "CT", (2.0, 0.9, 0.9), (-100.0, 0.0, 0.0), series_uid="new")


@pytest.fixture
def findings() -> Findings:
    by = Provenance("ag3d", "0.1")
    return Findings(
        tuple(
            Finding(Sphere((-50.0, y, 36.0), 10.0), 0.6, provenance=by, id=f"f{y:.0f}") for y in (34.0, 38.0)
        )
    )


def short_of_memory(predictor: Any, monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """Let the GPU's memory end once a network looks at something; the devices on which one looked."""
    (net,) = predictor.models.values()
    used: list[torch.device] = []
    predictor._there = None  # as before its first run
    forward, to = net.forward, net.to
    monkeypatch.setattr(net, "to", lambda device: used.append(device) or to(device))

    def full(*args: Any, **options: Any) -> Any:
        if used[-1] == GPU:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **options)

    monkeypatch.setattr(net, "forward", full)
    return used


def followed(run: Any) -> tuple[Findings, list[str]]:
    """The result of a run, and its notes."""
    notes = []
    while True:
        try:
            notes.append(next(run).note)
        except StopIteration as stop:
            return stop.value, [n for n in notes if n]


@pytest.mark.parametrize("make", [mtmr, mtcnn, reduction])
def test_a_run_goes_on_with_the_cpu_says_so_once_and_tries_the_gpu_next_time(
    make: Callable[[], Any], image: Image, findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    predictor = make()
    expected, quiet = followed(predictor.run(image, findings))
    assert quiet == []
    used = short_of_memory(predictor, monkeypatch)
    for _run in range(2):
        after, notes = followed(predictor.run(image, findings))
        assert notes == [CPU_NOTE]
        assert after == expected
    assert used == [GPU, CPU] * 2, "moved when the device changes, not for each nodule"


def test_reconstructions_fall_back_too(
    image: Image, findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    predictor = mtcnn()
    expected = predictor.reconstruct(image, findings[0]).grey
    used = short_of_memory(predictor, monkeypatch)
    np.testing.assert_array_equal(predictor.reconstruct(image, findings[0]).grey, expected)
    assert used == [GPU, CPU]


def test_without_memory_anywhere_the_error_is_not_hidden() -> None:
    def full(_device: torch.device) -> None:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        run_with_cpu_fallback(full, GPU)
