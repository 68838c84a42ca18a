"""What readers would say of a nodule, in words: of four, as LIDC's nodules were read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..training.findings import Finding
from ..training.findings.finding import MALIGNANCY
from ..training.findings.lidc_scales import NOMINAL

PANEL = 4
"""Readers that a nodule of LIDC had."""
UNLIKE_FROM = 0.8
"""From this probability on that it is no nodule, that is said first. Few nodules of LIDC reach it (networks/unlike.md)."""
UNLIKE = "unlike a nodule"
READERS = (
    "How radiologists who see the CT alone would vote on malignancy, as the networks expect it: 1 highly unlikely to 5 highly "
    "suspicious. Benign is 1 or 2, suspicious 4 or 5. ± on votes and bars is how far readers differ from each other."
)
_COUNT = ("none", "one", "two", "three", "all four")


def is_unlike(finding: Finding) -> bool:
    """Whether it looks like something that is no nodule; what a person accepted is one."""
    return finding.unlike is not None and finding.unlike >= UNLIKE_FROM and finding.status != "accepted"


def shown_malignancy(finding: Finding) -> float | None:
    """Take the malignancy that colours and numbers show; None for what is hardly a nodule, so that it does not look sure."""
    return None if is_unlike(finding) else finding.malignancy


def panel(shares: Sequence[float]) -> tuple[int, int, int]:
    """Divide four readers among benign (1, 2), undecided (3) and suspicious (4, 5), as near to the probabilities as may be."""
    exact = PANEL * np.array([sum(shares[:2]), shares[2], sum(shares[3:])])
    whole = np.floor(exact).astype(int)
    for place in np.argsort(whole - exact, kind="stable")[: PANEL - whole.sum()]:
        whole[place] += 1
    benign, undecided, suspicious = map(int, whole)
    return benign, undecided, suspicious


def sentence(finding: Finding) -> str:
    """``Of four readers two would call it suspicious, one benign, one neither.``; empty where nobody said."""
    shares = finding.votes.get(MALIGNANCY)
    if not shares:
        return ""
    benign, undecided, suspicious = panel(shares)
    if suspicious == PANEL:
        return "Of four readers all would call it suspicious."
    others = [
        f"{_COUNT[count]} {word}" if count < PANEL else f"all {word}"
        for count, word in ((benign, "benign"), (undecided, "neither"))
        if count
    ]
    if not suspicious and len(others) == 1:
        return f"Of four readers all would call it {others[0].removeprefix('all ')}."
    return f"Of four readers {_COUNT[suspicious]} would call it suspicious, {', '.join(others)}."


def verdict(finding: Finding) -> str:
    """Tell first what matters: that it is hardly a nodule, else what readers would say of it."""
    if is_unlike(finding):
        return f"Unlike a nodule (probability {finding.unlike:.2f}): what follows holds only if it is one."
    return sentence(finding)


def attributes_of(finding: Finding) -> dict[str, float]:
    """Read the attributes to show: of categories the one that most readers would choose, not the mean of their numbers."""
    best = {
        name: 1.0 + int(np.argmax(shares))
        for name, shares in finding.votes.items()
        if name in NOMINAL and name in finding.attributes
    }
    return {**finding.attributes, **best}


def mean_and_deviation(shares: Sequence[float]) -> tuple[float, float]:
    """Mean vote, and by how much readers differ from it (standard deviation), on the scale."""
    values = np.arange(1, len(shares) + 1)
    mean = float(values @ np.asarray(shares))
    return mean, float(np.sqrt(np.asarray(shares) @ (values - mean) ** 2))


def suspicion(shares: Sequence[float]) -> float:
    """The chance that a reader calls it suspicious: 4 or 5."""
    return float(sum(shares[3:]))
