"""The precision of the detector's convolutions on a CPU where bfloat16 was asked for."""

from __future__ import annotations

from functools import cache

import torch

from ....inference.predictor import ModelInfo
from ....ops.bfloat16 import has_onednn
from ..network import Ag3d
from .folded import FoldedAg3d
from .precision_probe import Timing, timing
from .streamed import Streamed

SLAB = (32, 96, 96)
"""Voxels of the probe: four parts of a second at float32 on one core, with cells enough for convolutions to be as in a run."""


def bfloat16_or_float32(net: Ag3d, info: ModelInfo) -> tuple[torch.dtype, str]:
    """Choose by a timed probe; the note says why it is float32, or is empty.

    A processor that would emulate bfloat16 is not probed: that takes more than a minute.

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    """
    if torch.backends.mkldnn.is_available() and not has_onednn(torch.bfloat16):
        return torch.float32, f"This processor does not compute in bfloat16: {info.title} runs in float32."
    found = time_slab(net, info)
    if found.pays:
        return torch.bfloat16, ""
    return torch.float32, (
        f"bfloat16 gains too little on this processor ({1000 * found.bfloat16:.0f} ms where float32 takes "
        f"{1000 * found.float32:.0f}): {info.title} runs in float32."
    )


def time_slab(net: Ag3d, info: ModelInfo) -> Timing:
    """Seconds of a slab at both precisions on this machine."""

    @cache
    def folded(dtype: torch.dtype) -> FoldedAg3d:
        return FoldedAg3d(net, dtype)

    name = f"{info.name} {info.version}"
    return timing(name, lambda: _one_slab(folded(torch.float32)), lambda: _one_slab(folded(torch.bfloat16)))


@torch.inference_mode()
def _one_slab(folded: FoldedAg3d) -> None:
    Streamed(folded, SLAB).push(torch.zeros(SLAB, dtype=folded.dtype), last=True)
