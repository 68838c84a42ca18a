"""Truth of other formats, and the good lines of files with bad ones."""

import gzip
import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask, Sphere
from napari_lungmtl.training.findings.formats.coco import write_coco
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.formats.labels.volume import write_label_volume
from napari_lungmtl.training.findings.formats.public.deeplesion import COLUMNS
from napari_lungmtl.training.findings.formats.read_truth import read_truth
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging import Image

CT = Image(np.zeros((20, 30, 40), np.int16), "CT", (2.5, 0.7, 0.8), (-100, 10, -20), series_uid="1.2.3")
FILM = Image(np.zeros((512, 512), np.uint8), "DX", (0.4, 0.4), (0, 0), series_uid="f1", source="/x/f1.png")


def write_labels(labels, path, flip=False):
    volume = sitk.GetImageFromArray(labels.astype(np.int16))
    volume.SetSpacing(CT.spacing[::-1])
    volume.SetOrigin(CT.origin[::-1])
    if flip:
        volume = sitk.Flip(volume, (True, True, False))
    sitk.WriteImage(volume, str(path))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_each_label_is_a_nodule(tmp_path, suffix):
    labels = np.zeros(CT.shape, int)
    labels[2:5, 4:8, 5:9], labels[10, 20, 30:33], labels[10, 21, 33] = 3, 7, 7
    write_labels(labels, tmp_path / f"a{suffix}")
    truth = load_truth(tmp_path / f"a{suffix}", CT)
    assert [f.note for f in truth.nodules] == ["label 3", "label 7"]
    for finding, label in zip(truth.nodules, (3, 7), strict=True):
        voxels = np.argwhere(finding.geometry.to_array()) + np.rint(CT.to_index(finding.geometry.origin))
        assert np.array_equal(voxels, np.argwhere(labels == label))


def test_each_component_of_a_single_label_is_a_nodule_however_it_is_stored(tmp_path):
    labels = np.zeros(CT.shape, int)
    labels[2:5, 4:8, 5:9] = labels[10, 20, 30:33] = labels[11, 21, 33] = 1
    write_labels(labels, tmp_path / "a.nii.gz", flip=True)
    truth = load_truth(tmp_path / "a.nii.gz", CT)
    assert [sum(n for _, n in f.geometry.runs) for f in truth.nodules] == [48, 4], "corners touch"
    assert truth.nodules[0].center == pytest.approx(CT.to_world((3, 5.5, 6.5)), abs=1e-3)


@pytest.mark.parametrize("label", [1, 2, 3, 5])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_label_volume_that_lies_oblique_keeps_its_numbers(tmp_path, label, suffix):
    """Between a label and none lies no other label: one ball is one nodule, of its size and in its place."""
    turn = np.deg2rad(10)
    axes = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    spacing, origin, center = np.array([1.0, 1.0, 1.5]), np.array([-20.0, -15.0, -30.0]), (0.7, 2.2, -12.3)
    index = np.moveaxis(np.indices((30, 32, 40))[::-1], 0, -1)
    away = np.linalg.norm((index * spacing) @ axes.T + origin - center, axis=-1)
    volume = sitk.GetImageFromArray(np.where(away <= 5.5, label, 0).astype(np.uint8))
    volume.SetSpacing(spacing.tolist())
    volume.SetOrigin(origin.tolist())
    volume.SetDirection(axes.ravel().tolist())
    sitk.WriteImage(volume, str(tmp_path / f"a{suffix}"))
    image = Image(np.zeros((40, 40, 50), np.int16), "CT", (1.5, 1.0, 1.0), (-40.0, -25.0, -25.0))
    (nodule,) = load_truth(tmp_path / f"a{suffix}", image).nodules
    assert nodule.center == pytest.approx(center[::-1], abs=0.3)
    assert nodule.diameter == pytest.approx(11, abs=0.3)


def test_an_own_label_volume_that_was_resampled_keeps_its_nodules(tmp_path):
    """Its table lies beside it; another program laid it onto an oblique grid."""
    image = Image(
        np.zeros((40, 40, 50), np.int16), "CT", (1.5, 1.0, 1.0), (-40.0, -25.0, -25.0), series_uid="1.2"
    )
    block = np.ones((4, 6, 6), bool)
    places = [tuple(image.to_world((10 + 4 * k, 10 + 9 * k, 10 + 9 * k))) for k in range(3)]
    items = [Finding(Mask.from_array(block, image.scale, p), number=k + 1) for k, p in enumerate(places)]
    findings = Findings(tuple(items), ImageReference.of(image))
    path = tmp_path / "a.nii.gz"
    write_label_volume(findings, path, (".nii.gz",))
    volume, turn = sitk.ReadImage(str(path)), np.deg2rad(10)
    axes = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    spacing, middle = np.array([1.0, 1.0, 1.2]), [n / 2 for n in volume.GetSize()]
    origin = volume.TransformContinuousIndexToPhysicalPoint(middle) - axes @ (np.full(3, 30) * spacing)
    laid = sitk.Resample(
        volume, (60, 60, 60), sitk.Transform(), sitk.sitkNearestNeighbor, origin, spacing, axes.ravel()
    )
    sitk.WriteImage(laid, str(path))
    back, problems = import_findings(path, image)
    assert not problems
    assert [f.number for f in back] == [1, 2, 3]
    for was, now in zip(findings, back, strict=True):
        assert now.center == pytest.approx(was.center, abs=0.7)
        assert now.diameter == pytest.approx(was.diameter, abs=0.4)


def test_volumes_that_are_no_labels(tmp_path):
    write_labels(np.zeros(CT.shape), tmp_path / "none.mha")
    with pytest.raises(FindingsFileError, match=r"none\.mha has 0 labels"):
        load_truth(tmp_path / "none.mha", CT)
    write_labels(np.arange(np.prod(CT.shape)).reshape(CT.shape) - 900, tmp_path / "ct.mha")
    with pytest.raises(FindingsFileError, match=r"ct\.mha is an image and no label volume"):
        load_truth(tmp_path / "ct.mha", CT)


def test_chestxdet10(tmp_path):
    path = tmp_path / "test.json"
    entries = [
        {
            "file_name": "f1.png",
            "syms": ["Mass", "Effusion", "Nodule"],
            "boxes": [[10, 20, 30, 60], [1, 1, 2, 2], [0, 0, 8, 4]],
        },
        {"file_name": "f2.png", "syms": ["Nodule"], "boxes": [[5, 5, 1, 1]]},
        {"file_name": "f3.png", "syms": [], "boxes": []},
    ]
    path.write_text(json.dumps(entries))
    truth = load_truth(path, FILM)
    # Pixels of 1024 on a picture of 512 with 0.4 mm; a pixel's centre lies at its index.
    assert truth.nodules[0].geometry == Box(
        ((10 - 0.5) * 0.4, (5 - 0.5) * 0.4), ((30 - 0.5) * 0.4, (15 - 0.5) * 0.4)
    )
    assert len(truth.nodules) == 2
    assert truth.problems == (
        f"{path}, picture 2: a box is [5.0, 5.0, 1.0, 1.0], not x1, y1, x2, y2 with x1 < x2 and y1 < y2; "
        "correct or delete the entry",
    )
    path.write_text(json.dumps(entries[2:]))
    with pytest.raises(FindingsFileError, match=r"says nothing about f1\.png: it lists 1 pictures"):
        load_truth(path, FILM)


def test_deeplesion(tmp_path):
    row = '"000001_01_01_109.png",109,"10, 20, 30, 60","40.0, 15.0",5,"100, 120","0.8, 0.8, 5",1'
    (tmp_path / "DL_info.csv").write_text(
        ",".join(COLUMNS) + "\n" + row + "\n" + row.replace('"100, 120"', '"100"') + "\n"
    )
    volume = Image(
        np.zeros((21, 512, 512), np.int16), "CT", (5, 0.8, 0.8), (-600, 0, 0), series_uid="000001_01_01"
    )
    truth = load_truth(tmp_path / "DL_info.csv", volume)
    assert [f.geometry for f in truth.nodules] == [Sphere((-545, 32, 16), 32)]
    assert "line 3: Slice_range" in truth.problems[0]
    slice_ = Image(np.zeros((512, 512), np.uint16), "", (0.8, 0.8), (0, 0), source="/dl/000001_01_01/109.png")
    assert [f.geometry for f in load_truth(tmp_path / "DL_info.csv", slice_).nodules] == [
        Box((16, 8), (48, 24))
    ]


def test_luna16_with_the_excluded_findings_beside_it(tmp_path):
    header = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
    (tmp_path / "annotations.csv").write_text(header + "1.2.3,-10,15,-90,6\n1.2.4,1,1,1,6\n")
    (tmp_path / "annotations_excluded.csv.gz").write_bytes(
        gzip.compress((header + "1.2.3,-5,15,-80,-1\n").encode())
    )
    truth = load_truth(tmp_path / "annotations.csv", CT)
    assert [f.geometry for f in truth.nodules] == [Sphere((-90, 15, -10), 6)]
    assert [f.geometry for f in truth.excluded] == [Sphere((-80, 15, -5), 10)]
    (tmp_path / "annotations.csv").write_text(header + "1.2.4,1,1,1,6\n")
    assert "has no line of" in load_truth(tmp_path / "annotations.csv", CT).problems[0]


def test_own_file_with_a_rejected_finding(tmp_path):
    items = (Finding(Sphere((-90, 15, -10), 6)), Finding(Sphere((-80, 15, -10), 6), status="rejected"))
    write_findings(Findings(items, ImageReference.of(CT)), tmp_path / "a.lungmtl.json")
    truth = load_truth(tmp_path / "a.lungmtl.json", CT)
    assert (truth.nodules.items, truth.excluded) == (items[:1], items[1:])
    document = json.loads((tmp_path / "a.lungmtl.json").read_text())
    document["findings"][0]["sphere"]["diameter_mm"] = "big"
    (tmp_path / "a.lungmtl.json").write_text(json.dumps(document))
    truth = load_truth(tmp_path / "a.lungmtl.json", CT)
    assert len(truth.nodules) == 0
    assert "finding 1: expected a number" in truth.problems[0]


def test_coco_without_its_bad_annotation(tmp_path):
    film = ImageReference.of(FILM)
    write_coco(
        [Findings((Finding(Box((10, 10), (20, 20))), Finding(Box((30, 30), (40, 40)))), film)],
        tmp_path / "c.json",
    )
    document = json.loads((tmp_path / "c.json").read_text())
    document["annotations"][0]["bbox"] = [1, 2, 3]
    (tmp_path / "c.json").write_text(json.dumps(document))
    truth = load_truth(tmp_path / "c.json", FILM)
    assert [f.geometry.low for f in truth.nodules] == [pytest.approx((30, 30))]
    assert "annotation 1: its bbox" in truth.problems[0]
    with pytest.raises(FindingsFileError, match="annotation 1"):
        read_truth(tmp_path / "c.json", film)


LINE = st.sampled_from(
    [
        "1.2.3,-10,15,-90,6",
        "1.2.3,-8,12,-80,4.5",
        "1.2.9,0,0,0,5",
        "1.2.3,a,15,-90,6",
        "1.2.3,1,2",
        ",1,2,3,4",
    ]
)


@given(st.lists(LINE, min_size=1, max_size=12, unique=False))
@settings(max_examples=40, deadline=None)
def test_good_lines_load_and_each_bad_one_is_named(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("t") / "annotations.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n" + "\n".join(lines) + "\n")
    truth = load_truth(path, CT)
    good = {line for line in lines if line.startswith("1.2.3,-")}
    assert len(truth.nodules) == len(good)
    bad = {
        i
        for i, line in enumerate(lines, 2)
        if (line[:6] in ("1.2.3,a"[:6],) and line[6] != "-") or line.startswith(",")
    }
    named = {int(p.split(", line ")[1].split(":")[0]) for p in truth.problems if ", line " in p}
    assert named == bad


def test_a_table_of_bad_lines_only(tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n" + "1.2.3,a,1,1,1\n" * 200)
    with pytest.raises(FindingsFileError, match=r"line 102: coordX is 'a'"):
        load_truth(path, CT)
