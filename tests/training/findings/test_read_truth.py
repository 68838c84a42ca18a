"""Truth of one image from every format, told by content whatever the file is called."""

import gzip
import json

import numpy as np
import pytest

from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.formats.coco import write_coco
from napari_lungmtl.training.findings.formats.csv_file import write_csv
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.formats.jsrt import read_nodules
from napari_lungmtl.training.findings.formats.node21 import write_metadata, write_nodules_json
from napari_lungmtl.training.findings.formats.read_truth import read_truth

RADIOGRAPH = ImageReference("n0001", "/radiographs/n0001.png", "DX", (100, 200), (0.5, 0.5), (0, 0), "mm")
CLEAR = ImageReference("c0002", "/radiographs/c0002.png", "DX", (100, 200), (0.5, 0.5), (0, 0), "mm")
BOX = Box((9.75, 19.75), (14.75, 27.25))
TRUTH = Findings((Finding(BOX),), RADIOGRAPH)


@pytest.fixture(params=["truth.txt", "truth.txt.gz"])
def path(request, tmp_path):
    return tmp_path / request.param


def put(path, data: bytes | str):
    data = data if isinstance(data, bytes) else data.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("write", [write_metadata, write_nodules_json, write_coco])
def test_boxes_of_each_format(tmp_path, path, write):
    write([TRUTH, Findings((), CLEAR)], tmp_path / "plain")
    put(path, (tmp_path / "plain").read_bytes())
    truth = read_truth(path, RADIOGRAPH)
    assert truth.image == RADIOGRAPH
    assert [f.geometry for f in truth] == [BOX]
    if write is not write_nodules_json:  # which names no images
        assert [(f.status, f.provenance) for f in truth] == [("accepted", Provenance("truth"))]
        assert len(read_truth(path, CLEAR)) == 0
        with pytest.raises(FindingsFileError, match=r"says nothing about other\.png: it lists 2 images"):
            read_truth(path, ImageReference("other", "other.png"))


def test_masks_of_coco(tmp_path):
    mask = Mask.from_array(np.eye(4, dtype=bool), (0.5, 0.5), (10, 20))
    write_coco([Findings((Finding(mask),), RADIOGRAPH)], tmp_path / "coco")
    assert [f.geometry for f in read_truth(tmp_path / "coco", RADIOGRAPH)] == [mask]


def test_nih_on_a_picture_of_another_size(path):
    put(
        path,
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\r\n"
        "n0001.png,Nodule,512,256,128,102.4,,,\r\nn0001.png,Effusion,1,2,3,4,,,\r\nn0009.png,Mass,1,2,3,4,,,\r\n",
    )
    (finding,) = read_truth(path, RADIOGRAPH)
    # 1024 pixels stand for 200 × 100, of 0.5 mm.
    assert finding.geometry.low == pytest.approx((12.25, 49.75))
    assert finding.geometry.high == pytest.approx((17.25, 62.25))
    assert len(read_truth(path, CLEAR)) == 0


JSRT = (
    b"JPCLN001.IMG\t5\t15\t53\tMale\t1634\t692\tmalignant\tl.upper lobe\tlung cancer\r"
    b"JPCLN002.IMG\t1\t?\t?\tFemale\t1614\t1090\tbenign\tl.upper lobe(S5)\th\xe6matoma\r"
)


def test_jsrt(path):
    put(path, JSRT)
    radiograph = ImageReference("x", "JPCLN001.IMG", "", (2048, 2048), (0.175, 0.175), (0, 0))
    (finding,) = read_truth(path, radiograph)
    # Pixel (1634, 692) is the middle, and its middle is the world's 1634 × 0.175 mm.
    assert finding.center == pytest.approx((692 * 0.175, 1634 * 0.175))
    assert finding.diameter == pytest.approx(15)
    assert len(read_truth(path, ImageReference("JPCLN002", shape=(2048, 2048)))) == 0
    assert len(read_truth(path, ImageReference("JPCNN001", shape=(2048, 2048)))) == 0
    with pytest.raises(FindingsFileError, match="says nothing about JPCLN003"):
        read_truth(path, ImageReference("JPCLN003"))


def test_what_jsrts_table_says(path):
    put(path, JSRT)
    first, second = read_nodules(path)
    assert first[:5] == ("JPCLN001.IMG", 5, 15, 53, "Male")
    assert first[7:] == (True, "l.upper lobe", "lung cancer")
    assert (second.size_mm, second.age, second.box, second.malignant) == (None, None, None, False)
    assert second.diagnosis == "hæmatoma"


def test_tables_in_other_dress(tmp_path, path):
    put(path, "Img_Name;Height;Width;X;Y;Label\r\nn0001.png;10;15;40;20;1\r\n".encode("utf-16"))
    assert [f.geometry for f in read_truth(path, RADIOGRAPH)] == [BOX]
    ct = ImageReference("1.2", "ct", "CT", (9, 9, 9), (1, 1, 1), (0, 0, 0))
    put(path, "SeriesInstanceUID;CoordX;CoordY;CoordZ;Diameter_mm\n1.2;1,5;2;3;4\n")
    assert [f.geometry for f in read_truth(path, ct)] == [Sphere((3, 2, 1.5), 4)]
    put(path, "\ufeff" + json.dumps({"a": 1}))
    with pytest.raises(FindingsFileError, match="no findings file"):
        read_truth(path, ct)


def test_ct_formats(tmp_path, path):
    ct = ImageReference("1.2", "ct", "CT", (9, 9, 9), (1, 1, 1), (0, 0, 0))
    put(path, "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2,1,2,3,4\n1.3,5,6,7,8\n")
    assert [f.geometry for f in read_truth(path, ct)] == [Sphere((3, 2, 1), 4)]
    write_csv([Findings((Finding(BOX, 0.5),), RADIOGRAPH)], tmp_path / "findings.csv")
    # A table of findings names series, not files.
    read = read_truth(tmp_path / "findings.csv", RADIOGRAPH)
    assert [f.geometry for f in read] == [BOX]
    write_findings(TRUTH, tmp_path / "x.lungmtl.json")
    assert read_truth(tmp_path / "x.lungmtl.json", RADIOGRAPH) == TRUTH


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no file of true nodules that is read here: choose .*CLNDAT_EN"),
        ("name,x,y\n1,2,3\n", "its first line reads 'name,x,y'"),
        ("{", "no valid JSON"),
        (json.dumps({"a": 1}), "no findings file of lungmtl"),
        ("img_name,x\n", "no column height"),
        (
            "<?xml version='1.0'?><LidcReadMessage/>",
            r"t\.csv is XML, which is not read here .*annotations\.csv",
        ),
        (
            "<!DOCTYPE b [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><b>&b;</b>",
            "is XML, which is not read here",
        ),
        ("[1, 2]", "no file of true nodules"),
        ("{" * 100_000, "no valid JSON"),
        (
            "img_name,height,width,x,y,label\nn0001.png,5,5,300,5,1\n",
            "outside the picture of 200 × 100 pixels",
        ),
        ("img_name,height,width,x,y,label\nn0001.png,5,-5,3,5,1\n", "the box is -5.0 pixels wide"),
    ],
)
def test_what_is_none_of_them(tmp_path, text, says):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_truth(tmp_path / "t.csv", RADIOGRAPH)
    assert "t.csv" in str(caught.value)
