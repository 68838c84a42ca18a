"""Which open study is the likeliest prior: of real files, by patient, day and time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from napari_lungmtl.prior.studies import candidates, is_later
from napari_lungmtl.training.growth.change import clock, days_between, earlier_that_day
from napari_lungmtl.training.imaging import Image, read_image

from ...stand_ins.exchanged import series

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR TM")  # as old files have them

SAME = {"AcquisitionTime": "093000.25"}


def study(folder, number: int, **tags: object) -> Image:
    """A DICOM series as it is read from its files."""
    return read_image(series(folder / str(number), SeriesInstanceUID=f"1.2.3.{number}", **tags))


def listed(present: Image, *others: Image) -> list:
    layers = {str(n): image for n, image in enumerate((present, *others))}
    images = SimpleNamespace(layers=list(layers), image_of=layers.get)
    return candidates(images, SimpleNamespace(session=SimpleNamespace(image=present), layer="0"))


def order(present: Image, *others: Image) -> list[Image]:
    return [each.image for each in listed(present, *others)]


def test_the_latest_earlier_study_comes_first_and_later_ones_last(tmp_path):
    present, older, old, later, latest, undated, foreign, nobodys = (
        study(tmp_path, n, **tags)
        for n, tags in enumerate(
            (
                *({"StudyDate": f"{year}0101"} for year in (2020, 2018, 2019, 2021, 2022)),
                {"StudyDate": ""},
                {"StudyDate": "20191231", "PatientID": "OTHER"},
                {"StudyDate": "20191231", "PatientID": ""},
            )
        )
    )
    expected = [old, older, undated, later, latest, nobodys, foreign]
    assert [e.series_uid for e in order(present, latest, foreign, nobodys, undated, older, later, old)] == [
        e.series_uid for e in expected
    ]
    assert [is_later(each, present) for each in expected] == [*[False] * 3, True, True, False, False]


@pytest.mark.parametrize(
    ("first", "second", "present"),
    [
        *[({"AcquisitionTime": a}, {"AcquisitionTime": b}, SAME) for a, b in (("0929", "0931"), ("092959", "093001"))],
        ({"AcquisitionTime": "09:29:59"}, {"AcquisitionTime": "1001"}, SAME),
        ({"StudyTime": "080000"}, {"StudyTime": "100000"}, {"StudyTime": "090000"}),
        ({"AcquisitionDateTime": "20240506080000.5+0100"}, {"AcquisitionTime": "100000"}, SAME),
    ],
)  # fmt: skip
def test_of_one_day_the_earlier_acquisition_is_a_prior_where_times_are_known(
    tmp_path, first, second, present
):
    here, early, late, old = (
        study(tmp_path, n, **tags)
        for n, tags in enumerate((present, first, second, {"StudyDate": "20230506"}))
    )
    assert order(here, late, early, old)[:2] == [old, early], "one of the same day tells no rate of growth"
    assert earlier_that_day(early, here) is True
    assert not is_later(early, here)
    assert is_later(late, here)
    assert is_later(here, early)


@pytest.mark.parametrize("time", ["", "9", "250000", "0961", "morning"])
def test_without_times_none_of_one_day_is_the_later(tmp_path, time):
    one, other = (
        study(tmp_path, 1, AcquisitionTime=time, StudyTime=""),
        study(tmp_path, 2, StudyTime="", **SAME),
    )
    assert days_between(one, other) == 0
    assert earlier_that_day(one, other) is earlier_that_day(other, one) is None
    assert not is_later(one, other)
    assert clock(one) is None
    assert clock(other) == 34200.25


def test_times_are_told_of_studies_of_one_day_which_have_the_same_words_else(tmp_path):
    here = study(tmp_path, 1, **SAME)
    early, old = (
        study(tmp_path, 2, AcquisitionTime="081500"),
        study(tmp_path, 3, StudyDate="20230506", **SAME),
    )
    words = [each.words for each in listed(here, early, old)]
    assert words == ["KH-471108 · 2023-05-06", "KH-471108 · 2024-05-06 08:15"]
