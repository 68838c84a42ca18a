"""Nodules of a folder of cubes: the table, the predictions, and each cube at its place in the world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.cohort import CohortError, load_cohort, read_nodule
from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.findings.formats.errors import FindingsFileError

from ...stand_ins.cubes_folder import SIZE, place, write_cubes, write_predictions


def test_the_table_has_what_the_readers_say(tmp_path):
    ratings = np.tile([5, 1, 6, 4, 3, 2, 1, 5, 4.0], (2, 1))
    ratings[1, 4] = np.nan  # a reader left the margin out
    cohort = load_cohort(write_cubes(tmp_path, [1, -1], ratings))
    first, second = cohort.nodules
    assert first.case == "1.2.0"
    np.testing.assert_allclose(first.center, place(0, 1)[0])
    assert first.diameter == 6
    np.testing.assert_array_equal(cohort.attributes("readers")[0], ratings[0, :8])
    assert first.value("malignancy", "readers") == 4
    assert np.isnan(second.value("margin", "readers"))
    assert np.isnan(cohort.values("malignancy")).all()
    assert np.isnan(cohort.attributes()).all()


def test_predictions_join_their_nodules_by_number(tmp_path):
    folder = write_cubes(tmp_path / "cubes", [1] * 6)
    cohort = load_cohort(folder, write_predictions(tmp_path / "oof.csv", 6, first=2))
    np.testing.assert_allclose(cohort.values("malignancy"), [np.nan, np.nan, 3 / 7, 4 / 7, 5 / 7, 6 / 7])
    np.testing.assert_allclose(cohort.values("subtlety")[2:], 2 + np.arange(2, 6) / 6)
    np.testing.assert_allclose(cohort.values("spread")[2:], 0.1)
    assert cohort.problems == ("oof.csv has no prediction for 2 of the 6 nodules.",)


def test_a_network_without_attributes_gives_malignancy_alone(tmp_path):
    folder = write_cubes(tmp_path / "cubes", [1] * 3)
    cohort = load_cohort(folder, write_predictions(tmp_path / "oof.csv", 3, attributes=False))
    assert np.isfinite(cohort.values("malignancy")).all()
    assert not cohort.nodules[0].finding.attributes


def test_predictions_of_other_cubes_are_refused(tmp_path):
    folder = write_cubes(tmp_path / "cubes", [1] * 3)
    path = write_predictions(tmp_path / "oof.csv", 3)
    path.write_text(path.read_text().replace("1.2.1,", "9.9.9,"))
    with pytest.raises(CohortError, match=r"belongs to other cubes: its nodule 1 .* 9\.9\.9"):
        load_cohort(folder, path)
    with pytest.raises(CohortError, match="for none of these"):
        load_cohort(folder, write_predictions(tmp_path / "far.csv", 9, first=5))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    direction=st.sampled_from([1, -1]),
    origin=st.tuples(*[st.floats(-400, 400).map(lambda v: round(v, 3))] * 3),
    voxel=st.tuples(*[st.integers(0, SIZE - 1)] * 3),
)
def test_a_marked_voxel_lies_where_the_readme_of_the_data_says(tmp_path, direction, origin, voxel):
    """Voxel x = direction_xy * (coordX - originX): world and LPS+ image must agree, in both directions."""
    from ...stand_ins.cubes_folder import HEADER

    voxels = np.full((1, SIZE, SIZE, SIZE), 28, np.uint8)
    voxels[(0, *voxel)] = 128
    np.savez(tmp_path / "cubes.npz", cubes_dz=np.diff(voxels, axis=1, prepend=np.uint8(0)))
    world = np.add(origin, np.multiply(voxel, (1, direction, direction)))
    row = [0, "1.2", *map(float, world[::-1]), 8, "", *origin[::-1], direction]
    (tmp_path / "nodules.csv").write_text(f"{','.join(HEADER)}\n{','.join(map(str, row))}\n")
    image, findings = read_nodule(load_cohort(tmp_path), 0)
    np.testing.assert_allclose(findings[0].center, world)
    index = np.rint(image.to_index(world)).astype(int)
    np.testing.assert_allclose(image.to_world(index), world, atol=1e-6)
    assert image.voxels[tuple(index)] == 0
    assert np.count_nonzero(image.voxels == 0) == 1
    assert image.modality == "CT"
    assert image.spacing == (1, 1, 1)


def test_real_cubes_are_those_of_the_dataset(lungmtl_data, luna16_cubes):
    """Beside `load_cubes`, which leaves the voxels as stored: the same values, turned where the scan is turned."""
    folder = lungmtl_data / "luna16_nodules"
    cohort = load_cohort(folder)
    assert len(cohort) == 1018
    assert np.isfinite(cohort.attributes("readers")).all()
    turned = next(i for i, cube in enumerate(luna16_cubes) if cube.row["direction_xy"] == "-1")
    for row in (0, turned):
        image, findings = read_nodule(cohort, row)
        flip = -1 if row == turned else 1
        np.testing.assert_array_equal(image.voxels, to_hu(luna16_cubes[row].voxels)[:, ::flip, ::flip])
        index = image.to_index(findings[0].center)
        assert np.all(np.abs(index - 24.5) < 1.5)  # the nodule is the middle of its cube
        z, y, x = np.rint(index).astype(int)
        around = image.voxels[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3]
        assert around.mean() > image.voxels.mean()  # denser than what lies around it


def test_neighbours_in_the_cube_come_along_after_the_nodule_itself(tmp_path):
    write_cubes(tmp_path, [1, 1])
    table = tmp_path / "nodules.csv"
    table.write_text(table.read_text().replace("1.2.1,", "1.2.0,"))
    _, findings = read_nodule(load_cohort(tmp_path), 1)
    assert [f.id for f in findings] == ["nodule1", "nodule0"]


def test_broken_folders_give_sentences(tmp_path):
    folder = write_cubes(tmp_path / "cubes", [1, 1])
    table = folder / "nodules.csv"
    whole = table.read_text()
    cohort = load_cohort(folder)
    (folder / "cubes.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(CohortError, match=r"cubes\.npz is damaged"):
        read_nodule(cohort, 0)
    (folder / "cubes.npz").unlink()
    with pytest.raises(CohortError, match=r"cubes\.npz is missing"):
        read_nodule(load_cohort(folder), 0)
    table.write_text(whole.replace("[[", "[["[:1], 1))
    with pytest.raises(FindingsFileError, match="line 2"):
        load_cohort(folder)
    table.write_text(whole.splitlines()[0] + "\n")
    with pytest.raises(CohortError, match="names no nodule"):
        load_cohort(folder)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(FindingsFileError, match="no column seriesuid"):
        load_cohort(folder)
    table.unlink()
    np.savez(folder / "cubes.npz", cubes_dz=np.zeros(1))
    with pytest.raises(CohortError, match=r"nodules\.csv is missing"):
        load_cohort(folder)


def test_a_cube_that_the_archive_lacks(tmp_path):
    folder = write_cubes(tmp_path, [1, 1])
    cohort = load_cohort(folder)
    np.savez(folder / "cubes.npz", cubes_dz=np.zeros((1, 4, 4, 4), np.uint8))
    with pytest.raises(CohortError, match=r"names cube 1, but cubes\.npz holds 1"):
        read_nodule(cohort, 1)


def test_the_columns_are_those_of_the_finding(tmp_path):
    cohort = load_cohort(write_cubes(tmp_path / "cubes", [1] * 4), write_predictions(tmp_path / "oof.csv", 4))
    for i, name in enumerate(ATTRIBUTES):
        np.testing.assert_array_equal(cohort.attributes()[:, i], cohort.values(name))
    assert cohort.row("1.2.3", "nodule3") == 3
    assert cohort.row("1.2.3", "nodule0") is None
