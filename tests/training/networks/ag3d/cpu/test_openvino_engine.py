"""3D-AG by OpenVINO: the findings of PyTorch; used where it is asked for, and only by the networks that know it."""

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.device import OPENVINO, choose_device, devices
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.networks.ag3d import predictor as p
from napari_lungmtl.training.networks.ag3d.config import Config
from napari_lungmtl.training.networks.ag3d.cpu.openvino_engine import OpenVinoAg3d
from napari_lungmtl.training.networks.ag3d.network import Ag3d

SMALL = Config(
    stem="space_to_depth", stem_channels=8, growth=4, bottleneck=1, pyramid_channels=8, rpn_floor=0.0
)


def test_openvino_finds_what_pytorch_finds(monkeypatch):
    """Over several slabs of unequal sides, with norms that are no identity; a second volume goes through the same engine."""
    torch.manual_seed(1)
    net = Ag3d(SMALL).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    monkeypatch.setattr(p, "SLAB", 48 * 64 * 40)
    info = registry.info_of(registry.card("ag3d"))
    cpu = torch.device("cpu")
    by_torch, by_openvino = (
        p.Ag3dPredictor(net, info, cpu),
        p.Ag3dPredictor(net, info, cpu, engine=OpenVinoAg3d(net)),
    )
    rng = np.random.default_rng(0)
    for shape in ((64, 48, 64), (32, 64, 48)):
        padded = p.PaddedVolume(rng.integers(-1000, 400, shape).astype(np.int16))
        a, b = (finish(each.detect_volume(padded)) for each in (by_torch, by_openvino))
        np.testing.assert_allclose(b.rpn, a.rpn, atol=1e-3)
        ours, theirs = a.reading.detections, b.reading.detections
        assert len(ours) == len(theirs) > 10
        np.testing.assert_allclose(theirs.score, ours.score, atol=1e-3)
        assert float(a.rpn.std()) > 0.05, "something is there to differ"


def test_two_threads_get_each_its_own_numbers():
    """Two studies in the window may be in the networks at once; one got the features of the other."""
    torch.manual_seed(1)
    engine = OpenVinoAg3d(Ag3d(SMALL).eval())
    volumes = [torch.randn(1, 1, 64, 64, 64) for _ in range(2)]
    alone = [engine.first(volume) for volume in volumes]

    def wrong(number: int) -> int:
        return sum(not torch.equal(engine.first(volumes[number]), alone[number]) for _ in range(20))

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(wrong, range(2))) == [0, 0]


def test_the_engine_is_asked_for_and_other_networks_go_on_with_pytorch():
    assert devices()[-1] == choose_device(OPENVINO) == OPENVINO
    assert choose_device("auto") != OPENVINO
    assert model_store.store.get("mosegnet", OPENVINO).device.type == "cpu"


def test_predict_refuses_a_gpu_with_it(tmp_path):
    command = ["predict", str(tmp_path), "--out", str(tmp_path), "--engine", "openvino", "--device", "cuda:0"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "--engine openvino runs on the CPU" in done.output


def test_without_openvino_the_extra_is_named(monkeypatch):
    import importlib.util

    from napari_lungmtl.training import extras
    from napari_lungmtl.training.extras import MissingExtraError

    found = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == OPENVINO else found(name))
    with pytest.raises(MissingExtraError, match=r"napari-lungmtl\[openvino\]"):
        choose_device(OPENVINO)


class _SignalStack(ctypes.Structure):
    _fields_ = (("place", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def _signal_stack() -> tuple[int | None, int, int]:
    stack = _SignalStack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.place, stack.flags, stack.size


@pytest.mark.skipif(
    sys.platform != "linux", reason="the plugin gives threads a stack for signals on Linux alone"
)
def test_the_callers_stack_for_signals_is_left_alone():
    """The plugin's own is unmapped when it is unloaded, and the next signal ended the process (a worker of pytest)."""
    before = _signal_stack()
    held = OpenVinoAg3d(Ag3d(SMALL).eval())
    assert _signal_stack() == before
    del held
