"""bfloat16 only where the machine computes in it."""

import pytest
import torch

from napari_lungmtl.training.ops import bfloat16, dense_stream

from ...house import ROOT


@pytest.fixture
def processor(monkeypatch):
    """Let the processor have some instructions."""

    def with_instructions(*names):
        bfloat16.has_bfloat16.cache_clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(names, True))

    yield with_instructions
    bfloat16.has_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("instructions", "wanted", "dtype"),
    [
        (["avx2"], True, torch.float32),  # most laptops: emulated, it takes ten times as long
        (["avx2", "avx512_bf16"], True, torch.bfloat16),
        (["avx2", "amx_bf16"], True, torch.bfloat16),
        (["avx2", "avx512_bf16"], False, torch.float32),
    ],
)
def test_convolutions_are_in_bfloat16_where_the_processor_has_it(processor, instructions, wanted, dtype):
    processor(*instructions)
    with bfloat16.bfloat16_where_faster(torch.device("cpu"), wanted):
        assert torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 2, 2)).dtype == dtype


def test_one_thread_computes_a_slab_also_where_onednn_refuses_bfloat16(monkeypatch):
    monkeypatch.setattr(dense_stream, "has_onednn", lambda dtype: dtype != torch.bfloat16)
    monkeypatch.setattr(torch, "mkldnn_convolution", lambda *_: pytest.fail("oneDNN has no bfloat16 here"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        convolution = torch.nn.Conv3d(2, 3, 3, padding=1, bias=False)  # a norm follows, which has one
        x = torch.rand(4, 5, 6, 2)
        own = dense_stream.Conv3(convolution, None, torch.bfloat16)(x.bfloat16())
        wanted = convolution(x.permute(3, 0, 1, 2)[None])[0].permute(1, 2, 3, 0)
        torch.testing.assert_close(own.float(), wanted.detach(), atol=0.03, rtol=0.03)
    finally:
        torch.set_num_threads(before)


def test_what_the_caller_chose_stays_where_it_is_not_wanted(processor):
    processor("avx2")
    with torch.autocast("cpu", torch.bfloat16), bfloat16.bfloat16_where_faster(torch.device("cpu"), False):
        assert torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 2, 2)).dtype == torch.bfloat16


def test_no_network_asks_for_bfloat16_by_itself():
    """What asks for it without looking at the processor is ten times as slow on most: it goes through `ops.bfloat16`."""
    files = [p for p in (ROOT / "training").rglob("*.py") if p.name != "bfloat16.py"]
    assert len(files) > 300
    lines = [(p.name, line.strip()) for p in files for line in p.read_text(encoding="utf-8").splitlines()]
    assert [one for one in lines if "autocast(" in one[1] and "enabled=False" not in one[1]] == []
