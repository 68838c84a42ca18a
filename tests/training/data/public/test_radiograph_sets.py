"""The public sets of radiographs as test sets: truth of miniature sets in the published layouts, and of the real ones at hand."""

import gzip
import json

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.lung_masks import read_lungs
from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.findings.formats.errors import FindingsFileError

from ....stand_ins.radiograph_sets import (
    JSRT_ROWS,
    SIZE,
    picture,
    save,
    write_coco_set,
    write_jsrt,
    write_nih,
    write_node21,
    write_simulated,
)


def named(folder) -> dict[str, RadiographCase]:
    cases = open_radiograph_cases(folder)
    assert len({case.name for case in cases}) == len(cases)
    return {case.name: case for case in cases}


@pytest.mark.parametrize("suffix", [".mha", ".png", ".jpg", ".tif"])
def test_node21(tmp_path, suffix):
    truth = write_node21(tmp_path, suffix, radiographs=6)
    cases = named(tmp_path)
    assert list(cases) == list(truth)
    for name, boxes in truth.items():
        case = cases[name]
        assert case.boxes.tolist() == [[x, y, x + w, y + h] for x, y, w, h in boxes]
        assert case.positive is bool(boxes)
        assert (case.path, case.background) == (tmp_path / "images" / name, name.split(".")[0])
        assert np.isnan(case.diameter_mm).all()
        assert len(case.diameter_mm) == len(boxes)


def test_node21_gzipped_with_images_beside_the_table(tmp_path):
    write_node21(tmp_path, ".png", radiographs=3)
    for path in (tmp_path / "images").iterdir():
        path.rename(tmp_path / path.name)
    (tmp_path / "images").rmdir()
    table = tmp_path / "metadata.csv"
    (tmp_path / "metadata.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert len(open_radiograph_cases(tmp_path)) == 3


def test_a_simulated_set(tmp_path):
    write_simulated(tmp_path)
    cases = named(tmp_path)
    with_nodule, without = cases["a_0.png"], cases["a_1.png"]
    assert with_nodule.background == without.background == "a"
    assert with_nodule.diameter_mm.tolist() == [12.5]
    assert (len(without.boxes), len(without.diameter_mm), without.positive) == (0, 0, False)
    assert with_nodule.shams.tolist() == [[80, 20, 90, 30]]
    assert without.shams.tolist() == [[30, 40, 38, 48]]
    lungs = read_lungs(with_nodule)
    assert lungs.shape == SIZE
    assert [(lungs == v).sum() for v in (1, 2)] == [2800, 2800]
    (tmp_path / "masks" / "a_1.png").unlink()
    with pytest.raises(DatasetError, match=r"mask a_1\.png"):
        open_radiograph_cases(tmp_path)


def test_a_missing_radiograph_is_named_once_with_the_count(tmp_path):
    write_node21(tmp_path, ".png", radiographs=6)
    (tmp_path / "images" / "c0003.png").unlink()
    (tmp_path / "images" / "n0004.png").unlink()
    with pytest.raises(DatasetError, match=r"c0003\.png \(and 1 more\) is named in .*metadata\.csv"):
        open_radiograph_cases(tmp_path)


def test_boxes_are_cut_at_the_edge_and_refused_outside(tmp_path):
    save(picture(), tmp_path / "images" / "a.png")
    table = tmp_path / "metadata.csv"
    table.write_text("img_name,height,width,x,y,label\na.png,10,20,-5,90,1\n")
    assert named(tmp_path)["a.png"].boxes.tolist() == [[0, 90, 15, 96]]
    table.write_text("img_name,height,width,x,y,label\na.png,10,20,500,90,1\n")
    with pytest.raises(DatasetError, match=r"outside .*a\.png, which has 128 × 96"):
        open_radiograph_cases(tmp_path)


def test_two_files_of_one_name(tmp_path):
    write_node21(tmp_path, ".png", radiographs=2)
    save(picture(), tmp_path / "images" / "more" / "n0000.png")
    with pytest.raises(DatasetError, match="share a name"):
        open_radiograph_cases(tmp_path)


def test_nih(tmp_path):
    write_nih(tmp_path)
    cases = named(tmp_path)
    assert list(cases) == ["00000001_000.png", "00000001_001.png", "00000002_000.png", "00000003_000.png"]
    boxed, clear, unplaced, other = cases.values()
    # Boxes are given on 1024 pixels, the pictures have 64.
    assert boxed.boxes.tolist() == [[16, 32, 24, 36]]
    assert (boxed.positive, unplaced.positive) == (True, True)
    assert unplaced.boxes is None
    assert (clear.positive, other.positive, len(clear.boxes), len(other.boxes)) == (False, False, 0, 0)
    assert [c.background for c in cases.values()] == ["1", "1", "2", "3"]


def test_nih_as_published_later_and_without_boxes(tmp_path):
    write_nih(tmp_path)
    (tmp_path / "BBox_List_2017.csv").unlink()
    (tmp_path / "Data_Entry_2017.csv").rename(tmp_path / "Data_Entry_2017_v2020.csv")
    assert [c.boxes is None for c in open_radiograph_cases(tmp_path)] == [True, False, True, False]


def test_nih_with_quoted_headers_and_bad_rows(tmp_path):
    write_nih(tmp_path)
    boxes = tmp_path / "BBox_List_2017.csv"
    boxes.write_text('Image Index,Finding Label,"Bbox [x,y,w,h]",,,\n00000001_000.png,Mass,0,0,32,16\n')
    assert named(tmp_path)["00000001_000.png"].boxes.tolist() == [[0, 0, 2, 1]]
    boxes.write_text("Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000001_000.png,Mass,0,0,32\n")
    with pytest.raises(FindingsFileError, match=r"BBox_List_2017\.csv, line 2: too few values"):
        open_radiograph_cases(tmp_path)


def test_nih_lists_a_picture_twice_or_none_that_is_there(tmp_path):
    write_nih(tmp_path)
    table = tmp_path / "Data_Entry_2017.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows, rows[1]]))
    with pytest.raises(FindingsFileError, match=r"line 7: 00000001_000\.png is listed twice"):
        open_radiograph_cases(tmp_path)
    table.write_text("\n".join([rows[0], rows[-1]]))
    with pytest.raises(DatasetError, match="none of the pictures"):
        open_radiograph_cases(tmp_path)


def test_jsrt_with_scr(tmp_path):
    write_jsrt(tmp_path)
    cases = named(tmp_path)
    first, unsized, third, clear = cases.values()
    # 15 mm are 85.7 pixels of 0.175 mm around the middle of pixel (1634, 692), on an eighth of the radiograph's pixels.
    middle, half = np.array([1634.5, 692.5]) / 8, 15 / 0.175 / 2 / 8
    np.testing.assert_allclose(first.boxes, [[*(middle - half), *(middle + half)]], rtol=1e-5)
    assert first.diameter_mm.tolist() == [15]
    assert (unsized.positive, unsized.boxes) == (True, None)
    assert third.diameter_mm.tolist() == [21]
    assert (clear.positive, len(clear.boxes)) == (False, 0)
    for case in cases.values():
        lungs = read_lungs(case)
        right, left = np.argwhere(lungs == 1), np.argwhere(lungs == 2)
        # The patient's right lung is on the left of the picture.
        assert right[:, 1].max() < lungs.shape[1] / 2 < left[:, 1].min()


def test_jsrt_without_masks(tmp_path):
    write_jsrt(tmp_path, masks=False)
    assert all(case.lungs is None and read_lungs(case) is None for case in open_radiograph_cases(tmp_path))


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (
            JSRT_ROWS + "JPCLN009.IMG\t5\t15\t53\tMale\t1\t2\tbenign\tl\tx\r",
            DatasetError,
            "JPCLN009 is named",
        ),
        (JSRT_ROWS.split("JPCLN003")[0], DatasetError, r"JPCLN003\.png shows a nodule by its name"),
        (JSRT_ROWS + JSRT_ROWS.replace("1634", "17"), DatasetError, "gives JPCLN001.IMG twice"),
        (JSRT_ROWS.replace("\t", " "), FindingsFileError, "line 1: ten values separated by tabs"),
        (JSRT_ROWS.replace("692", "6q2"), FindingsFileError, "line 1: '6q2' is no number"),
        (JSRT_ROWS.replace("\t21\t", "\t0\t"), FindingsFileError, "line 3: the nodule's size is 0"),
        ("\r\r", FindingsFileError, "lists no nodule"),
    ],
)
def test_bad_tables_of_jsrt(tmp_path, text, error, says):
    write_jsrt(tmp_path, masks=False)
    (tmp_path / "Clinical_Information" / "CLNDAT_EN.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(error, match=says):
        open_radiograph_cases(tmp_path)


def test_a_radiograph_of_jsrt_in_two_formats(tmp_path):
    write_jsrt(tmp_path, masks=False)
    save(picture(), tmp_path / "All247images" / "JPCLN001.tif")
    with pytest.raises(DatasetError, match="copies of one radiograph"):
        open_radiograph_cases(tmp_path)


def test_coco(tmp_path):
    write_coco_set(tmp_path)
    cases = named(tmp_path)
    assert cases["a.png"].boxes.tolist() == [[20, 30, 36, 42]]
    assert (cases["b.png"].positive, len(cases["b.png"].boxes)) == (False, 0)
    (tmp_path / "other.json").write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(
        DatasetError, match=r"holds other\.json, annotations/instances\.json|instances\.json, other"
    ):
        open_radiograph_cases(tmp_path)


def test_coco_with_a_radiograph_of_another_size_or_missing(tmp_path):
    write_coco_set(tmp_path)
    save(picture(size=(192, 256)), tmp_path / "images" / "sub" / "a.png")
    assert named(tmp_path)["a.png"].boxes.tolist() == [[40, 60, 72, 84]]
    (tmp_path / "images" / "b.png").unlink()
    with pytest.raises(DatasetError, match=r"b\.png is named in .*instances\.json"):
        open_radiograph_cases(tmp_path)


def test_lung_masks_in_both_layouts(tmp_path):
    hundred, four = tmp_path / "hundred", tmp_path / "four"
    labels = np.repeat(np.arange(6, dtype=np.uint8), 10)[None].repeat(30, 0)
    save(picture(), hundred / "f.jpg")
    save(labels, hundred / "f.png")
    (hundred / "labels.csv").write_text("file,labels,use\nf.jpg,f.png,measure\n")
    (case,) = open_radiograph_cases(hundred)
    assert (case.boxes, case.positive) == (None, None)
    # Heart (3) and effusion (4) are no lung.
    assert {int(v): int(n) for v, n in zip(*np.unique(read_lungs(case), return_counts=True))} == {
        0: 1200,
        1: 300,
        2: 300,
    }
    save(picture(), four / "1.jpg")
    save(np.where(labels == 1, 255, 0).astype(np.uint8), four / "1-mask.png")
    (case,) = open_radiograph_cases(four)
    assert (read_lungs(case) == 255).sum() == 300
    (four / "1.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1-mask\.png is the mask of a radiograph that is not there"):
        open_radiograph_cases(four)


def test_a_damaged_picture_keeps_its_truth_so_that_the_others_can_be_judged(tmp_path):
    write_node21(tmp_path, ".png", radiographs=2)
    whole = open_radiograph_cases(tmp_path)
    (tmp_path / "images" / "n0000.png").write_bytes(b"no picture")
    for before, after in zip(whole, open_radiograph_cases(tmp_path), strict=True):
        assert (after.name, after.positive) == (before.name, before.positive)
        np.testing.assert_array_equal(after.boxes, before.boxes)


def test_folders_that_are_no_set(tmp_path):
    with pytest.raises(DatasetError, match="is no folder"):
        open_radiograph_cases(tmp_path / "absent")
    (tmp_path / "labels.csv").write_text("a,b\n")
    (tmp_path / "x.json").write_text(json.dumps({"images": []}))
    with pytest.raises(DatasetError, match=r"Looked for: metadata\.csv"):
        open_radiograph_cases(tmp_path)
    write_node21(tmp_path / "cxr_images" / "proccessed_data", ".png", radiographs=1)
    with pytest.raises(DatasetError, match=r"There is one in .*proccessed_data: name that folder"):
        open_radiograph_cases(tmp_path)
    (tmp_path / "radiographs.npz").write_bytes(b"")
    with pytest.raises(DatasetError, match="to train on"):
        open_radiograph_cases(tmp_path)


def test_the_real_nih_radiographs(lungmtl_data):
    cases = open_radiograph_cases(lungmtl_data / "cxr" / "nih")
    assert (len(cases), sum(c.positive for c in cases), sum(not c.upright for c in cases)) == (75, 8, 39)
    assert all((c.boxes is None) == c.positive for c in cases)


def test_the_real_lung_masks(lungmtl_data):
    cases = open_radiograph_cases(lungmtl_data / "cxr" / "lung_masks_100")
    assert len(cases) == 70
    for case in cases[::7]:
        lungs = read_lungs(case)
        right, left = (np.argwhere(lungs == v)[:, 1].mean() for v in (1, 2))
        assert right < left
        assert 0.1 < (lungs > 0).mean() < 0.6
    four = open_radiograph_cases(lungmtl_data / "cxr" / "lung_masks")
    assert [0.1 < (read_lungs(c) == 255).mean() < 0.6 for c in four] == [True] * 4
