import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask, Sphere
from napari_lungmtl.training.findings.formats.coco import findings_of, on_image, read_coco, write_coco
from napari_lungmtl.training.findings.formats.coco_masks import mask_of, rle_of, unpacked
from napari_lungmtl.training.findings.formats.errors import FindingsFileError, SaveError
from napari_lungmtl.training.findings.formats.pixels import PixelBox, to_world

quick = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
arrays = npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=12))


def packed(counts):
    """The packed form, written after COCO's description of it."""
    text = ""
    for i, count in enumerate(counts):
        value, more = count - (counts[i - 2] if i > 2 else 0), True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + (32 if more else 0))
    return text


@quick
@given(arrays)
def test_run_lengths_come_back_packed_and_not(mask):
    rle = rle_of(mask)
    assert sum(rle["counts"]) == mask.size
    np.testing.assert_array_equal(mask_of(rle, mask.shape), mask)
    text = {"size": rle["size"], "counts": packed(rle["counts"])}
    np.testing.assert_array_equal(mask_of(text, mask.shape), mask)


@quick
@given(st.lists(st.integers(0, 10**7), max_size=12))
def test_packed_numbers_of_any_size(counts):
    assert unpacked(packed(counts)) == counts


def test_run_lengths_by_hand():
    """Down the columns, first those outside."""
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)
    assert rle_of(mask) == {"size": [2, 3], "counts": [2, 1, 1, 2]}
    assert rle_of(~mask)["counts"] == [0, 2, 1, 1, 2]
    # 20 is 10100 and needs a second character, or it would be read as negative.
    assert unpacked("3") == [3]
    assert unpacked("d0") == [20]
    # From the fourth on, a run is written as its difference from the run two places before: 3 + 1.
    assert unpacked("2331") == [2, 3, 3, 4]


def test_a_polygon_covers_the_pixels_inside_it():
    mask = mask_of([[3, 2, 6, 2, 6, 5, 3, 5], [0, 0, 1, 0, 1, 1, 0, 1]], (8, 9))
    expected = np.zeros((8, 9), bool)
    expected[2:5, 3:6] = expected[0, 0] = True
    np.testing.assert_array_equal(mask, expected)


@st.composite
def cases(draw):
    made = []
    for i in range(draw(st.integers(0, 3))):
        inside = draw(npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=14)))
        spacing = draw(st.none() | st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)))
        origin = draw(st.tuples(st.floats(-90, 90), st.floats(-90, 90)))
        image = ImageReference(f"f{i}", f"/x/f{i}.png", "DX", inside.shape, spacing, origin)
        items = [Finding(to_world(PixelBox(1, 0, 2, 3), image), draw(st.floats(0, 1)))]
        if inside.any():
            items.append(Finding(Mask.from_array(inside, spacing or (1, 1), origin), draw(st.floats(0, 1))))
        made.append(Findings(tuple(items), image))
    return made


@settings(quick, max_examples=15)  # a tenth of a second each
@given(cases())
def test_boxes_and_masks_come_back(tmp_path, made):
    write_coco(made, tmp_path / "coco.json")
    read = read_coco(tmp_path / "coco.json")
    assert [one.file_name for one in read] == [f.image.series_uid + ".png" for f in made]
    for written, one in zip(made, read, strict=True):
        back = findings_of(one, written.image)
        assert [f.score for f in back] == [f.score for f in written]
        assert one.annotations[0].box == (1, 0, 2, 3)
        for a, b in zip(written, back, strict=True):
            assert a.kind == b.kind
            assert (*b.box.low, *b.box.high) == pytest.approx((*a.box.low, *a.box.high), abs=1e-6)
            if a.kind == "mask":
                np.testing.assert_array_equal(
                    on_image(a.geometry, written.image), on_image(b.geometry, written.image)
                )


def test_one_pixel_in_the_corner_is_no_fraction(tmp_path):
    image = ImageReference("a", shape=(6, 8), spacing=(1, 1), origin=(0, 0))
    corner = np.zeros((6, 8), bool)
    corner[0, 0] = True
    made = Findings((Finding(Mask.from_array(corner, (1, 1), (0, 0)), score=0.5),), image)
    write_coco([made], tmp_path / "coco.json")
    (read,) = read_coco(tmp_path / "coco.json")
    assert read.annotations[0].box == (0, 0, 1, 1)


def test_a_mask_on_a_coarser_grid_is_laid_on_the_image():
    """A network's mask: 2 × 2 pixels of 2 mm on an image of 1 mm, shifted by one pixel."""
    image = ImageReference("a", shape=(6, 8), spacing=(1, 1), origin=(0, 0))
    mask = Mask.from_array(np.array([[1, 0], [1, 1]], bool), (2, 2), (1.5, 2.5))
    expected = np.zeros((6, 8), bool)
    expected[1:5, 2:4] = expected[3:5, 4:6] = True
    np.testing.assert_array_equal(on_image(mask, image), expected)


def test_what_is_written(tmp_path):
    image = ImageReference("a", "a.png", "DX", (6, 8), (0.5, 0.5), (0, 0))
    items = (
        Finding(Box((0.25, 1.25), (1.25, 2.75)), 0.5),
        Finding(Box((0, 1), (1, 2)), status="rejected"),
        Finding(Sphere((1, 2, 3), 4)),
    )
    write_coco([Findings(items, image)], tmp_path / "c.json")
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["images"] == [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}]
    (annotation,) = document["annotations"]
    assert annotation["bbox"] == [3, 1, 3, 2]
    assert (annotation["area"], annotation["iscrowd"], annotation["category_id"]) == (6, 0, 1)
    assert document["categories"][0]["name"] == "nodule"
    with pytest.raises(SaveError, match=r"size of a\.png is not known"):
        write_coco([Findings(items, ImageReference("a", "a.png"))], tmp_path / "c.json")


def document(**changes):
    made = {
        "images": [{"id": 7, "file_name": "images/a.png", "height": 10, "width": 20}],
        "categories": [{"id": 1, "name": "Nodule/Mass"}, {"id": 2, "name": "Cardiomegaly"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 0},
        ],
    }
    return made | changes


def written(tmp_path, **changes):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document(**changes)))
    return path


def test_only_nodules_count(tmp_path):
    (image,) = read_coco(written(tmp_path))
    assert (image.file_name, image.shape) == ("images/a.png", (10, 20))
    assert [a.box for a in image.annotations] == [(1, 2, 3, 4)]
    only = [{"id": 2, "name": "opacity"}]
    (image,) = read_coco(written(tmp_path, categories=only))
    assert [a.box for a in image.annotations] == [(0, 0, 9, 9)]


def test_ids_may_be_texts(tmp_path):
    categories = [{"id": "1", "name": "nodule"}, {"id": "2", "name": "other"}]
    images = [{"id": "7", "file_name": "a.png", "height": 10, "width": 20}]
    (image,) = read_coco(written(tmp_path, images=images, categories=categories))
    assert [a.box for a in image.annotations] == [(1, 2, 3, 4)]
    (image,) = read_coco(written(tmp_path, images=[images[0] | {"id": 7.0}], categories=categories))
    assert [a.box for a in image.annotations] == [(1, 2, 3, 4)]


@pytest.mark.parametrize(
    "names", [("lesion", "x"), ("non-nodule", "heart"), ("no nodule",), ("No_Nodule", "not a mass")]
)
def test_a_file_without_a_category_of_nodules_is_refused(tmp_path, names):
    """Every image of it would count as free of nodules."""
    categories = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
    with pytest.raises(
        FindingsFileError, match=rf"has no category of nodules \(its categories are {names[0]}"
    ):
        read_coco(written(tmp_path, categories=categories))


def test_annotations_of_unknown_categories_are_said(tmp_path, caplog):
    annotations = [*document()["annotations"], {"image_id": 7, "category_id": 9, "bbox": [1, 1, 1, 1]}]
    (image,) = read_coco(written(tmp_path, annotations=annotations))
    assert len(image.annotations) == 1
    assert "1 annotations of categories that it does not list" in caplog.text


def test_boxes_are_brought_to_a_picture_of_another_size(tmp_path):
    (image,) = read_coco(written(tmp_path))
    (finding,) = findings_of(image, ImageReference("a", shape=(20, 20)))
    assert finding.geometry == Box((3.5, 0.5), (11.5, 3.5))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"images": {}}, "damaged.*expected a list"),
        (
            {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [21, 2, 3, 4]}]},
            "annotation 1: the box from x 21, y 2, .*outside the picture of 20 × 10 pixels",
        ),
        (
            {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, -3, 4]}]},
            "annotation 1: its bbox",
        ),
        (
            {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 10**400, 4]}]},
            "annotation 1: expected a number",
        ),
        ({"annotations": [{"image_id": True, "category_id": 1}]}, "annotation 1: expected an id"),
        ({"images": [{"id": 7, "file_name": "a"}]}, "image 1: 'height' is missing"),
        ({"images": document()["images"] * 2}, "image 2: its id 7 is taken"),
        (
            {"annotations": [{"image_id": 8, "category_id": 1, "bbox": [1, 2, 3, 4]}]},
            "annotation 1: it lies on the image 8, which the file does not list",
        ),
        ({"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3]}]}, "annotation 1: its bbox"),
        (
            {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 0, 4]}]},
            "annotation 1: its bbox",
        ),
    ],
)
def test_bad_files_name_the_entry(tmp_path, changes, says):
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_coco(written(tmp_path, **changes))
    assert "coco.json" in str(caught.value)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [3, 3], "counts": [9]},
        {"size": [10, 20], "counts": [9]},
        {"size": [10, 20], "counts": "~"},
        {"size": [10, 20], "counts": "d"},
        [[1, 2, 3]],
        "x",
    ],
)
def test_a_damaged_outline_names_the_image(tmp_path, segmentation):
    entry = {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": segmentation}
    (image,) = read_coco(written(tmp_path, annotations=[entry]))
    with pytest.raises(FindingsFileError, match=r"images/a\.png is damaged"):
        findings_of(image, ImageReference("a", shape=(10, 20)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"annotations": {"category_id": 0}}, "none of the categories of its 1 annotations .it has: 1"),
        ({"categories": []}, "none of the categories of its 1 annotations .it has: none"),
        ({"categories": [{"id": 1, "name": "nodule"}, {"id": 1, "name": "heart"}]}, "have the same id 1"),
        ({"annotations": {"bbox": [0.1, 0.2, 0.3, 0.4]}}, "fractions of the picture, not pixels"),
    ],
)
def test_boxes_are_never_lost_without_an_error(tmp_path, change, says):
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}
    document = {
        "images": [{"id": 1, "file_name": "a.png", "height": 100, "width": 120}],
        "categories": change.get("categories", [{"id": 1, "name": "nodule"}]),
        "annotations": [{**entry, **change.get("annotations", {})}],
    }
    (tmp_path / "c.json").write_text(json.dumps(document))
    with pytest.raises(FindingsFileError, match=says):
        read_coco(tmp_path / "c.json")
