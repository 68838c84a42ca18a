"""What radiograph predictors share: the CPU where a GPU's memory ends, and no image that is no radiograph."""

import numpy as np
import pytest
import torch
from torch import nn

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError
from napari_lungmtl.training.inference.radiograph_predictor import RadiographPredictor
from napari_lungmtl.training.inference.suitability import check_radiograph

GPU = torch.device("cpu", 0)
"""Stands for a GPU: not equal to the plain CPU."""


def test_the_cpu_takes_over_once_and_the_gpu_gets_its_next_chance():
    predictor = RadiographPredictor(nn.Linear(2, 1), ModelInfo("toy", "", "", ("DX",)), GPU)
    assert not predictor.net.training
    asked = []

    def work(device: torch.device) -> torch.Tensor:
        asked.append(device)
        if len(asked) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predictor.net(torch.ones(1, 2, device=device))

    value, note = predictor.run_with_cpu_fallback(work)
    assert asked == [GPU, torch.device("cpu")]
    assert "went on with the CPU" in note
    assert value.is_inference()
    assert predictor.run_with_cpu_fallback(work)[1] == ""
    assert asked[-1] == GPU


def test_without_memory_anywhere_the_error_is_not_hidden():
    predictor = RadiographPredictor(nn.Linear(2, 1), ModelInfo("toy", "", "", ("DX",)), GPU)

    def full(_device: torch.device) -> None:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        predictor.run_with_cpu_fallback(full)


@pytest.mark.parametrize("modality", ["CR", "DX", "DR", "RG", ""])
def test_radiographs_pass(modality: str):
    check_radiograph(Image(np.eye(8), modality), "DHN")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Image(np.zeros((4, 8, 8)), "DX", series_uid="1.2.3"), "DHN looks at .* but 1.2.3 is a volume. Open"),
        (Image(np.eye(8), "MG"), "the image is MG. Open a frontal"),
        (Image(np.eye(8), "CT", source="slice.dcm"), "slice.dcm is CT. Open a frontal"),
    ],
)
def test_what_is_no_radiograph_is_refused_with_a_way_out(image: Image, why: str):
    with pytest.raises(PredictorError, match=why):
        check_radiograph(image, "DHN")
