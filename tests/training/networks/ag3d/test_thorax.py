"""Patches of whole scans: negatives where a detector erred, real nodules pasted and inset, nothing taught that nobody knows."""

import dataclasses

import numpy as np
import pytest

from napari_lungmtl.training.data.public.whole_scans import load_whole_scans
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.weights import seen_cases
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, TrainingConfig
from napari_lungmtl.training.networks.ag3d.mining import RIM_MM, mine, thorax_of
from napari_lungmtl.training.networks.ag3d.patches import Block
from napari_lungmtl.training.networks.ag3d.release import CubeSplit, card_of
from napari_lungmtl.training.networks.ag3d.thorax import (
    Nodule,
    Thorax,
    cut_out,
    inset,
    load_thorax,
    paste,
    save_thorax,
    thorax_patch,
)
from tests.stand_ins.whole_scans_folder import LESION, Marker, write_whole_scans

NONE = np.zeros((0, 4))
LUNG, TISSUE = 22, 133


def nodule(diameter=9):
    """A dense ball with its mask in lung of 2·22 voxels' margin."""
    n = diameter + 8
    ball = np.linalg.norm(np.indices((n,) * 3) - (n - 1) / 2, axis=0) < diameter / 2
    return Nodule(
        np.where(ball, TISSUE, LUNG).astype(np.uint8), ball, np.array([*[(n - 1) / 2] * 3, diameter])
    )


def lung(shape=(64, 64, 64)):
    return Block(np.full(shape, LUNG, np.uint8), NONE, NONE)


def scan(**fields):
    voxels = np.full((80, 90, 100), LUNG, np.uint8)
    voxels[:, :20] = TISSUE
    base = Thorax(voxels, voxels < 50, NONE, NONE, np.array([[40.0, 22, 50, 8]]), np.array([0.9]), 3.0)
    return dataclasses.replace(base, **fields)


@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 5.0])
def test_a_pasted_nodule_is_where_its_sphere_says(slice_mm):
    block = paste(lung(), np.ones((64,) * 3, bool), nodule(), slice_mm, np.random.default_rng(1))
    (sphere,) = block.truth
    changed = np.argwhere(block.voxels > LUNG + 20)
    assert np.abs(changed.mean(0) - sphere[:3]).max() < 0.7
    assert np.ptp(changed[:, 1]) == pytest.approx(sphere[3], abs=3)
    assert block.voxels[tuple(np.round(sphere[:3]).astype(int))] > LUNG + 60
    assert block.voxels.max() <= TISSUE


def test_a_fraction_of_the_pasted_nodules_are_hollow():
    room = np.ones((64,) * 3, bool)

    def lowest_inside(seed, cavities):
        block = paste(lung(), room, nodule(21), 1.0, np.random.default_rng(seed), cavities)
        (sphere,) = block.truth
        distance = np.linalg.norm(np.indices(block.voxels.shape) - sphere[:3, None, None, None], axis=0)
        return block.voxels[distance < 9].min()

    assert all(lowest_inside(seed, 0.0) > 0.9 * TISSUE for seed in range(4))
    assert all(lowest_inside(seed, 1.0) < 2 * LUNG for seed in range(4))


def test_nodules_are_pasted_into_air_only_and_not_on_one_another():
    rng = np.random.default_rng(2)
    full = Block(np.full((64,) * 3, TISSUE, np.uint8), NONE, NONE)
    assert paste(full, np.ones((64,) * 3, bool), nodule(), 1.0, rng) is full
    assert not len(paste(lung(), np.zeros((64,) * 3, bool), nodule(), 1.0, rng).truth)
    assert not len(paste(lung((12, 64, 64)), np.ones((12, 64, 64), bool), nodule(9), 1.0, rng).truth)
    block = lung()
    for _ in range(12):
        block = paste(block, np.ones((64,) * 3, bool), nodule(), 1.0, rng)
    distance = np.linalg.norm(block.truth[:, None, :3] - block.truth[None, :, :3], axis=2)
    assert len(block.truth) > 2
    assert distance[~np.eye(len(distance), dtype=bool)].min() > 9


def test_an_inset_brings_its_annotations():
    cube = np.full((50,) * 3, LUNG, np.uint8)
    cube[np.linalg.norm(np.indices(cube.shape) - 25, axis=0) < 5] = TISSUE
    source = Block(cube, np.array([[25.0, 25, 25, 10]]), NONE)
    for seed in range(8):
        block = inset(lung(), source, 1.0, np.random.default_rng(seed))
        dense = np.argwhere(block.voxels == TISSUE)
        assert block.voxels.shape == (64,) * 3
        for sphere in block.truth:
            assert block.voxels[tuple(np.round(sphere[:3]).astype(int))] == TISSUE
        if len(block.truth):
            assert np.abs(dense.mean(0) - block.truth[0, :3]).max() < 3


def test_patches_keep_lesions_and_what_is_left_out():
    known = np.array([[40.0, 60, 50, 12]])
    thorax = scan(truth=known, ignore=known + [0, 0, 0, 2 * RIM_MM], marks=NONE, scores=np.zeros(0))
    rng = np.random.default_rng(0)
    patches = [thorax_patch(thorax, [nodule()], [], 64, rng) for _ in range(30)]
    assert {w.hu.shape for w in patches} == {(64,) * 3}
    assert all(w.source == -1 for w in patches)
    assert any(np.isclose(w.truth[:, 3], 12).any() for w in patches if len(w.truth))
    for patch in patches:
        # A lesion in the patch has its rim with it; whatever else is true was pasted.
        lesions = patch.truth[np.isclose(patch.truth[:, 3], 12)]
        for sphere in lesions:
            assert np.isclose(patch.ignore[:, :3], sphere[:3]).all(1).any()


def test_patches_lie_on_hard_negatives():
    thorax = scan()
    rng = np.random.default_rng(0)
    near = [thorax_patch(thorax, [], [], 32, rng).hu.max() for _ in range(60)]
    assert np.mean(np.array(near) > 0) > 0.6  # the wall at y < 20 is beside the mark


def test_cut_out_follows_the_mask():
    from types import SimpleNamespace

    voxels = np.full((50,) * 3, LUNG, np.uint8)
    mask = np.zeros((2, 50, 50, 50), bool)
    mask[1, 20:29, 22:31, 24:33] = True
    cube = SimpleNamespace(voxels=voxels, truth=np.array([[24.0, 26, 28, 9]]), row={"index": "1"})
    (found,) = cut_out([cube], mask)
    assert found.voxels.shape == (17, 17, 17)
    assert found.sphere.tolist() == [8, 8, 8, 9]
    assert not cut_out([SimpleNamespace(voxels=voxels, truth=cube.truth, row={"index": "0"})], mask)


def test_mining_keeps_false_marks_and_adds_those_of_another_round(tmp_path):
    folder = write_whole_scans(tmp_path / "data")
    scans = load_whole_scans(folder, names=["A"])
    on_lesion, false = (*LESION, 0.9), (-30.0, 60.0, -40.0, 6.0, 0.8)
    mine(scans, Marker([on_lesion, false]), tmp_path / "out")
    first = load_thorax(tmp_path / "out" / "A.npz")
    assert first.scores.tolist() == [0.8]
    assert first.slice_mm == 2
    assert first.voxels[tuple(np.round(first.truth[0, :3]).astype(int))] == round((30 + 1024) / 8)
    assert first.lungs[tuple(np.round(first.marks[0, :3]).astype(int))]
    again, new = (-29.0, 60.0, -40.0, 6.0, 0.3), (-30.0, 75.0, 40.0, 5.0, 0.6)
    mine(scans, Marker([again, new]), tmp_path / "out")
    second = load_thorax(tmp_path / "out" / "A.npz")
    assert sorted(second.scores) == [0.3, 0.6]  # the mark found again has its new score


def test_what_is_saved_comes_back(tmp_path):
    thorax = scan()
    save_thorax(tmp_path / "a.npz", thorax)
    loaded = load_thorax(tmp_path / "a.npz")
    for name, value in vars(thorax).items():
        assert np.array_equal(getattr(loaded, name), value), name


def test_thorax_of_leaves_doubtful_places_out(tmp_path):
    scans = load_whole_scans(write_whole_scans(tmp_path), names=["B"])
    doubtful = dataclasses.replace(scans[0], excluded=np.array([[-30.0, 60.0, -40.0, 8.0]]))
    image = read_image(doubtful.path)
    findings = finish(Marker([(-30.0, 61.0, -40.0, 6.0, 0.8)]).run(image))
    assert not len(thorax_of(doubtful, image, lung_field(image), findings, 2.0).marks)


def test_the_card_names_the_scans(tmp_path):
    save_thorax(tmp_path / "SCAN.npz", scan())
    config = TrainingConfig(thoraxes=str(tmp_path))
    card = card_of(SHIPPED, config, CubeSplit([], []), "1", {})
    assert seen_cases(card) == {"SCAN"}
    assert "whole scans, here 1." in card.limits[0]
    assert not seen_cases(card_of(SHIPPED, TrainingConfig(), CubeSplit([], []), "1", {}))
