"""Growth in words."""

from __future__ import annotations

import pytest

from napari_lungmtl.text.growth import (
    change_words,
    doubling_words,
    interval_words,
    number_words,
    summary,
    volume_words,
)
from napari_lungmtl.training.case_report.words import Language, Words
from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.growth.change import Change
from napari_lungmtl.training.growth.compare import Compared
from napari_lungmtl.training.growth.matching import Match
from napari_lungmtl.training.report.tables import signed

NOW = Finding(Sphere((0.0, 0.0, 0.0), 8.0), number=3)
THEN = Finding(Sphere((0.0, 1.0, 0.0), 6.0), number=2)
BOTH = Match(NOW, THEN, 1.0)


def both(prior: float, present: float, half: float = 0.2) -> Compared:
    return Compared(BOTH, Change(prior, present, half))


def test_no_change_has_no_minus():
    assert "(" in summary(both(1000, 999), None)
    assert "0 % (" in summary(both(1000, 999), None)
    assert "−0 %" not in summary(both(1000, 999), None)
    assert interval_words(Change(1000, 1220, 0.2)) == "0 … +49 %"
    assert signed(-0.0004) == "+0.000"
    assert Words(Language.EN).number(-0.04, 1) == "0.0"


@pytest.mark.parametrize(
    ("nodule", "number", "volume", "change"),
    [
        (both(113, 268), "2 → 3", "113 → 268 mm³", "+137 %"),
        (both(268, 113), "2 → 3", "268 → 113 mm³", "−58 %"),
        (both(100, 110), "2 → 3", "100 → 110 mm³", "not told apart"),
        (Compared(Match(NOW, None)), "3", "Ø 8.0 mm", "new"),
        (Compared(Match(None, THEN)), "2", "Ø 6.0 mm", "gone"),
        (Compared(Match(NOW, None), read=False), "3", "Ø 8.0 mm", "not known"),
        (Compared(Match(None, THEN), read=False), "2", "Ø 6.0 mm", "not known"),
        (Compared(BOTH, notes=("It was not measured: no edge.",)), "2 → 3", "Ø 6.0 → 8.0 mm", "not measured"),
    ],
)
def test_a_row(nodule, number, volume, change):
    assert (number_words(nodule), volume_words(nodule), change_words(nodule)) == (number, volume, change)


def test_a_doubling_time_needs_growth_and_days():
    assert doubling_words(both(113, 268), 90) == "72 d (59–94)"
    assert doubling_words(both(113, 268), None) == "days unknown"
    assert doubling_words(both(113, 268), -9) == "prior is later"
    assert doubling_words(both(113, 268), 0) == "same day"
    assert doubling_words(both(268, 113), 0) == doubling_words(both(100, 110), 0) == ""
    assert doubling_words(both(100, 110), 90) == doubling_words(both(268, 113), 90) == ""
    assert doubling_words(both(100, 130), 9000) == "over 10000 d"


def test_all_of_it_in_a_line():
    assert interval_words(Change(100, 100, 0.2)) == "−18 … +22 %"
    said = summary(both(113, 268), 90)
    assert (
        said
        == "113 → 268 mm³, +137 % (+94 … +190 %, 95 %); grown; doubling time 72 d (59–94). Marks 1.0 mm apart."
    )
    one_day = summary(both(113, 268), 0)
    assert "; larger; no doubling time: same day." in one_day
    assert "grown" not in one_day
    assert "; smaller." in summary(both(268, 113), 0)
    assert "; grown; no doubling time: days unknown." in summary(both(113, 268), None)
    assert summary(Compared(Match(NOW, None)), 90) == "New: the prior study has no finding here."
    assert summary(Compared(BOTH, notes=("Why.",)), None) == "Why."
