"""Guidelines: the published test values, every row of their tables, where they do not apply, and nothing assumed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lungmtl.training.case_report.language import Language
from napari_lungmtl.training.case_report.words import Words
from napari_lungmtl.training.errors import LungmtlError
from napari_lungmtl.training.findings import Finding, Findings, Measurement, Sphere
from napari_lungmtl.training.findings.finding import ImageReference
from napari_lungmtl.training.growth.change import Change
from napari_lungmtl.training.guidelines import brock, fleischner, lung_rads
from napari_lungmtl.training.guidelines.calculation import Given, Source, calculate, known
from napari_lungmtl.training.guidelines.guideline import Guideline
from napari_lungmtl.training.guidelines.inputs import Inputs, NotGivenError, parse

ELIGIBLE = Inputs(screening=False, age=60, known_cancer=False, immunosuppressed=False)
SCREENED = Inputs(
    screening=True, benign_pattern=False, other_findings=False, juxtapleural=False, suspicious=False
)


def chance(age, woman, texture, diameter, count, *risks) -> float:
    """Brock's probability; what is not among the risks is not there."""
    names = ("family_history", "emphysema", "upper_lobe", "spiculated")
    given = {name: name in risks for name in names}
    result = brock.probability(
        Inputs(
            known_cancer=False,
            age=age,
            woman=woman,
            texture=texture,
            long_axis=diameter,
            count=count,
            **given,
        )
    )
    return result.probability


def test_brock_has_the_published_values():
    """Table 2 of PMC6717521; the count is centred, not the diameter shortened by 4 mm."""
    everything = ("family_history", "emphysema", "upper_lobe", "spiculated")
    assert chance(62, True, "solid", 10, 1, "upper_lobe", "spiculated") == pytest.approx(0.2010, abs=5e-5)
    assert chance(62, False, "solid", 6, 4) == pytest.approx(0.0053, abs=5e-5)
    assert chance(70, True, "part-solid", 15, 2, *everything) == pytest.approx(0.6734, abs=5e-5)
    assert chance(55, False, "non-solid", 8, 1) == pytest.approx(0.0124, abs=5e-5)
    uncentered = (
        brock.INTERCEPT - 62 * brock.AGE - brock.SIZE * brock.SIZE_CENTER - brock.CENTER_COUNT * brock.COUNT
    )
    assert uncentered == pytest.approx(0.27607, abs=2e-5)


def test_doubling_times_have_the_published_values():
    assert Change(113, 268, 0.2).doubling_time(90) == pytest.approx(72.2, abs=0.05)
    assert Change(6**3, 8**3, 0.2).doubling_time(90) == pytest.approx(72.3, abs=0.05)


@pytest.mark.parametrize(
    ("texture", "timing", "sizes", "expected"),
    [
        ("solid", "baseline", (5.94, 5.95, 7.9, 8.0, 14.9, 15.0), ("2", "3", "3", "4A", "4A", "4B")),
        ("solid", "new", (3.9, 4.0, 5.9, 6.0, 7.9, 8.0), ("2", "3", "3", "4A", "4A", "4B")),
        ("solid", "growing", (5.0, 7.9, 8.0), ("4A", "4A", "4B")),
        ("solid", "growing slowly", (5.0,), ("4B",)),
        ("solid", "crossed", (6.1, 8.2), ("3", "4A")),
        ("part-solid", "baseline", (5.9,), ("2",)),
        ("part-solid", "new", (5.9,), ("3",)),
        ("non-solid", "baseline", (29.9, 30.0), ("2", "3")),
        ("non-solid", "new", (29.9, 30.0), ("2", "3")),
        ("non-solid", "growing", (29.9,), ("2",)),
        ("non-solid", "growing slowly", (30.0,), ("2",)),
    ],
)
def test_lung_rads_by_size(texture, timing, sizes, expected):
    inputs = replace(SCREENED, texture=texture, timing=timing)
    got = [lung_rads.category(replace(inputs, mean_diameter=size)).value for size in sizes]
    assert tuple(got) == expected


def test_lung_rads_by_volume_by_the_solid_part_and_by_what_else_is_seen():
    solid = replace(SCREENED, texture="solid", timing="baseline")
    volumes = [lung_rads.category(replace(solid, volume=v)).value for v in (112, 113, 267, 268, 1766, 1767)]
    assert volumes == ["2", "3", "3", "4A", "4A", "4B"]
    part = replace(SCREENED, texture="part-solid", mean_diameter=12)
    by_solid = {
        timing: [
            lung_rads.category(replace(part, timing=timing, solid_diameter=s)).value
            for s in (3.9, 4.0, 5.9, 6.0, 7.9, 8.0)
        ]
        for timing in ("baseline", "new", "growing")
    }
    assert by_solid["baseline"] == ["3", "3", "3", "4A", "4A", "4B"]
    assert by_solid["new"] == by_solid["growing"] == ["4A", "4B", "4B", "4B", "4B", "4B"]
    for size, category in ((9.9, "2"), (10.0, "4A")):
        assert lung_rads.category(replace(solid, mean_diameter=size, juxtapleural=True)).value == category
    large = replace(solid, mean_diameter=7.0)
    assert lung_rads.category(replace(large, suspicious=True)).value == "4X"
    assert lung_rads.category(replace(large, other_findings=True)).value == "3S"
    assert lung_rads.category(replace(SCREENED, benign_pattern=True)).value == "1"
    stable = [
        lung_rads.category(replace(SCREENED, timing="stable", previous=p)).value
        for p in ("1", "2", "3", "4A")
    ]
    assert stable == ["1", "2", "2", "3"]


def test_growth_of_lung_rads():
    assert not lung_rads.grew(6.0, 7.5, 12)
    assert lung_rads.grew(6.0, 7.6, 12)
    with pytest.raises(LungmtlError, match="further apart"):
        lung_rads.grew(6.0, 7.6, 13)


@pytest.mark.parametrize(
    ("count", "risk", "expected"),
    [
        (1, False, ("No routine", "CT at 6–12 months, then consider", "Consider CT at 3 months")),
        (1, True, ("CT at 12 months is optional", "CT at 6–12 months, then CT", "Consider CT at 3 months")),
        (2, False, ("No routine", "CT at 3–6 months, then consider", "CT at 3–6 months, then consider")),
        (2, True, ("CT at 12 months is optional", "CT at 3–6 months, then CT", "CT at 3–6 months, then CT")),
    ],
)
def test_fleischner_of_solid_nodules(count, risk, expected):
    """5.4 mm is less than 6 and 5.5 mm is 6; 8.4 mm is 8 and 8.5 mm more. Volumes: 100 and 250 mm³."""
    inputs = replace(ELIGIBLE, texture="solid", count=count, high_risk=risk)
    for sizes, said in zip(((5.4, 99), (5.5, 100), (8.5, 251)), expected, strict=True):
        for name, size in zip(("mean_diameter", "volume"), sizes, strict=True):
            assert fleischner.advice(replace(inputs, **{name: size})).advice.startswith(said)
    for name, size in (("mean_diameter", 8.4), ("volume", 250)):
        assert fleischner.advice(replace(inputs, **{name: size})).value == fleischner.MIDDLE


@pytest.mark.parametrize(
    ("texture", "count", "small", "large"),
    [
        ("non-solid", 1, "No routine", "CT at 6–12 months to confirm"),
        ("part-solid", 1, "No routine", "CT at 3–6 months to confirm"),
        ("non-solid", 3, "CT at 3–6 months. If stable", "CT at 3–6 months. What follows"),
        ("part-solid", 3, "CT at 3–6 months. If stable", "CT at 3–6 months. What follows"),
    ],
)
def test_fleischner_of_subsolid_nodules(texture, count, small, large):
    inputs = replace(ELIGIBLE, texture=texture, count=count)
    assert fleischner.advice(replace(inputs, mean_diameter=5.4)).advice.startswith(small)
    for size, solid, suspicious in ((5.5, 5.4, False), (6.0, 5.5, True)):
        said = fleischner.advice(replace(inputs, mean_diameter=size, solid_diameter=solid))
        assert said.advice.startswith(large)
        assert (fleischner.SUSPICIOUS in said.notes) == (suspicious and texture == "part-solid")


def test_only_what_is_asked_for_decides_and_a_solid_part_is_a_part():
    """What a person said under another course of the nodule, or of another kind of it, is not on the page: it must not count."""
    crossed = replace(SCREENED, texture="solid", timing="crossed", mean_diameter=8.2, juxtapleural=True)
    assert lung_rads.category(crossed).value == "4A", (
        "the row of juxtapleural nodules speaks of baseline and new ones"
    )
    assert "juxtapleural" not in lung_rads.needs(crossed)
    for timing in ("baseline", "new"):
        assert lung_rads.category(replace(crossed, timing=timing)).value == "2"
    part = replace(SCREENED, texture="part-solid", timing="baseline", mean_diameter=7.0, solid_diameter=7.1)
    with pytest.raises(LungmtlError, match="larger than the nodule"):
        lung_rads.category(part)
    with pytest.raises(LungmtlError, match="larger than the nodule"):
        fleischner.advice(
            replace(part, screening=False, age=60, known_cancer=False, immunosuppressed=False, count=1)
        )
    assert lung_rads.category(replace(part, solid_diameter=7.0)).value == "4A"


def test_where_a_rule_does_not_apply_it_says_so():
    whole = replace(ELIGIBLE, texture="solid", count=1, high_risk=False, mean_diameter=7)
    for change, words in (
        ({"age": 34}, "younger than 35"),
        ({"known_cancer": True}, "known cancer"),
        ({"immunosuppressed": True}, "immunosuppressed"),
        ({"screening": True}, "use Lung-RADS"),
    ):
        with pytest.raises(LungmtlError, match=words):
            fleischner.advice(replace(whole, **change))
    with pytest.raises(LungmtlError, match="screening only"):
        lung_rads.category(Inputs(screening=False))
    with pytest.raises(LungmtlError, match="4B"):
        lung_rads.category(replace(SCREENED, timing="stable", previous="4B"))
    with pytest.raises(LungmtlError, match="no row"):
        lung_rads.category(replace(SCREENED, texture="non-solid", timing="growing", mean_diameter=31))
    with pytest.raises(LungmtlError, match="cancer is known"):
        brock.probability(Inputs(known_cancer=True))


def test_what_nobody_gave_is_asked_for():
    with pytest.raises(NotGivenError) as asked:
        fleischner.advice(Inputs())
    assert asked.value.names == (
        *("screening", "age", "known_cancer", "immunosuppressed", "texture", "count", "mean_diameter"),
    )
    part = replace(SCREENED, texture="part-solid", timing="baseline", mean_diameter=8, suspicious=None)
    assert "solid_diameter" in lung_rads.needs(part)
    assert "solid_diameter" not in lung_rads.needs(replace(part, mean_diameter=5))
    with pytest.raises(NotGivenError) as asked:
        lung_rads.category(replace(part, solid_diameter=3))
    assert asked.value.names == ("suspicious",)
    with pytest.raises(NotGivenError, match=r"texture \(solid/part-solid/non-solid\)"):
        brock.probability(Inputs(known_cancer=False))
    for name, text in (
        ("age", "old"),
        ("woman", "perhaps"),
        ("texture", "soft"),
        ("weight", "70"),
        ("age", "200"),
        ("volume", "1,172"),
    ):
        with pytest.raises(LungmtlError, match=name):
            parse(name, text)
    assert (parse("long_axis", "7,5"), parse("count", "3"), parse("woman", "No")) == (7.5, 3, False)


def test_inputs_tell_where_they_come_from():
    ball = Finding(Sphere((0, 0, 0), 9.0), attributes={"texture": 4.9}, id="a", number=2, label="part-solid")
    findings = Findings((ball,), ImageReference(modality="CT", shape=(9, 9, 9), spacing=(1, 1, 1)))
    of_mark = known(findings, ball)
    assert of_mark == {
        "mean_diameter": Given(9.0, Source.MARK),
        "long_axis": Given(9.0, Source.MARK),
        "texture": Given("part-solid", Source.PERSON),
    }, "what a network thinks is nobody's answer"
    axes = Measurement(
        "axes",
        ((0, 0, 0), (0, 0, 8), (0, 2, 4), (0, -2, 4)),
        axis=0,
        finding="a",
        values={"long": 8, "short": 4},
    )
    given = known(replace(findings, measurements=(axes,)), ball)
    assert (given["mean_diameter"], given["long_axis"]) == (
        Given(6.0, Source.MEASURED),
        Given(8, Source.MEASURED),
    )
    waiting = calculate(Guideline.BROCK, given, 2)
    assert waiting.result is None
    assert dict(waiting.inputs)["long_axis"] == Given(8, Source.MEASURED)
    assert dict(waiting.inputs)["age"] is None
    assert "age" in waiting.missing
    huge = calculate(Guideline.BROCK, known(findings, ball.with_(geometry=Sphere((0, 0, 0), 350.0))), 2)
    assert huge.result is None
    assert Words(Language.DE)(huge.refusal).startswith("Markierung oder Messung")
    refused = calculate(Guideline.FLEISCHNER, given | {"age": Given(20, Source.PERSON)}, 2)
    assert "younger than 35" in refused.refusal
