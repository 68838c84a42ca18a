"""LIDC's readers on their scans: outlines lie on the nodules, all readers are kept, and bad files lose their bad lines only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.lidc.grid import grid_of
from napari_lungmtl.training.findings.formats.lidc.readings import Outline, read_lidc_xml
from napari_lungmtl.training.findings.formats.lidc.truth import lidc_truth, voxels_of
from napari_lungmtl.training.findings.formats.luna16 import read_annotations
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.imaging import Image, read_image
from tests.stand_ins.exchanged import enhanced
from tests.stand_ins.turned_series import turned

CUT_ROWS = 76
"""Rows that ``ct/whole`` lacks at the top of LIDC-IDRI-0063."""


@pytest.fixture(scope="module")
def scan(lungmtl_data):
    return read_image(lungmtl_data / "dicom" / "LIDC-IDRI-0003")


@pytest.fixture(scope="module")
def whole(lungmtl_data):
    """LIDC-IDRI-0063 with the rows that were cut off: the readers counted them."""
    cut = read_image(lungmtl_data / "ct" / "whole" / "LIDC-IDRI-0063.nii.gz")
    voxels = np.full((cut.shape[0], 512, 512), -1024, np.int16)
    voxels[:, CUT_ROWS : CUT_ROWS + cut.shape[1]] = cut.voxels
    z, y, x = cut.origin
    return replace(cut, voxels=voxels, origin=(z, y - CUT_ROWS * cut.spacing[1], x))


def test_outlines_lie_on_the_nodule(lungmtl_data, scan):
    truth = load_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0003_185_072.xml", scan)
    published = read_annotations(lungmtl_data / "luna16" / "annotations.csv")[scan.series_uid]
    (nodule,) = truth.nodules
    distance = np.linalg.norm(published.center - nodule.center, axis=1)
    assert distance.min() < 2, "mask centroid and LUNA16's centre"
    assert np.linalg.norm(published.center[distance.argmin()] - truth.sphere(nodule).center) < 0.5
    assert truth.sphere(nodule).diameter == pytest.approx(published.value[distance.argmin()], rel=0.04)
    inside = np.argwhere(nodule.geometry.to_array()) + np.rint(scan.to_index(nodule.geometry.origin)).astype(
        int
    )
    inside = inside[((inside >= 0) & (inside < scan.shape)).all(1)]
    values = scan.voxels[tuple(inside.T)]
    assert np.median(values) > -300, "tissue, and no lung"
    assert {name: len(found) for name, found in truth.readers.items()} == {
        f"reader {k}": 1 for k in (1, 2, 3, 4)
    }
    assert nodule.malignancy is not None
    assert set(nodule.attributes) >= {"subtlety", "spiculation", "texture"}
    assert "lie outside of the slices that are open" in " ".join(truth.problems)


def test_three_of_four_readers_make_luna16s_nodules(lungmtl_data, whole):
    truth = load_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0063_185_197.xml", whole)
    (published,) = (
        spots
        for uid, spots in read_annotations(lungmtl_data / "luna16" / "annotations.csv").items()
        if uid.endswith("272190966764020277652079081128")
    )
    assert len(truth.nodules) == len(published.value) == 2
    for nodule in truth.nodules:
        distance = np.linalg.norm(published.center - nodule.center, axis=1)
        assert distance.min() < 1
        assert truth.sphere(nodule).diameter == pytest.approx(published.value[distance.argmin()], rel=0.02)
    assert {name: len(found) for name, found in truth.readers.items()} == {
        "reader 1": 3,
        "reader 2": 3,
        "reader 3": 3,
        "reader 4": 1,
    }
    assert not truth.problems


def test_a_volume_that_was_cut_says_so(lungmtl_data):
    cut = Image(np.zeros((133, 340, 512), np.int16), "CT", (2.5, 0.78, 0.78), (-368, -140, -192))
    truth = lidc_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0063_185_197.xml", cut)
    assert "cut out" in truth.problems[0]


def test_a_hole_is_taken_out(lungmtl_data):
    file = read_lidc_xml(lungmtl_data / "lidc_xml" / "inclusion_false_188_259.xml")
    (holed,) = [r for r in file.readings if any(not o.inclusion for o in r.outlines)]
    zs = [o.z for r in file.readings for o in r.outlines]
    image = Image(np.zeros((200, 512, 512), np.int16), "CT", (1.25, 0.7, 0.7), (min(zs), 0, 0))
    grid = grid_of(image)
    without = voxels_of(holed.outlines, grid, image)
    filled = voxels_of([o for o in holed.outlines if o.inclusion], grid, image)
    assert 0 < len(without) < len(filled)
    assert {tuple(v) for v in without} < {tuple(v) for v in filled}


def test_marks_of_no_nodule_are_excluded(lungmtl_data):
    path = lungmtl_data / "lidc_xml" / "nonnodule_only_188_110.xml"
    zs = [o.z for r in read_lidc_xml(path).readings for o in r.outlines]
    image = Image(np.zeros((300, 512, 512), np.int16), "CT", (1.25, 0.7, 0.7), (min(zs), 0, 0))
    truth = lidc_truth(path, image)
    assert (len(truth.nodules), len(truth.excluded)) == (0, 5)
    with pytest.raises(FindingsFileError, match="all 5 marks lie outside"):
        lidc_truth(path, replace(image, origin=(5000.0, 0.0, 0.0)))


def test_readers_of_a_radiograph(lungmtl_data, scan):
    path = lungmtl_data / "lidc_xml" / "LIDC-IDRI-0063_185_198.xml"
    film = Image(np.zeros((2022, 1760), np.uint16), "DX", (0.2, 0.2), (0, 0))
    truth = load_truth(path, film)
    assert len(truth.readers) == len(read_lidc_xml(path).readings and truth.readers)
    first = truth.readers["reader 1"]
    assert [tuple(np.round(np.array(f.center) / 0.2)[::-1]) for f in first][:2] == [(823, 753), (690, 1172)]
    assert all(f.box.diameter == pytest.approx(20) for f in truth.nodules)
    assert len(truth.nodules) + len(truth.excluded) <= sum(map(len, truth.readers.values()))
    with pytest.raises(FindingsFileError, match="readers of a radiograph, and the image is a CT"):
        load_truth(path, scan)


def test_another_series(lungmtl_data, scan):
    with pytest.raises(FindingsFileError, match="readers of another series"):
        load_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0002_185_071.xml", scan)


def test_a_bad_mark_is_named_by_its_line_and_the_others_load(lungmtl_data, scan, tmp_path):
    text = (lungmtl_data / "lidc_xml" / "LIDC-IDRI-0003_185_072.xml").read_text()
    good = lidc_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0003_185_072.xml", scan)
    path = tmp_path / "bad.xml"
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "<xCoord>" in line)
    bad = lines[at].replace("<xCoord>", "<xCoord>x", 1)
    path.write_text("\n".join([*lines[:at], bad, *lines[at + 1 :]]))
    truth = lidc_truth(path, scan)
    assert f"xCoord on line {at + 1}" in truth.problems[0]
    assert "bad.xml, line" in truth.problems[0]
    assert len(truth.nodules) == len(good.nodules)
    path.write_text(text[: len(text) * 4 // 5])
    broken = lidc_truth(path, scan)
    assert "the file is damaged" in broken.problems[0]
    assert len(broken.nodules) == 1, "three of the four had been read"
    path.write_text("<other/>")
    with pytest.raises(FindingsFileError, match="no file of LIDC readers"):
        lidc_truth(path, scan)
    path.write_text('<!DOCTYPE x [<!ENTITY a "b">]><LidcReadMessage>&a;</LidcReadMessage>')
    with pytest.raises(FindingsFileError, match="declares entities"):
        lidc_truth(path, scan)


@given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_an_outline_encloses_what_lies_within_its_pixels(height, width, row, column):
    """The points of a rectangle's rim enclose the pixels inside of the rim, and none of it."""
    rim = [(c, r) for r in range(height + 1) for c in range(width + 1) if r in (0, height) or c in (0, width)]
    order = sorted(rim, key=lambda p: np.arctan2(p[1] - height / 2, p[0] - width / 2))
    points = np.array(order) + (column, row)
    image = Image(np.zeros((3, 60, 60), np.int16), "CT", (2.0, 0.5, 0.5), (0, -5, 7))
    voxels = voxels_of([Outline(points, True, 2.0, "")], grid_of(image), image)
    assert len(voxels) == (height - 1) * (width - 1)
    assert set(voxels[:, 0]) == {1}
    assert voxels[:, 1:].mean(0) == pytest.approx([row + height / 2, column + width / 2])


@pytest.mark.parametrize("name", ["axial", "to the feet", "to the feet, mirrored", "missing slice", "uneven"])
def test_outlines_lie_on_the_slice_with_their_uid(tmp_path, name):
    """What the readers say of z is the header's z, in whichever order the slices are stored and shown."""
    datasets = turned(tmp_path, name)
    grid = grid_of(read_image(tmp_path))
    heights = [float(d.ImagePositionPatient[2]) for d in datasets]
    outlines = [
        Outline(np.zeros((1, 2)), True, z, d.SOPInstanceUID) for z, d in zip(heights, datasets, strict=True)
    ]
    assert [grid.z_of(outline) for outline in outlines] == pytest.approx(heights)


def test_frames_of_one_file_are_told_apart_by_their_height(tmp_path):
    image = read_image(enhanced(tmp_path))
    (uid,) = set(image.metadata["sop_instance_uids"])
    heights = [image.origin[0], image.origin[0] + 3 * image.spacing[0]]
    assert [grid_of(image).z_of(Outline(np.zeros((1, 2)), True, z, uid)) for z in heights] == heights


def test_the_readers_of_another_series_are_refused_where_a_slice_is_missing(lungmtl_data, tmp_path):
    turned(tmp_path, "missing slice")
    with pytest.raises(FindingsFileError, match="the readers of another series"):
        load_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0003_185_072.xml", read_image(tmp_path))
