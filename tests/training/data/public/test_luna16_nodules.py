"""Cubes, positions and truth of the layout of ``luna16_nodules``: generated ones, and the real ones where they are at hand."""

import csv

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, read_folds, to_hu
from napari_lungmtl.training.findings.formats.errors import FindingsFileError


def write_folder(folder, direction=1, folds=True):
    """One cube with a dense voxel at z 20, y 25, x 30, whose world position follows from origin and direction."""
    voxels = np.full((1, 50, 50, 50), 10, np.uint8)
    voxels[0, 20, 25, 30] = 140
    dz = np.diff(voxels.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
    np.savez_compressed(folder / "cubes.npz", cubes_dz=dz)
    origin = {"originX": -100.0, "originY": 40.0, "originZ": -300.0}
    row = {
        "index": 0,
        "seriesuid": "1.2.3",
        "coordX": -100.0 + direction * 30,
        "coordY": 40.0 + direction * 25,
        "coordZ": -280.0,
        "diameter_mm": 6.5,
        **origin,
        "direction_xy": direction,
    }
    with (folder / "nodules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    if folds:
        (folder / "folds.csv").write_text("seriesuid,fold\n1.2.3,4\n")
    return folder


@pytest.mark.parametrize("direction", [1, -1])
def test_truth_lies_on_the_dense_voxel(tmp_path, direction):
    (cube,) = load_cubes(write_folder(tmp_path, direction))
    assert cube.truth.tolist() == [[20, 25, 30, 6.5]]
    assert np.argwhere(to_hu(cube.voxels) > 0).tolist() == [[20, 25, 30]]


def test_excluded_without_diameter_is_ten_mm(tmp_path):
    folder = write_folder(tmp_path)
    excluded = tmp_path / "x.csv"
    excluded.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,-100,40,-300,-1\n9,0,0,0,-1\n")
    (cube,) = load_cubes(folder, excluded=excluded)
    assert cube.excluded.tolist() == [[0, 0, 0, 10]]


def test_folds_choose(tmp_path):
    folder = write_folder(tmp_path)
    assert len(load_cubes(folder, folds=[4])) == 1
    assert load_cubes(folder, folds=["0", "1"]) == []


def test_clear_errors(tmp_path):
    with pytest.raises(FindingsFileError, match=r"nodules\.csv does not exist"):
        load_cubes(tmp_path)
    folder = write_folder(tmp_path, folds=False)
    with pytest.raises(DatasetError, match=r"no folds\.csv"):
        load_cubes(folder, folds=[0])
    (folder / "cubes.npz").unlink()
    with pytest.raises(DatasetError, match=r"cubes\.npz is missing"):
        load_cubes(folder)


def test_real_cubes(lungmtl_data, luna16_cubes):
    folder, cubes = lungmtl_data / "luna16_nodules", luna16_cubes
    assert len(cubes) == 1018
    for cube in cubes:
        # The nodule that the cube was cut around is among its truth, near the middle.
        own = np.array([float(cube.row[c]) for c in ("coordZ", "coordY", "coordX")])
        assert np.linalg.norm(cube.truth[:, :3] - 24.5, axis=1).min() < 4, own
    with np.load(folder / "cubes.npz") as f:
        masks = np.unpackbits(f["masks"][:50], axis=1, count=50**3).reshape(-1, 50, 50, 50)
    offsets = []
    for cube, mask in zip(cubes[:50], masks, strict=True):
        center = np.argwhere(mask).mean(axis=0)
        offsets.append(np.linalg.norm(cube.truth[:, :3] - center, axis=1).min())
    assert np.median(offsets) < 0.6


def test_no_scan_is_in_two_folds_and_the_dicom_one_in_none(lungmtl_data, luna16_cubes):
    folder = lungmtl_data / "luna16_nodules"
    folds = read_folds(folder)
    assert set(folds.values()) == {"0", "1", "2", "3", "4", "never"}
    by_fold = {f: {c.series for c in luna16_cubes if c.fold == f} for f in "01234"}
    names = [s for series in by_fold.values() for s in series]
    assert len(names) == len(set(names))
    # One fold read by itself is the whole of it and nothing else, so the others need not be read one by one.
    assert {c.series for c in load_cubes(folder, folds=["3"])} == by_fold["3"]
