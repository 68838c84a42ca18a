"""Table 1, row by row, and its variants."""

import dataclasses

import pytest
import torch
from torch import nn

from napari_lungmtl.training.networks.mosegnet.config import PAPER, SHIPPED, Config
from napari_lungmtl.training.networks.mosegnet.network import MoSegNet

K3, K1 = 9, 1
TABLE = [  # row, inputs, neurons, kernel elements, norm, shrinking at 1024 × 1024; concatenations have both maps' channels
    (1, 1, 16, K3, "GN", 1),
    (2, 16, 16, K3, "GN", 1),
    (4, 16, 32, K3, "GN", 2),
    (5, 32, 32, K3, "GN", 2),
    (7, 32, 64, K3, "GN", 4),
    (8, 64, 64, K3, "GN", 4),
    (9, 64, 64, K3, "GN", 4),
    (11, 64, 128, K3, "GN", 8),
    (12, 128, 128, K3, "GN", 8),
    (13, 128, 128, K3, "GN", 8),
    *[
        row
        for first in (15, 18, 21, 24)
        for row in (
            (first, 128, 128, K3, "BN", 16),
            (first + 1, 128, 128, K1, "GN", 16),
            (first + 2, 128, 128, K1, "GN", 16),
        )
    ],
    (28, 128, 128, K3, "BN", 8),
    (30, 256, 64, K3, "BN", 8),
    (31, 64, 64, K3, "BN", 8),
    (32, 64, 64, K3, "BN", 4),
    (34, 128, 32, K3, "BN", 4),
    (35, 32, 32, K3, "BN", 4),
    (36, 32, 32, K3, "BN", 2),
    (38, 64, 16, K3, "BN", 2),
    (39, 16, 16, K3, "BN", 2),
    (40, 16, 16, K3, "BN", 1),
    (42, 32, 16, K3, "BN", 1),
    (43, 16, 2, K1, "", 1),
    (44, 32, 16, K3, "BN", 1),
    (45, 16, 2, K1, "", 1),
]
RATES = {15: 3, 18: 5, 21: 7, 24: 9}
TRANSPOSED = (28, 32, 36, 40)


def convolutions(
    net: nn.Module, radiograph: torch.Tensor
) -> list[tuple[nn.Module, nn.Module | None, torch.Size]]:
    """Convolutions in the order in which they run, each with the norm behind it and what comes out."""
    ran: list = []

    def hook(module: nn.Module, _inputs: tuple, output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            ran.append([module, None, output.shape])
        else:
            ran[-1][1] = module

    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.GroupNorm | nn.BatchNorm2d):
            module.register_forward_hook(hook)
    with torch.inference_mode():
        net(radiograph)
    return ran


def test_table_1_row_by_row():
    ran = convolutions(MoSegNet(PAPER).eval(), torch.zeros(1, 1, 128, 128))
    assert len(ran) == len(TABLE)
    kinds = {"GN": nn.GroupNorm, "BN": nn.BatchNorm2d, "": type(None)}
    for (row, inputs, neurons, kernel, norm, shrinking), (module, behind, shape) in zip(
        TABLE, ran, strict=True
    ):
        assert (module.in_channels, module.out_channels) == (inputs, neurons), row
        assert module.kernel_size[0] * module.kernel_size[1] == kernel, row
        assert isinstance(behind, kinds[norm]), row
        assert shape == (1, neurons, 128 // shrinking, 128 // shrinking), row
        assert module.dilation[0] == RATES.get(row, 1), row
        assert isinstance(module, nn.ConvTranspose2d) == (row in TRANSPOSED), row


def test_parameters_by_the_table():
    """Kernels without bias, two numbers a channel for each norm, and biases where the logits come out."""
    expected = sum(i * n * k + (2 * n if norm else n) for _, i, n, k, norm, _ in TABLE)
    assert sum(p.numel() for p in MoSegNet(PAPER).parameters()) == expected


def test_the_bottom_is_a_sum_of_the_branches():
    net = MoSegNet(PAPER).eval()
    x = torch.rand(1, 128, 8, 8)
    parts = [branch(x) for branch in net.bottom.branches]
    assert len(parts) == 4
    torch.testing.assert_close(net.bottom(x), parts[0] + parts[1] + parts[2] + parts[3])


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_one_norm_everywhere(norm: str):
    net = MoSegNet(dataclasses.replace(PAPER, norm=norm))
    other = nn.BatchNorm2d if norm == "group" else nn.GroupNorm
    assert not [m for m in net.modules() if isinstance(m, other)]


def test_unet_is_the_same_without_atrous_convolutions():
    unet, own = (MoSegNet(dataclasses.replace(PAPER, network=n)) for n in ("unet", "mosegnet"))
    assert not [m for m in unet.modules() if isinstance(m, nn.Conv2d) and m.dilation[0] > 1]
    assert unet.decoder.state_dict().keys() == own.decoder.state_dict().keys()
    assert unet.encoder.state_dict().keys() == own.encoder.state_dict().keys()


@pytest.mark.parametrize("config", [PAPER, SHIPPED])
def test_shapes_of_what_comes_out(config: Config):
    lesions, lungs = MoSegNet(config).eval()(torch.zeros(2, 1 + config.local_contrast, 64, 96))
    assert lesions.shape == (2, 2, 64, 96)
    assert lungs is not None
    assert lungs.shape == (2, config.lung_classes, 64, 96)
    assert lesions.dtype == lungs.dtype == torch.float32


def test_single_task_has_no_lungs():
    net = MoSegNet(dataclasses.replace(PAPER, tasks="nodule"))
    assert net(torch.zeros(1, 1, 32, 32))[1] is None
    assert not [k for k in net.state_dict() if k.startswith("lungs")]


def test_second_lesion_class_by_config():
    net = MoSegNet(dataclasses.replace(SHIPPED, lesions=("nodule", "pleural effusion"))).eval()
    assert net(torch.zeros(1, 2, 64, 64))[0].shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "layer"},
        {"widths": (16, 32, 64)},
        {"side": 500},
        {"lesions": ()},
        {"widths": (12, 32, 64, 128)},
    ],
)
def test_configurations_that_cannot_be(changes: dict):
    with pytest.raises(ValueError, match=r"one of|divide|multiple|needed"):
        dataclasses.replace(SHIPPED, **changes)


def test_lesions_are_rare_before_training():
    net = MoSegNet(dataclasses.replace(SHIPPED, lesions=("nodule", "pleural effusion")))
    bias = net.lesions[-1].bias
    torch.testing.assert_close(bias.softmax(0), torch.tensor([1, 0.01, 0.01]) / 1.02)
