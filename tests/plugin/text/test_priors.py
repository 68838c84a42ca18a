"""What is said of the time between a study and its prior."""

from napari_lungmtl.text.priors import apart, whose


def test_each_gap_has_its_own_sentence():
    assert apart(90, False, True) == apart(None, False, False) == []
    assert "dates are unknown" in apart(None, False, True)[0]
    assert "dates" not in apart(0, False, True)[0]
    assert "same day" in apart(0, False, True)[0]
    assert "no doubling time" in apart(0, False, False)[0]
    assert apart(0, True, True) == ["The prior study is the later one of the same day: swap them."]
    assert apart(-366, True, True) == ["The prior study is the later one, by 366 days: swap them."]


def test_only_two_known_patients_can_be_two():
    assert whose("A", "A") == whose("", "A") == whose("A", "") == []
    assert whose("A", "B") == ["Another patient? This is A, the prior study B."]
