"""Cubes around marks and nodules: what lies in their middle, whose fold they are, and that slices tell nothing."""

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.mark_cubes import load_mark_cubes, save_mark_cubes
from napari_lungmtl.training.data.public.luna16_nodules import read_folds
from napari_lungmtl.training.networks.ag3d.sets.marks import cube_at, mark_cubes
from napari_lungmtl.training.networks.ag3d.thorax import Thorax
from napari_lungmtl.training.ops.logits import calibrated
from tests.stand_ins.rated_cubes import write_rated_cubes

LUNG, TISSUE = 22, 133
CALIBRATION = (3.0, -5.0)


def thorax(value):
    """Lung with a wall, and two false marks in it: a ball of `value` and nothing."""
    voxels = np.full((80, 90, 100), LUNG, np.uint8)
    voxels[:, :20] = TISSUE
    voxels[28:33, 38:43, 48:53] = value
    marks = np.array([[60.0, 60, 4, 6], [30, 40, 50, 5]])
    none = np.zeros((0, 4))
    return Thorax(voxels, voxels < 50, none, none, marks, np.array([0.3, 0.9]), 3.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_rated_cubes(tmp_path_factory.mktemp("cubes"), 20)
    with np.load(folder / "cubes.npz") as f:
        voxels = np.cumsum(f["cubes_dz"], axis=1, dtype=np.uint8)
        masks = np.packbits((voxels == 132).reshape(len(voxels), -1), axis=1)
        np.savez_compressed(folder / "cubes.npz", cubes_dz=f["cubes_dz"], masks=masks)
    return folder


@pytest.fixture(scope="module")
def made(folder):
    return mark_cubes({"B": thorax(120), "A": thorax(90)}, folder, pasted=6, calibration=CALIBRATION)


def test_marks_come_first_with_the_surest_at_the_top(made):
    marks = made.take(made.kind == "mark")
    assert list(marks.series) == ["A", "A", "B", "B"]
    assert list(marks.fold) == ["0", "0", "1", "1"]
    assert marks.score[:2] == pytest.approx(calibrated([0.9, 0.3], CALIBRATION))
    middles = [v[tuple(np.round(c).astype(int))] for v, c in zip(marks.voxels, marks.center, strict=True)]
    assert middles == [90, LUNG, 120, LUNG]
    assert marks.litres[0] == pytest.approx((thorax(90).lungs).sum() * 1e-6)
    assert not marks.nodule.any()


def test_pasted_nodules_are_of_the_scans_own_fold(folder, made):
    pasted = made.take(made.kind == "pasted")
    assert len(pasted) > 4
    assert pasted.nodule.all()
    assert np.isnan(pasted.score).all()
    assert set(zip(pasted.series, pasted.fold, strict=True)) <= {("A", "0"), ("B", "1")}
    for voxels, center in zip(pasted.voxels, pasted.center, strict=True):
        assert voxels[tuple(np.round(center).astype(int))] > LUNG + 30


def test_places_in_cubes_are_nodules_and_others_with_thin_and_thick_slices(folder, made):
    cubes = made.take(made.kind == "cube")
    folds = read_folds(folder)
    assert [folds[s] for s in cubes.series] == list(cubes.fold)
    assert (cubes.nodule == 1).sum() == 20
    # Generated lung holds nothing solid but the nodule, so that places without one are hard to find there.
    assert set(np.unique(cubes.slice_mm)) == {1.0, 3.0}


def test_a_place_at_the_edge_keeps_its_field(made):
    voxels, sphere = cube_at(thorax(90).voxels, np.array([2.0, 88.0, 50.0, 5.0]))
    assert voxels.shape == (50, 50, 50)
    assert sphere.tolist() == [25, 25, 25, 5]
    assert (voxels == LUNG).all()


def test_to_a_file_and_back(made, tmp_path):
    save_mark_cubes(tmp_path / "new" / "marks.npz", made)
    read = load_mark_cubes(tmp_path / "new" / "marks.npz")
    for name, value in vars(made).items():
        assert np.array_equal(getattr(read, name), value, equal_nan=value.dtype.kind == "f"), name
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DatasetError, match=r"other\.npz is damaged"):
        load_mark_cubes(tmp_path / "other.npz")
