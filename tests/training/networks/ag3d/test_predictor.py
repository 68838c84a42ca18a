"""The sliding window: every voxel answered for once, seams invisible, world coordinates right, bad input refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.errors import NoLungFoundError
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import PredictorError, finish
from napari_lungmtl.training.networks.ag3d import predictor as p
from napari_lungmtl.training.networks.ag3d.detect import pad_edge
from tests.stand_ins.two_lungs import thorax


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 70)] * 3))
def test_padding_is_on_the_grid_and_keeps_the_voxels(shape):
    hu = np.random.default_rng(0).normal(size=shape)
    padded, offset = pad_edge(hu)
    assert all(n % 16 == 0 for n in padded.shape)
    inner = tuple(slice(o, o + n) for o, n in zip(offset, shape, strict=True))
    assert np.array_equal(padded[inner], hu)
    assert min(offset) >= 7
    slabs = p.PaddedVolume(hu)
    assert slabs.shape == padded.shape
    assert np.array_equal(slabs.offset, offset)
    whole = np.concatenate([slabs.slab(low, low + 16) for low in range(0, padded.shape[0], 16)])
    assert np.array_equal(whole, padded)


@pytest.fixture(scope="module")
def shipped():
    return registry.load_predictor("ag3d", "cpu")


@pytest.fixture(scope="module")
def found(shipped):
    """What is found in a thorax of 1 mm voxels, which several tests ask for."""
    return finish(shipped.run(thorax()))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (1.25, 0.9, 0.9)])
def test_a_known_nodule_is_found_at_its_world_place(shipped, found, spacing):
    findings = found if spacing == (1.0, 1.0, 1.0) else finish(shipped.run(thorax(spacing)))
    truth = np.array([-190.0 + 30, -70 + 70, -95 + 45])
    best = findings[0]
    assert best.kind == "sphere"
    assert best.score > 0.5
    assert np.linalg.norm(np.array(best.center) - truth) < 2.5
    assert best.diameter == pytest.approx(12, rel=0.35)
    assert [f.score for f in findings] == sorted((f.score for f in findings), reverse=True)
    assert min(f.score for f in findings) >= 0.05
    assert best.provenance.model == "ag3d"
    assert findings.image.series_uid == "test"


def test_seams_do_not_show_and_folding_changes_nothing(shipped, monkeypatch):
    """Slabs of the least thickness give what the whole volume gives: streamed on a CPU, and with halos as on a GPU."""
    image = thorax(nodules=((32, 70, 45, 10), (20, 60, 60, 7), (33, 95, 140, 16), (48, 60, 150, 6)))
    monkeypatch.setattr(p, "STREAMED", ())
    whole = finish(shipped.run(image))
    for changes in ({"SLAB": 1}, {"STREAMED": ("cpu",)}, {"STREAMED": ("cpu",), "CELLS": 1}):
        for name, value in changes.items():
            monkeypatch.setattr(p, name, value)
        cut = finish(shipped.run(image))
        assert len(cut) == len(whole) > 3
        for a, b in zip(whole, cut, strict=True):
            assert np.allclose(a.center, b.center, atol=1e-2)
            assert a.score == pytest.approx(b.score, abs=1e-3)


def test_slabs_are_as_large_as_a_gpus_free_memory_holds(monkeypatch):
    """Which only changes how many there are: what they give is the same (above)."""
    gpu, padded = torch.device("cuda", 0), (320, 288, 336)
    slices = []
    for free in (1e9, 8e9, 40e9, 1e12):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device, free=free: (int(free), int(2e12)))
        slices.append(p.thickness(padded, p.voxels_of_slab(gpu)))
        assert slices[-1] * padded[1] * padded[2] <= p.LARGEST_SLAB
    assert slices == [80, 176, 1008, 2048]  # of a scan of 320: with 40 GB it is one slab
    assert p.voxels_of_slab(torch.device("cpu")) == p.SLAB


def test_progress_rises_and_a_closed_run_leaves_nothing_behind(shipped, found):
    run = shipped.run(thorax())
    fractions = [next(run).fraction for _ in range(3)]
    assert fractions == sorted(fractions)
    run.close()
    again = finish(shipped.run(thorax()))
    assert [(f.center, f.score) for f in again] == [(f.center, f.score) for f in found]


@pytest.mark.parametrize("failures", [1, 100])
def test_gpu_memory_smaller_slabs_then_cpu(shipped, found, monkeypatch, failures):
    """Out of memory: smaller slabs, at last the CPU, each said, and the same findings."""
    monkeypatch.setattr(p, "STREAMED", ())
    real, left = p.Ag3dPredictor._slab, [failures]

    def short_of_memory(self, padded, low, high, device):
        # The GPU is played by a wrapper whose "cpu" is the only place with memory once it was asked to move there.
        if left[0] and not (failures == 100 and moved and moved[-1] == "cpu" and len(moved) > 1):
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, padded, low, high, device)

    moved: list[str] = []
    net_to = shipped.net.to
    monkeypatch.setattr(shipped.net, "to", lambda device: moved.append(str(device)) or net_to("cpu"))
    monkeypatch.setattr(p.Ag3dPredictor, "_slab", short_of_memory)
    run, notes = shipped.run(thorax()), []
    while True:
        try:
            notes.append(next(run).note)
        except StopIteration as stop:
            fallen_back = stop.value
            break
    said = " ".join(notes)
    assert "smaller slabs" in said
    assert ("with the CPU" in said) == (failures == 100)
    assert len(fallen_back) == len(found)
    assert np.allclose(fallen_back[0].center, found[0].center, atol=0.05)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image(np.zeros((64, 64)), "DX"), "flat image"),
        (Image(np.zeros((8, 8, 8))), "no voxel spacing"),
        (Image(np.zeros((8, 8, 8)), "MR", (1, 1, 1)), "is MR"),
        (Image(np.random.default_rng(0).integers(0, 255, (8, 8, 8)), "", (1, 1, 1)), "Hounsfield"),
        (Image(np.full((8, 8, 8), -1000), "CT", (1, 1, 1)), "no tissue"),
    ],
)
def test_unsuitable_images_are_refused_with_a_reason(shipped, image, words):
    with pytest.raises(PredictorError, match=words):
        finish(shipped.run(image))


def test_no_lung_is_said(shipped):
    voxels = np.full((30, 80, 80), -1000, np.int16)
    voxels[:, 20:60, 20:60] = 40
    with pytest.raises(NoLungFoundError):
        finish(shipped.run(Image(voxels, "CT", (2.0, 2.0, 2.0))))


def test_a_part_of_a_scan_is_enough_for_what_lies_in_its_middle(shipped, found):
    part = np.s_[6:54, 46:94, 21:69]
    spheres, scores = shipped.detect_part(np.ascontiguousarray(thorax().voxels[part], np.float32))
    middle = np.array([30, 70, 45]) - [s.start for s in part] - 0.5
    near = np.linalg.norm(spheres[:, :3] - middle, axis=1) < 6
    assert scores[near].max() == pytest.approx(found[0].score, abs=0.1)
    assert np.linalg.norm(spheres[near][scores[near].argmax(), :3] - middle) < 2.5
    assert np.all((spheres[:, :3] >= -0.5) & (spheres[:, :3] < 47.5)), "none beside it"
