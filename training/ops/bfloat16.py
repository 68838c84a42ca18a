"""bfloat16 for convolutions, where the machine computes in it: emulated, it takes ten times as long as float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch


@cache
def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 there: on processors that emulate it, it is not.

    A PyTorch too old to say what the processor can do (`torch.cpu.get_capabilities`) counts as one that emulates it.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    instructions = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return device.type == "cpu" and bool(instructions.get("avx512_bf16") or instructions.get("amx_bf16"))


@cache
def has_onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN can be called for convolutions on the CPU; in bfloat16 it refuses processors that would have to emulate it."""
    if not torch.backends.mkldnn.is_available():
        return False
    return dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def bfloat16_where_faster(device: torch.device, wanted: bool = True) -> AbstractContextManager[Any]:
    """Make the context in which convolutions are in bfloat16, where it is wanted and faster; else as the caller has them."""
    if wanted and has_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
