"""Norms folded into convolutions: the same numbers, and the network that was given stays as it is."""

import torch
from torch import nn

from napari_lungmtl.training.networks.mtcnn.config import SHIPPED as MTCNN
from napari_lungmtl.training.networks.mtcnn.network import MtCnn
from napari_lungmtl.training.networks.mtmr.config import SHIPPED as MTMR
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.ops.folded_norms import with_folded_norms


def used(net):
    """With norms that are no identity."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias, 0, 0.3)
    return net


def norms(net):
    return sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())


@torch.no_grad()
def test_both_characterisers_say_the_same():
    x = torch.rand(5, MTMR.channels, MTMR.pixels, MTMR.pixels)
    views, diameters = torch.rand(2, 9, MTCNN.pixels, MTCNN.pixels), torch.tensor([5.0, 20.0])
    for net, inputs, left in (
        (used(Mtmr(MTMR)).eval(), (x, torch.zeros(5)), 0),
        (used(MtCnn(MTCNN)).eval(), (views, diameters), 3),  # behind the deconvolutions of ImgNet
    ):
        before = {k: v.clone() for k, v in net.state_dict().items()}
        folded = with_folded_norms(net)
        assert norms(folded) == left < norms(net)
        for a, b in zip(net(*inputs), folded(*inputs), strict=True):
            assert a.std() > 1e-3, "something is there to differ"
            torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-4)
        assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


@torch.no_grad()
def test_a_norm_that_stands_behind_something_else_stays():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3))
    x = torch.rand(2, 3, 4, 4)
    folded = with_folded_norms(used(net).eval())
    assert norms(folded) == 2
    torch.testing.assert_close(folded(x), net(x))
