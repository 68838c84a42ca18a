"""Tables as Excel, R, pandas and people write them: the same values, or a sentence that is true."""

import gzip

import numpy as np
import pytest

from napari_lungmtl.training.findings.formats import tables
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.jsrt import read_nodules as read_jsrt
from napari_lungmtl.training.findings.formats.luna16 import (
    read_annotations,
    read_nodules,
    read_series,
    read_submission,
)
from napari_lungmtl.training.findings.formats.nih import read_boxes
from napari_lungmtl.training.findings.formats.node21 import read_metadata
from napari_lungmtl.training.findings.formats.tables import read_rows

PLAIN = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,-10.5,20.25,-30,6\n1.2.4,1,2,3,4.5\n"
SEMICOLONS = PLAIN.replace(",", ";")
RIGHT = {"1.2.3": ([-30, 20.25, -10.5], 6.0), "1.2.4": ([3, 2, 1], 4.5)}


def put(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        SEMICOLONS,
        SEMICOLONS.replace(".5", ",5").replace("20.25", "20,25"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        "sep=;\n" + SEMICOLONS,
        "sep=;\r\n" + SEMICOLONS.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("diameter_mm", "diameter_mm,note").replace(",6\n", ",6,Größe\n").encode("cp1252"),
        PLAIN.replace("diameter_mm", "diameter_mm,note").replace(",6\n", ",6,ö\x81\n").encode("latin-1"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN + "\x1a",
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN,
        PLAIN.replace("\n", ",\n"),
        PLAIN.replace("\n", ",,,\n"),
        '"' + PLAIN.replace(",", '","').replace("\n", '"\n"')[:-1],
        PLAIN.replace("seriesuid", "SeriesUID").replace("coordX", "Coord X").replace("coordY", " coord_y "),
        PLAIN.replace("seriesuid", "SeriesInstanceUID").replace("diameter_mm", "Diameter (mm)"),
        PLAIN.replace("seriesuid", ",seriesuid").replace("1.2.3", "0,1.2.3").replace("1.2.4", "1,1.2.4"),
        PLAIN.replace("seriesuid", "Unnamed: 0,seriesuid")
        .replace("1.2.3", "0,1.2.3")
        .replace("1.2.4", "1,1.2.4"),
        gzip.compress(PLAIN.encode(), mtime=0),
        gzip.compress(PLAIN[:50].encode(), mtime=0) + gzip.compress(PLAIN[50:].encode(), mtime=0),
        gzip.compress(SEMICOLONS.encode("utf-16"), mtime=0),
    ],
)
def test_the_same_table_in_every_dress(tmp_path, data):
    read = read_annotations(put(tmp_path, data))
    assert list(read) == list(RIGHT)
    for uid, (center, diameter) in RIGHT.items():
        np.testing.assert_array_equal(read[uid].center, [center])
        np.testing.assert_array_equal(read[uid].value, [diameter])


def row(text):
    return PLAIN.splitlines()[0] + "\n" + text + "\n"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", r"t\.csv is empty and has no column seriesuid"),
        (b"\xff\xfe", "is empty"),
        ("\n\n", "is empty"),
        ("a;b\n1;2\n", r"has no column seriesuid, coordX, .*\(it has: a, b\)"),
        (
            PLAIN.replace("coordY", "posY"),
            r"has no column coordY: .*\(it has: seriesuid, coordX, posY, coordZ, diameter_mm\)",
        ),
        (PLAIN.replace("coordY", "coordX"), "has no column coordY"),
        (PLAIN.replace("coordX,", "coordX,coordX,"), "has the column coordX twice"),
        (row("1.2.3,-10,5,20,25,-30,6"), "line 2: 7 values for 5 columns .*decimal comma"),
        (row("1.2.3,1,2,3"), "line 2: too few values"),
        (row("1.2.3,nan,2,3,4"), "line 2: coordX is 'nan', not a number"),
        (row("1.2.3,1,inf,3,4"), "line 2: coordY is 'inf', not a number"),
        (row("1.2.3,1,,3,4"), "line 2: coordY is '', not a number"),
        (row("1.2.3,,,,4"), "line 2: coordX is '', not a number"),
        (row("1.2.3,1_000,2,3,4"), "line 2: coordX is '1_000', not a number"),
        (row('1.2.3,"1,5",2,3,4'), "line 2: coordX is '1,5', not a number"),
        (row("1.2.3,1.000,5,2,3,4").replace(",", ";"), "line 2: 6 values for 5 columns"),
        (row(",1,2,3,4"), "line 2: no seriesuid"),
        (row('1.2.3,"1,2,3,4\n1.2.4,1,2,3,4'), "no valid csv"),
        (row("1.2.3,1,2,3," + "9" * 200_000), "no valid csv"),
        (b"\x00\x01\x02\x03\xff\x80" * 50, "damaged or no text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff", "damaged or no text"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-9], "damaged or no text"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-6] + b"\0\0\0\0\0\0", "damaged or no text"),
        (gzip.compress(PLAIN.encode(), mtime=0) + b"more", "damaged or no text"),
    ],
)
def test_what_is_no_such_table_is_said(tmp_path, data, says):
    path = put(tmp_path, data)
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_annotations(path)
    assert str(path) in str(caught.value)


def test_a_header_alone_is_an_empty_table(tmp_path):
    assert read_annotations(put(tmp_path, PLAIN.splitlines()[0])) == {}


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LARGEST", 2**20)
    path = put(tmp_path, gzip.compress(bytes(2**21), mtime=0))
    with pytest.raises(FindingsFileError, match="unpacks to more than 1 MB"):
        read_annotations(path)


def test_a_nodule_that_is_written_twice_is_one(tmp_path, caplog):
    path = put(tmp_path, PLAIN + "1.2.3,-10.5,20.25,-30,6\n1.2.3,-10.5,20.25,-30,7\n")
    assert read_annotations(path)["1.2.3"].value.tolist() == [6, 6, 7]
    assert read_nodules(path)["1.2.3"].value.tolist() == [6, 7]
    assert "1 rows are there twice and count once" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        "1.2.3\n1.2.4\n",
        "seriesuid\n1.2.3\n1.2.4\n",
        "SeriesInstanceUID\n1.2.3\n1.2.4\n",
        "1.2.3;\n1.2.4;\n",
        "1.2.3,\n1.2.4,,\n",
        "1.2.3\t\n1.2.4\t\n",
        '"1.2.3"\n"1.2.4"\n',
        ",seriesuid\n0,1.2.3\n1,1.2.4\n",
        "Unnamed: 0;seriesuid\n0;1.2.3\n1;1.2.4\n",
        "fold,seriesuid,x\n0,1.2.3,a\n1,1.2.4,b\n",
        "series\n1.2.3\n1.2.4\n",
        "1.2.3\r1.2.4\r",
        "1.2.3\n1.2.4\n".encode("utf-16"),
        gzip.compress(b"seriesuid;\r\n1.2.3;\r\n1.2.4;\r\n", mtime=0),
    ],
)
def test_lists_of_series(tmp_path, data):
    assert read_series(put(tmp_path, data)) == ["1.2.3", "1.2.4"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "names no series"),
        ("seriesuid\n", "names no series"),
        (";\n;\n", "names no series"),
        ("0,1.2.3\n1,1.2.4\n", "line 1: 2 values where one identifier is expected"),
        ("id;name\n1.2.3;a\n", "line 1: 2 values"),
        ("1.2.3\n1.2.3\n", "lists 1.2.3 twice"),
        (",seriesuid\n0,1.2.3\n1,1.2.3\n", "lists 1.2.3 twice"),
    ],
)
def test_what_is_no_list_of_series(tmp_path, data, says):
    with pytest.raises(FindingsFileError, match=says):
        read_series(put(tmp_path, data))


def test_the_other_tables_wear_them_too(tmp_path):
    marks = "SeriesUID;Coord X;Coord Y;Coord Z;Probability\n1.2;1,5;2;3;0,25\n1.2;;;;0,5\n"
    (spots,) = read_submission(put(tmp_path, marks)).values()
    assert (spots.center.tolist(), spots.value.tolist()) == ([[3, 2, 1.5]], [0.25])
    findings = "SeriesUID;coordX;coordY;coordZ;Diameter_MM;Probability\n1.2;1,5;2;3;4;0,25\n"
    (case,) = read_csv(put(tmp_path, findings)).values()
    assert [(f.center, f.diameter, f.score) for f in case] == [((3, 2, 1.5), 4, 0.25)]
    metadata = "img_name;height;width;x;y;label\na.png;30,5;40;5;6;1\n"
    (read,) = read_metadata(put(tmp_path, metadata))
    assert read.box == (5, 6, 40, 30.5)
    boxes = "Image Index;Finding Label;Bbox [x;y;w;h];;;\na.png;Nodule;1,5;2;3;4;;;\n"
    (box,) = read_boxes(put(tmp_path, boxes))
    assert box.box == (1.5, 2, 3, 4)
    (nodule,) = read_jsrt(
        put(tmp_path, "JPCLN001.IMG\t5\t15\t53\tMale\t9\t8\tbenign\tl\tHämatom\n".encode("utf-16"))
    )
    assert nodule.diagnosis == "Hämatom"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("seriesuid,x0,y0,x1,y1\n1,5,5,3,9\n", "line 2: "),
        ("seriesuid,x0,y0,x1,y1\n1,5,5,5,9\n", "line 2: "),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1,1,2,3,-4\n", "line 2: "),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm,probability\n1,1,2,3,4,7\n", "line 2: "),
    ],
)
def test_impossible_findings_name_their_line(tmp_path, data, says):
    with pytest.raises(FindingsFileError, match=says):
        read_csv(put(tmp_path, data))


def test_line_numbers_and_columns(tmp_path):
    path = put(tmp_path, "sep=;\na;B b;c\n\n1;2,5;x\n;;\n3;4;y,z\n")
    assert list(read_rows(path, ("a", "bb"))) == [
        (4, {"a": "1", "bb": "2.5", "c": "x"}),
        (6, {"a": "3", "bb": "4", "c": "y,z"}),
    ]


@pytest.mark.parametrize("first", ["SEP=;", '"sep=;"', "sep=;;;;;"])
def test_other_spellings_of_the_stated_separator(tmp_path, first):
    spots = read_annotations(put(tmp_path, f"{first}\r\n{SEMICOLONS}".encode()))
    assert set(spots) == set(RIGHT)


def test_blanks_before_quotation_marks(tmp_path):
    lines = [", ".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.splitlines()]
    assert set(read_annotations(put(tmp_path, "\n".join(lines).encode()))) == set(RIGHT)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\3\4" + bytes(300), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(300), "an old Excel workbook"),
        (b"<html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"\x93NUMPY\x01\0", "an array of NumPy"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, data, says):
    with pytest.raises(FindingsFileError, match=f"is {says}"):
        read_annotations(put(tmp_path, data))


def test_the_heading_of_a_nameless_column_is_no_series(tmp_path):
    assert read_series(put(tmp_path, b"0\n1.2.3\n1.2.4\n")) == ["1.2.3", "1.2.4"]


def test_probabilities_that_are_none_are_said(tmp_path, caplog):
    marks = put(tmp_path, PLAIN.replace("diameter_mm", "probability").encode())
    assert read_submission(marks)["1.2.3"].value.tolist() == [6]
    assert "they only rank the marks" in caplog.text


def test_nodules_that_nothing_can_hit_are_said(tmp_path, caplog):
    read_nodules(put(tmp_path, PLAIN.replace("4.5", "0").encode()))
    assert "1 nodules have a diameter of 0" in caplog.text
