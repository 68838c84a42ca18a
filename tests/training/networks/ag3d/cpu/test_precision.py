"""bfloat16 where it was asked for: a timed probe decides, the findings tell it, and float32's are found."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lungmtl.training.cluster.content import key_of
from napari_lungmtl.training.cluster.task import Options
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.models import PRECISION
from napari_lungmtl.training.imaging.series import Series
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.device import BFLOAT16, choose_device, devices
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.networks.ag3d.cpu import precision, precision_probe
from napari_lungmtl.training.networks.ag3d.cpu.precision_probe import Timing, measure, timing
from napari_lungmtl.training.ops.bfloat16 import has_onednn
from tests.stand_ins.two_lungs import thorax


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(precision_probe, "cache_folder", lambda: tmp_path / "cache")


def works(*durations):
    """Two works on a clock of their own, in seconds of each of their calls."""
    now, left = [0.0], [iter(each) for each in durations]
    done = []

    def work(number):
        now[0] += next(left[number])
        done.append(number)

    return lambda: work(0), lambda: work(1), lambda: now[0], done


def test_the_fastest_of_several_rounds_in_turn_counts_and_the_first_one_does_not():
    float32, bfloat16, clock, done = works((0.01, 3, 2, 4), (0.01, 9, 1, 1.5))
    assert measure(float32, bfloat16, clock) == Timing(2, 1)
    assert done == [0, 1] * 4


@pytest.mark.parametrize(("seconds", "pays"), [((2, 1), True), ((1.1, 1), False), ((1, 3), False)])
def test_a_little_faster_does_not_pay(seconds, pays):
    assert Timing(*seconds).pays is pays


def test_a_machine_is_timed_once_for_each_network_and_again_where_the_file_is_damaged(tmp_path, monkeypatch):
    timed = []
    monkeypatch.setattr(precision_probe, "measure", lambda a, b: timed.append(1) or Timing(2, 1))
    assert timing("net 1", None, None) == timing("net 1", None, None) == Timing(2, 1)
    assert len(timed) == 1
    timing("net 2", None, None)
    monkeypatch.setattr(precision_probe, "_processor", lambda: "another processor under the same name")
    timing("net 1", None, None)
    assert len(timed) == 3
    for file in (tmp_path / "cache").iterdir():
        file.write_text('{"machine": ')
    timing("net 1", None, None)
    assert len(timed) == 4
    monkeypatch.setattr(precision_probe, "cache_folder", lambda: Path("/proc/nowhere"))
    assert timing("net 1", None, None) == Timing(2, 1), "what cannot be remembered is no reason to fail"


def test_a_processor_that_would_emulate_it_is_not_probed(monkeypatch):
    """Emulated, the probe alone took more than a minute; with one thread PyTorch refused to compute at all."""
    monkeypatch.setattr(precision, "has_onednn", lambda dtype: dtype != torch.bfloat16)
    monkeypatch.setattr(precision_probe, "measure", lambda a, b: pytest.fail("it was probed"))
    detector = registry.load_predictor("ag3d", BFLOAT16)
    assert next(detector.run(thorax(nodules=((30.0, 70.0, 45.0, 12.0),)))).note == (
        "This processor does not compute in bfloat16: 3D-AG runs in float32."
    )
    assert detector.precision == torch.float32


def loaded(monkeypatch, seconds):
    """3D-AG with bfloat16 asked for, on a machine where the probe takes so many seconds at both precisions."""
    monkeypatch.setattr(precision, "has_onednn", lambda dtype: True)
    monkeypatch.setattr(precision_probe, "cache_folder", lambda: Path("/proc/nowhere"))
    monkeypatch.setattr(precision_probe, "measure", lambda a, b: Timing(*seconds))
    return registry.load_predictor("ag3d", BFLOAT16)


def test_the_probe_decides_and_says_why_not(monkeypatch):
    assert choose_device(BFLOAT16) == BFLOAT16 in devices()
    fast, slow = loaded(monkeypatch, (2, 1)), loaded(monkeypatch, (0.1, 0.3))
    assert (fast.precision, slow.precision) == (torch.bfloat16, torch.float32)
    image = thorax(nodules=((30.0, 70.0, 45.0, 12.0),))
    assert next(fast.run(image)).note == ""
    assert next(slow.run(image)).note == (
        f"bfloat16 gains too little on this processor (300 ms where float32 takes 100): {slow.info.title} runs in float32."
    )


@pytest.mark.skipif(
    not has_onednn(torch.bfloat16), reason="this processor would emulate bfloat16, for minutes"
)
def test_findings_tell_the_precision_and_are_those_of_float32(monkeypatch):
    fast, slow = loaded(monkeypatch, (2, 1)), loaded(monkeypatch, (0.1, 0.3))
    image = thorax(nodules=((30.0, 70.0, 45.0, 12.0), (20, 60, 140, 8)))
    ours, theirs = finish(fast.run(image)), finish(slow.run(image))
    said = [findings.models[0][PRECISION] for findings in (ours, theirs)]
    assert said == ["bfloat16", "float32"]
    assert [f.center for f in ours] != [f.center for f in theirs], "it did compute otherwise"
    high = slow.info.default_threshold
    for a, b in zip(*([f for f in each if f.score >= high] for each in (ours, theirs)), strict=True):
        np.testing.assert_allclose(a.center, b.center, atol=0.1)
        assert a.score == pytest.approx(b.score, abs=0.05)
    assert Deidentifier().findings(ours).models[0][PRECISION] == "bfloat16"


@pytest.mark.skipif(
    not has_onednn(torch.bfloat16), reason="this processor would emulate bfloat16, for minutes"
)
def test_the_probe_computes_at_both_precisions(monkeypatch):
    monkeypatch.setattr(precision_probe, "measure", lambda a, b: (a(), b()) and Timing(2, 1))
    assert registry.load_predictor("ag3d", BFLOAT16).precision == torch.bfloat16


def test_other_networks_and_engines_stay_with_float32():
    other = registry.load_predictor("mosegnet", BFLOAT16)
    assert other.device.type == "cpu"
    assert all(p.dtype == torch.float32 for p in other.net.parameters())
    detector = registry.load_predictor("ag3d", "cpu")
    detector.precision = torch.bfloat16
    assert detector.streams
    detector.device = torch.device("cuda")
    assert not detector.streams, "its precision holds on a CPU alone"


def test_a_study_of_many_that_was_done_in_float32_is_done_again_in_bfloat16():
    options = Options(Path("out"), ())
    keys = {
        key_of("abc", Series("1.2"), dataclasses.replace(options, device=d))
        for d in ("cpu", "cuda", BFLOAT16)
    }
    assert len(keys) == 2
