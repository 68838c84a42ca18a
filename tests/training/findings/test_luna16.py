import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.luna16 import (
    Spots,
    read_annotations,
    read_series,
    read_submission,
    truth_of,
    write_submission,
)

DATA = os.environ.get("LUNGMTL_DATA")
real = pytest.mark.skipif(not DATA, reason="LUNGMTL_DATA is not set")

uids = st.text("0123456789.", min_size=1, max_size=40)
tables = st.dictionaries(
    uids,
    npst.arrays(float, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-1e6, 1e6)),
    max_size=5,
)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(tables, st.sampled_from(["s.csv", "s.csv.gz"]))
def test_submissions_round_trip(tmp_path, table, name):
    marks = {uid: Spots(rows[:, :3], rows[:, 3]) for uid, rows in table.items()}
    write_submission(marks, tmp_path / name)
    back = read_submission(tmp_path / name)
    assert list(back) == list(marks)
    for uid in marks:
        np.testing.assert_array_equal(back[uid].center, marks[uid].center)
        np.testing.assert_array_equal(back[uid].value, marks[uid].value)


def test_findings_as_a_submission(tmp_path):
    kept = Finding(Sphere((3, 2, 1), 4), 0.75)
    rejected = Finding(Sphere((30, 20, 10), 4), 0.9, status="rejected")
    write_submission([Findings((kept, rejected), ImageReference("0001"))], tmp_path / "s.csv")
    assert (
        tmp_path / "s.csv"
    ).read_text() == "seriesuid,coordX,coordY,coordZ,probability\n0001,1.0,2.0,3.0,0.75\n"


def test_odd_but_valid_files(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(
        b"\xef\xbb\xbfclass_label,seriesuid, coordX,coordY,coordZ ,probability,nodule type\r\n"
        b'1,"0010", -1.5 ,2,3,1e-3,solid\r\n\r\n0,0010,4,5,6,.5,\r\n1,1.20,7,8,9,1\r\n,,,,,,\r\n'
    )
    marks = read_submission(path)
    # Identifiers stay text: 0010 is not 10, 1.20 is not 1.2.
    assert list(marks) == ["0010", "1.20"]
    np.testing.assert_array_equal(marks["0010"].center, [[3, 2, -1.5], [6, 5, 4]])
    np.testing.assert_array_equal(marks["0010"].value, [1e-3, 0.5])


def test_rows_of_one_series_may_lie_apart(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\na,1,1,1,5\nb,2,2,2,6\na,3,3,3,-1\n")
    table = read_annotations(path)
    np.testing.assert_array_equal(table["a"].value, [5, -1])
    np.testing.assert_array_equal(table["b"].center, [[2, 2, 2]])


def test_truth_of_a_series():
    table = {"a": Spots(np.array([[3.0, 2, 1], [6, 5, 4]]), np.array([7.0, -1]))}
    truth = truth_of(table, "a")
    assert [f.geometry for f in truth] == [Sphere((3, 2, 1), 7), Sphere((6, 5, 4), 10)]
    assert {f.provenance.model for f in truth} == {"truth"}
    assert len(truth_of(table, "b")) == 0


def test_empty_tables(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,probability\n")
    assert read_submission(path) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column seriesuid"),
        ("seriesuid,coordX,coordY,coordZ\n", "no column probability"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,1,2\n", "line 2: too few"),
        (
            "seriesuid,coordX,coordY,coordZ,probability\na,1,2,3,0.5\nb,1,2,3,high\n",
            "line 3: probability is 'high'",
        ),
        ("seriesuid,coordX,coordY,coordZ,probability\na,1,2,3,inf\n", "line 2: probability is 'inf'"),
        ("seriesuid,coordX,coordY,coordZ,probability\n,1,2,3,0.5\n", "line 2: no seriesuid"),
    ],
)
def test_bad_submissions_name_the_line(tmp_path, text, says):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(FindingsFileError, match=says):
        read_submission(path)


def test_lists_of_series(tmp_path):
    path = tmp_path / "series.csv"
    path.write_bytes(b"\xef\xbb\xbfseriesuid\r\n0010 \r\n\r\n1.2\r\n")
    assert read_series(path) == ["0010", "1.2"]
    path.write_text("1\n2\n1\n")
    with pytest.raises(FindingsFileError, match="lists 1 twice"):
        read_series(path)
    path.write_text("\n")
    with pytest.raises(FindingsFileError, match="names no series"):
        read_series(path)


@real
def test_the_challenge_files():
    folder = Path(DATA) / "luna16"
    annotations = read_annotations(folder / "annotations.csv")
    assert sum(len(spots.value) for spots in annotations.values()) == 1186
    excluded = read_annotations(folder / "annotations_excluded.csv.gz")
    assert sum(len(spots.value) for spots in excluded.values()) == 35192
    assert len(read_series(folder / "seriesuids.csv")) == 888
    first = annotations["1.3.6.1.4.1.14519.5.2.1.6279.6001.100225287222365663678666836860"]
    np.testing.assert_array_equal(first.center[0], [-298.3875064, -175.3192718, -128.6994211])
