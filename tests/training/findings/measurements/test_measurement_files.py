"""Measurements in files: the project's own JSON, whose former version reads as before, and a table."""

from __future__ import annotations

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Measurement, Sphere
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.findings.measurements import KINDS
from napari_lungmtl.training.findings.measurements.csv_file import write_measurements
from napari_lungmtl.training.findings.measurements.measurement import VALUES
from napari_lungmtl.training.imaging.slab import KINDS as KINDS_OF_SLAB
from napari_lungmtl.training.imaging.slab import SLICE, Slab

mm = st.floats(-2000, 2000)
words = st.text(max_size=20)


@st.composite
def measurements(draw) -> Measurement:
    kind, axis = draw(st.sampled_from(sorted(KINDS))), draw(st.sampled_from([None, 0, 1, 2]))
    at = draw(mm)

    def points(n: int) -> tuple[tuple[float, ...], ...]:
        flat = draw(st.lists(st.tuples(mm, mm), min_size=n, max_size=n))
        return tuple(p if axis is None else (*p[:axis], at, *p[axis:]) for p in flat)

    return Measurement(
        *(kind, points(KINDS[kind]), axis),
        values=draw(st.dictionaries(st.sampled_from(VALUES), st.floats(-1e6, 1e6))),
        plane=draw(words),
        finding=draw(words),
        outline=points(draw(st.integers(0, 3))),
        notes=tuple(draw(st.lists(words, max_size=2))),
        person=draw(words),
        number=draw(st.integers(0, 99)),
        slab=SLICE
        if axis is None
        else Slab(draw(st.sampled_from(("", *KINDS_OF_SLAB))), draw(st.floats(5, 30))),
    )


@given(st.lists(measurements(), max_size=3))
def test_measurements_come_back_as_they_were(tmp_path_factory, some):
    path = tmp_path_factory.getbasetemp() / "measured.lungmtl.json"
    findings = Findings(measurements=tuple(some))
    write_findings(findings, path)
    assert read_findings(path) == findings


LINE = Measurement(
    *("line", ((-120.0, 10.0, 20.0), (-120.0, 13.0, 24.0)), 0, {"length": 5.0}),
    person="ann",
    id="m1",
    number=1,
)
AXES = Measurement(
    *("axes", ((-120, 0, 0), (-120, 0, 10), (-120, -3, 5), (-120, 3, 5)), 0),
    values={"long": 10.0, "short": 6.0, "volume": 300.5, "mean": -20.25},
    finding="f",
    notes=("It touches vessels.",),
    id="m2",
    number=2,
)
FINDINGS = Findings(
    (Finding(Sphere((-120, 0, 5), 10), id="f", number=7),),
    ImageReference("1.2.3", modality="CT", shape=(9, 9, 9), spacing=(1, 1, 1)),
    measurements=(LINE, AXES),
)


def test_a_file_of_the_former_version_has_none_and_reads_as_before(tmp_path):
    path = tmp_path / "case.lungmtl.json"
    write_findings(FINDINGS, path)
    document = json.loads(path.read_text())
    assert document.pop("measurements")[0] == {
        "id": "m1",
        "number": 1,
        "kind": "line",
        "slice_across": "z",
        "points_zyx": [[-120.0, 10.0, 20.0], [-120.0, 13.0, 24.0]],
        "values": {"length": 5.0},
        "person": "ann",
    }
    path.write_text(json.dumps(document | {"schema_version": 4}))
    former = read_findings(path)
    assert former.items == FINDINGS.items
    assert former.measurements == ()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"kind": "line"', '"kind": "lines"', "unknown kind"),
        ('"slice_across": "z"', '"slice_across": "zy"', "across z, y or x"),
        ('"points_zyx"', '"points_yx"', "'points_zyx' is missing"),
        ('"length"', '"lengths"', "unknown values"),
        ('"id": "m1"', '"id": "m2"', "share an id"),
    ],
)
def test_a_damaged_entry_is_named(tmp_path, old, new, why):
    path = tmp_path / "case.lungmtl.json"
    write_findings(FINDINGS, path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(FindingsFileError, match=why) as error:
        read_findings(path)
    assert str(path) in str(error.value)


def test_the_table_has_a_row_for_each_with_values_units_and_the_nodules_number(tmp_path):
    film = Findings(
        image=ImageReference("film", modality="DX", units="pixel"),
        measurements=(Measurement("line", ((1.0, 2.0), (1.0, 12.0)), values={"length": 10.0}, number=1),),
    )
    write_measurements([FINDINGS, film], tmp_path / "measurements.csv")
    line, axes, flat = csv.DictReader((tmp_path / "measurements.csv").open())
    assert (line["seriesuid"], line["kind"], line["length"], line["length_unit"]) == (
        "1.2.3",
        "line",
        "5.0",
        "mm",
    )
    assert (line["slice_across"], line["slice_at"], line["points"]) == (
        "z",
        "-120.0",
        "20 10 -120; 24 13 -120",
    )
    assert (axes["long"], axes["short"], axes["volume"]) == ("10.0", "6.0", "300.5")
    assert (axes["mean"], axes["value_unit"]) == ("-20.25", "HU")
    assert (axes["finding"], axes["finding_number"], axes["notes"]) == ("f", "7", "It touches vessels.")
    assert (flat["length_unit"], flat["value_unit"], flat["slice_across"]) == ("pixel", "grey value", "")
    assert flat["points"] == "2 1; 12 1"
