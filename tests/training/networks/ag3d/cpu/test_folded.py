"""The folded network gives what the network gives, whole and slab by slab, for both stems."""

import pytest
import torch

from napari_lungmtl.training.networks.ag3d.config import Config
from napari_lungmtl.training.networks.ag3d.cpu.folded import FoldedAg3d
from napari_lungmtl.training.networks.ag3d.cpu.streamed import Streamed
from napari_lungmtl.training.networks.ag3d.network import Ag3d


@pytest.fixture(params=["paper", "space_to_depth"])
def net(request):
    torch.manual_seed(0)
    net = Ag3d(Config(stem=request.param, stem_channels=8, growth=4, bottleneck=2, pyramid_channels=8)).eval()
    for module in net.modules():
        if isinstance(
            module, torch.nn.BatchNorm3d
        ):  # a fresh norm changes nothing: folding it wrongly would not show
            for values, low in (
                (module.running_mean, -0.3),
                (module.running_var, 0.5),
                (module.weight, 0.5),
                (module.bias, -0.2),
            ):
                torch.nn.init.uniform_(values, low, low + 0.7)
    return net


@pytest.mark.parametrize("slices", [(64,), (16, 20, 12, 16), (18, 14, 32), (4,) * 16])
@torch.inference_mode()
def test_the_same_numbers_from_slabs_of_any_height(net, slices):
    x = torch.rand(1, 1, 64, 32, 48) * 2 - 1
    pyramid = net.backbone(x)
    expected = net.rpn(pyramid)
    streamed = Streamed(FoldedAg3d(net), (64, 32, 48))
    parts = x[0, 0].split(slices)
    for number, part in enumerate(parts):
        streamed.push(part, number == len(parts) - 1)
    for ours, theirs in zip(streamed.pyramid, pyramid, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)
    assert torch.allclose(streamed.rpn, expected, atol=1e-4)


@torch.inference_mode()
def test_bfloat16_keeps_two_digits(net):
    x = torch.rand(1, 1, 32, 32, 32) * 2 - 1
    streamed = Streamed(FoldedAg3d(net, torch.bfloat16), (32, 32, 32))
    streamed.push(x[0, 0].bfloat16(), last=True)
    ours = streamed.rpn[..., 0].float()
    theirs = net.rpn(net.backbone(x))[..., 0]
    assert (ours.sigmoid() - theirs.sigmoid()).abs().max() < 0.01


@torch.inference_mode()
def test_what_is_kept_does_not_grow_with_the_height(net):
    streamed, kept = Streamed(FoldedAg3d(net), (320, 16, 16)), []
    blocks = (streamed._encode2, streamed._encode3, streamed._decode2, streamed._decode1)
    for z in range(0, 320, 16):
        streamed.push(torch.zeros(16, 16, 16), z == 304)
        kept.append([max(len(slabs) for slabs in block.maps) for block in blocks])
    assert max(kept[10:]) <= max(kept[:10])
    assert max(max(k) for k in kept) < 40
