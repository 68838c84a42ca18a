import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.errors import FindingsFileError, SaveError
from napari_lungmtl.training.findings.formats.node21 import (
    COLUMNS,
    read_metadata,
    read_nodules_json,
    write_metadata,
    write_nodules_json,
)
from napari_lungmtl.training.findings.formats.pixels import PixelBox, to_world

from ...stand_ins.findings_strategies import pixel_boxes, planes

quick = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
HEADER = "img_name,height,width,x,y,label\n"


@st.composite
def cases(draw):
    """Images with whole-pixel boxes, each image with a name of its own."""
    made = []
    for i, boxes in enumerate(draw(st.lists(st.lists(pixel_boxes, unique=True, max_size=3), max_size=3))):
        image = draw(planes)
        image = ImageReference(f"n{i:04}", f"/x/n{i:04}.mha", "", image.shape, image.spacing, image.origin)
        scores = [draw(st.floats(0, 1)) for _ in boxes]
        items = (Finding(to_world(b, image), s) for b, s in zip(boxes, scores, strict=True))
        made.append((Findings(tuple(items), image), boxes))
    return made


@quick
@given(cases(), st.sampled_from(["metadata.csv", "metadata.csv.gz"]))
def test_metadata_comes_back(tmp_path, made, name):
    write_metadata([findings for findings, _ in made], tmp_path / name)
    rows = read_metadata(tmp_path / name)
    for findings, boxes in made:
        own = [row.box for row in rows if row.name == findings.image.series_uid + ".mha"]
        assert own == (boxes or [None])


def test_metadata_as_the_challenge_writes_it(tmp_path):
    """With pandas' index, the columns in its order."""
    path = tmp_path / "metadata.csv.gz"
    text = ",height,img_name,label,width,x,y\r\n0,10,a.mha,1,20,100,200\r\n1,30,a.mha,1,40,300.5,400\r\n2,0,b.mha,0,0,0,0\r\n"
    path.write_bytes(gzip.compress(text.encode()))
    rows = read_metadata(path)
    assert [(r.name, r.box) for r in rows] == [
        ("a.mha", PixelBox(100, 200, 20, 10)),
        ("a.mha", PixelBox(300.5, 400, 40, 30)),
        ("b.mha", None),
    ]
    assert rows[1].line == 3


def test_what_is_written(tmp_path):
    image = ImageReference("n1", "n1.png")
    items = (
        Finding(Box((0.5, 2.5), (2.5, 5.5)), 0.25),
        Finding(Box((0.5, 2.5), (2.5, 9.5)), status="rejected"),
        Finding(Sphere((1, 2, 3), 4)),
    )
    write_metadata([Findings(items, image), Findings((), ImageReference("n2"))], tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text() == f"{','.join(COLUMNS)}\nn1.png,2,3,3,1,1\nn2,0,0,0,0,0\n"
    with pytest.raises(SaveError, match=r"two images are named n1\.png"):
        write_metadata([Findings((), image), Findings((), image)], tmp_path / "m.csv")


def test_a_row_written_twice_counts_once(tmp_path):
    (tmp_path / "m.csv").write_text(
        HEADER + "a.mha,5,6,1,2,1\na.mha,5,6,1,2,1\nb.mha,0,0,0,0,0\nb.mha,,,,,0\n"
    )
    assert [(r.name, r.box) for r in read_metadata(tmp_path / "m.csv")] == [
        ("a.mha", PixelBox(1, 2, 6, 5)),
        ("b.mha", None),
    ]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a.mha,5,6,1,2,2\n", "line 2: label is '2', not 0 or 1"),
        ("a.mha,5,6,1,2,\n", "line 2: label is '', not a number"),
        ("a.mha,5,0,1,2,1\n", "line 2: the box is 0.0 pixels wide"),
        ("a.mha,5,6,x,2,1\n", "line 2: x is 'x'"),
        (",5,6,1,2,1\n", "line 2: no img_name"),
        ("a.mha,5,6,1,2,1\na.mha,0,0,0,0,0\n", "line 3: a.mha has label 0 in one row and 1 in another"),
        ("a.mha,5,6\n", "line 2: too few values"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, says):
    path = tmp_path / "metadata.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_metadata(path)
    assert "metadata.csv" in str(caught.value)


@quick
@given(cases())
def test_nodules_json_comes_back(tmp_path, made):
    written = [findings for findings, _ in made]
    write_nodules_json(written, tmp_path / "nodules.json")
    read = read_nodules_json(tmp_path / "nodules.json", [findings.image for findings in written])
    for a, b in zip(written, read, strict=True):
        assert [f.score for f in a] == [f.score for f in b]
        for one, other in zip(a, b, strict=True):
            assert (*other.geometry.low, *other.geometry.high) == pytest.approx(
                (*one.geometry.low, *one.geometry.high), abs=1e-6
            )


PUBLISHED = """{"type": "Multiple 2D bounding boxes", "boxes": [
 {"corners": [[407.25, 369.76, 0], [338.3, 369.76, 0], [338.3, 291.3, 0], [407.25, 291.3, 0]], "probability": 0.94},
 {"corners": [[6, 8, 1], [2, 8, 1], [2, 4, 1], [6, 4, 1]]}], "version": {"major": 1, "minor": 0}}"""


def test_the_published_layout(tmp_path):
    path = tmp_path / "nodules.json"
    path.write_text(PUBLISHED)
    images = (ImageReference("a"), ImageReference("b", spacing=(2, 2), origin=(100, 50)))
    first, second = read_nodules_json(path, images)
    assert (first[0].score, first[0].provenance) == (0.94, Provenance("node21"))
    assert first[0].geometry.low == pytest.approx((290.8, 337.8))
    # Corners in mm from the image's edge, which is half a pixel before its origin.
    assert second[0].geometry == Box((103, 51), (107, 55))
    assert second[0].score == 1
    write_nodules_json((first, second), path)
    document = json.loads(path.read_text())
    assert document["type"] == "Multiple 2D bounding boxes"
    assert document["boxes"][1]["corners"] == [[6, 8, 1], [2, 8, 1], [2, 4, 1], [6, 4, 1]]
    assert document["version"] == {"major": 1, "minor": 0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no valid JSON"),
        ("[]", "no nodules.json"),
        ("{}", "no nodules.json"),
        (PUBLISHED.replace("0.94", "1.94"), "box 1: a score lies between"),
        (PUBLISHED.replace("[6, 8, 1]", "[6, 8, 2]"), "box 2: it lies on image 2 of a stack of 2"),
        (PUBLISHED.replace("[6, 8, 1]", "[6, 8]"), "box 2"),
        (PUBLISHED.replace('"corners": [[6', '"korners": [[6'), "box 2: 'corners'"),
        (PUBLISHED.replace("338.3", "407.25"), "box 1: a box has low < high"),
    ],
)
def test_bad_json_is_named(tmp_path, text, says):
    path = tmp_path / "nodules.json"
    path.write_text(text)
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_nodules_json(path, (ImageReference("a"), ImageReference("b")))
    assert "nodules.json" in str(caught.value)
