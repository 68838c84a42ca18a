"""Measurements of reports are read in their units, and never as mm or per cent where the unit is another."""

import numpy as np
import pydicom
import pytest

from napari_lungmtl.training.findings.formats.lidc.nodules import POINT_MM
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import opened, series
from tests.stand_ins.measured_reports import in_space, measured, number, report


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """An image, its slices, and a file for the report."""
    folder = tmp_path_factory.mktemp("units")
    image, _ = opened(series(folder / "ct"))
    return image, [pydicom.dcmread(p) for p in sorted((folder / "ct").iterdir())], folder / "sr.dcm"


def read(case, *measurements, truth=False):
    """The finding of a point with these measurements, and what was said."""
    image, datasets, path = case
    center = image.to_world(np.array(image.shape) / 2)[::-1]
    point = in_space("POINT", [center], datasets[0].FrameOfReferenceUID)
    report(datasets, [measured(point, measurements)], path)
    if truth:
        return load_truth(path, image)
    (finding,), problems = import_findings(path, image)
    return finding, problems


@pytest.mark.parametrize(
    ("value", "unit"),
    [(20, "mm"), (2, "cm"), (0.2, "dm"), (0.02, "m"), (20000, "um"), (2e7, "nm"), (20 / 25.4, "[in_i]")],
)
@pytest.mark.parametrize("name", ["diameter", "long axis"])
def test_lengths(case, name, value, unit):
    finding, problems = read(case, number(name, value, unit))
    assert finding.diameter == pytest.approx(20)
    assert not problems


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("volume", np.pi / 6 * 8000, "mm3"),
        ("volume", np.pi / 6 * 8, "cm3"),
        ("volume", np.pi / 6 * 8, "ml"),
        ("volume", np.pi / 6 * 8, "mL"),
        ("volume", np.pi / 6 * 8e-3, "l"),
        ("volume", np.pi / 6 * 8000, "ul"),
        ("area", np.pi / 4 * 400, "mm2"),
        ("area", np.pi / 4 * 4, "cm2"),
        ("area", np.pi / 4 * 4e8, "um2"),
    ],
)
def test_a_point_of_which_only_the_volume_or_the_area_is_said(case, name, value, unit):
    """A sphere of 20 mm has π/6 · 20³ mm³, a disc π/4 · 20² mm²."""
    finding, problems = read(case, number(name, round(value, 9), unit))
    assert finding.diameter == pytest.approx(20)
    assert not problems


def test_a_diameter_goes_before_a_volume(case):
    assert read(case, number("volume", 1, "ml"), number("diameter", 1.5, "cm"))[0].diameter == 15


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (80, "%"),
        (0.8, "1"),
        (0.8, "{0:1}"),
        (8, "{0:10}"),
        (80, "{0:100}"),
        (800, "[ppth]"),
        (0.8, "{ratio}"),
    ],
)
def test_fractions(case, value, unit):
    finding, problems = read(case, number("cancer", value, unit), number("certainty", value, unit))
    assert (finding.malignancy, finding.score) == (pytest.approx(0.8), pytest.approx(0.8))
    assert not problems


@pytest.mark.parametrize(
    ("unit", "scheme"), [("pixels", "UCUM"), ("mm2", "UCUM"), ("%", "UCUM"), ("mm", "99X")]
)
def test_an_unknown_unit_of_length_is_said_and_not_taken_as_mm(case, unit, scheme):
    finding, (problem,) = read(case, number("diameter", 3, unit, scheme))
    assert finding.diameter == POINT_MM
    assert "region 1 (nodule): its diameter of 3" in problem
    assert f"{unit}" in problem
    assert problem.endswith("and is not taken")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(3, "mm", "in no unit that is read"), (80, "1", "cannot be"), (-5, "%", "cannot be")],
)
def test_a_probability_that_is_none_is_said_and_not_taken(case, value, unit, said):
    plain, _ = read(case)
    finding, problems = read(case, number("cancer", value, unit), number("certainty", value, unit))
    assert (finding.malignancy, finding.score) == (None, plain.score)
    assert len(problems) == 2
    assert all(said in problem for problem in problems)


def test_a_size_that_cannot_be_is_said(case):
    finding, (problem,) = read(case, number("diameter", -2, "cm"))
    assert finding.diameter == POINT_MM
    assert "its diameter of -2 cm cannot be" in problem


def test_truth_of_an_unknown_unit(case):
    truth = read(case, number("diameter", 3, "pixels"), truth=True)
    assert [f.diameter for f in truth.nodules] == [POINT_MM]
    assert "in no unit that is read here" in truth.problems[0]
