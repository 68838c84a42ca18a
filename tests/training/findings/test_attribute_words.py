"""The words of the LIDC attributes agree with the scales that the numbers are on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.findings.attribute_words import SCALES
from napari_lungmtl.training.findings.lidc_scales import NOMINAL, SCALE_MAX


def test_all_eight_are_there_in_their_order():
    assert tuple(SCALES) == ATTRIBUTES
    assert {name for name, scale in SCALES.items() if scale.nominal} == set(NOMINAL)


def test_a_scale_has_words_for_its_ends_and_a_nominal_one_a_name_for_each_number():
    for name, scale in SCALES.items():
        assert scale.title
        assert scale.maximum == SCALE_MAX[name]
        if scale.nominal:
            assert len(scale.categories) == scale.maximum
        else:
            assert scale.low
            assert scale.high
            assert not scale.categories


def test_numbers_have_the_meaning_that_lidc_gives_them():
    calcification, structure = SCALES["calcification"], SCALES["internalStructure"]
    assert [calcification.category(n) for n in (1, 3, 6)] == ["popcorn", "solid", "absent"]
    assert [structure.category(n) for n in (1, 2, 3, 4)] == ["soft tissue", "fluid", "fat", "air"]
    assert SCALES["texture"].describe(1.04) == "1.0"
    assert (SCALES["texture"].low, SCALES["texture"].high) == ("ground glass", "solid")
    assert (SCALES["margin"].low, SCALES["margin"].high) == ("poorly defined", "sharp")


@given(st.floats(-3, 12))
def test_a_category_is_the_nearest_and_a_fraction_stays_on_the_scale(value: float):
    for scale in SCALES.values():
        assert 0 <= scale.fraction(value) <= 1
        if scale.nominal:
            number = scale.categories.index(scale.category(value)) + 1
            distances = [abs(value - n) for n in range(1, scale.maximum + 1)]
            assert distances[number - 1] == min(distances)


def test_the_ends_of_the_scale_are_the_ends_of_the_bar():
    assert [SCALES["margin"].fraction(v) for v in (1, 3, 5)] == [0.0, 0.5, 1.0]


def test_an_ordinal_attribute_has_no_categories():
    with pytest.raises(ValueError, match="without categories"):
        SCALES["margin"].category(2)
