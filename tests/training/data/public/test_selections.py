"""Selections of JSRT and NIH with folds: what is boxed, what is not, who read it."""

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.folder_radiographs import read_case
from napari_lungmtl.training.data.public.lung_masks import read_lungs
from napari_lungmtl.training.data.public.open_radiographs import layout_of, open_radiograph_cases
from napari_lungmtl.training.data.public.radiograph_files import read_radiograph

from ....stand_ins.radiograph_sets import write_jsrt_rows, write_nih_films


def named(folder):
    return {case.name: case for case in open_radiograph_cases(folder)}


def test_jsrt_in_node21s_columns(tmp_path):
    write_jsrt_rows(tmp_path)
    assert layout_of(tmp_path).licence.startswith("JSRT: research use")
    cases = named(tmp_path)
    case = cases["JPCLN001.jpg"]
    assert (case.fold, case.positive, case.subtlety.tolist(), case.diameter_mm.tolist()) == (
        *("1", True),
        *([2.0], [14.0]),
    )
    assert case.mm == pytest.approx(0.175 * 2048 / 128)
    assert cases["JPCLC002.jpg"].positive is False
    assert np.unique(read_lungs(case)).tolist() == [0, 1, 2]
    # Networks see four pixels for one along a side.
    assert read_case(case).sample.mm == pytest.approx(0.175 * 4)


def test_a_missing_lung_mask_says_where_it_should_be(tmp_path):
    write_jsrt_rows(tmp_path)
    (tmp_path / "lungs" / "JPCLN000.png").unlink()
    with pytest.raises(DatasetError, match=r"JPCLN000.png .* nor in .*lungs"):
        open_radiograph_cases(tmp_path)


def test_nih_with_boxes_and_its_controls(tmp_path):
    cases = named(write_nih_films(tmp_path))
    assert list(cases) == [
        *(f"0000000{i}_000.jpg" for i in range(3)),
        *("00000100_000.jpg", "00000101_000.jpg"),
    ]
    for i in range(3):
        case = cases[f"0000000{i}_000.jpg"]
        assert case.boxes.tolist() == [[24 + i, 40, 40 + i, 52]]
        assert (case.complete, case.generous, case.group, case.background) == (
            *(i > 0, True),
            *("boxed", f"0000000{i}"),
        )
        pixels = read_radiograph(case).voxels
        assert pixels[42:50, 28 + i : 36 + i].mean() > 200
    assert all(cases[name].positive is False for name in list(cases)[3:])


def test_nih_without_nodules(tmp_path):
    write_nih_films(tmp_path)
    cases = open_radiograph_cases(tmp_path / "nih_clear")
    assert [case.group for case in cases] == ["read", "read", "no finding", "other disease"]
    assert all(len(case.boxes) == 0 and case.complete for case in cases)


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("films.csv", "00000001_000.jpg,", "00000009_000.jpg,", "00000001_000.jpg, which"),
        ("films.csv", "00000001_000.jpg,", "00000000_000.jpg,", "listed twice"),
        ("boxes.csv", "00000001_000.jpg,", "00000009_000.jpg,", "does not list"),
        ("films.csv", ",nih\n", ",elsewhere\n", "copy it there"),
        ("boxes.csv", ",128,", ",0,", "pixels wide"),
    ],
)
def test_damaged_tables_are_named(tmp_path, table, old, new, said):
    path = write_nih_films(tmp_path) / table
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Exception, match=said):
        open_radiograph_cases(path.parent)


@pytest.mark.parametrize(
    ("name", "count", "boxes", "incomplete"),
    [("jsrt", 135, 79, 0), ("nih_boxed", 134 + 107, 152, 113), ("nih_clear", 657, 0, 0)],
)
def test_the_real_sets(lungmtl_data, name, count, boxes, incomplete):
    cases = open_radiograph_cases(lungmtl_data / "cxr" / name)
    assert len(cases) == count
    assert sum(len(case.boxes) for case in cases) == boxes
    assert sum(not case.complete for case in cases) == incomplete
    assert {case.fold for case in cases} == set("01234")
