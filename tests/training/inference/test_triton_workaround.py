"""Triton stays out of a process that already has another LLVM, and only then."""

from __future__ import annotations

import sys

import pytest

from napari_lungmtl.training.inference import triton_workaround as graphics


@pytest.fixture
def maps(tmp_path, monkeypatch):
    """Stands for the list of what the process has loaded."""
    monkeypatch.setattr(graphics, "MAPS", tmp_path / "maps")
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    yield tmp_path / "maps"
    sys.modules.pop("triton", None)  # monkeypatch puts back what was there


def test_beside_another_llvm_it_is_barred(maps):
    maps.write_text("7f0000-7f1000 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    graphics.keep_triton_out()
    with pytest.raises(ImportError):
        import triton  # noqa: F401


@pytest.mark.parametrize("text", ["7f0000-7f1000 r-xp 0 08:01 1 /usr/lib/libc.so.6\n", None])
def test_otherwise_nothing_happens(maps, text):
    if text is not None:
        maps.write_text(text)
    graphics.keep_triton_out()
    assert "triton" not in sys.modules


def test_what_is_loaded_stays(maps, monkeypatch):
    maps.write_text("libLLVM")
    monkeypatch.setitem(sys.modules, "triton", graphics)
    graphics.keep_triton_out()
    assert sys.modules["triton"] is graphics
