"""Batch norms folded into the convolutions before them: the same numbers at inference, with a pass through memory less for each."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def with_folded_norms(net: Network) -> Network:
    """Copy a network for inference, each batch norm that stands behind a convolution folded into it.

    A norm stands behind a convolution where a module lists it next among its children, as `nn.Sequential` and the residual blocks
    of torchvision do: of other networks make sure that they apply them in the order in which they list them.

    Parameters
    ----------
    net
        Stays as it is.
    """
    folded = copy.deepcopy(net).eval()
    for module in list(folded.modules()):
        before: tuple[str, nn.Module] | None = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
                setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(module, name, nn.Identity())
            before = name, child
    return folded
