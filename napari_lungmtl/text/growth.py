"""Growth in words: volumes, change with its interval, doubling time."""

from __future__ import annotations

from ..training.findings import Finding
from ..training.growth.change import GREW, NOT_TOLD_APART, SHRANK, Change
from ..training.growth.compare import Compared
from .numbers import change as percent

UNREAD = "not known"
"""Said of a nodule whose other study nobody and nothing has looked at."""
_ONE_DAY = {GREW: "larger", SHRANK: "smaller"}
"""Of scans of one day nobody can say that a nodule has grown between them."""
_LONG = 10_000
"""Days from which a doubling time says no more than that it is long."""


def number_words(nodule: Compared) -> str:
    """The numbers of its findings, prior and present: ``2 → 3``, or the one that there is."""
    present, prior = nodule.match.present, nodule.match.prior
    numbers = [str(f.number or "–") for f in (prior, present) if f is not None]
    return " → ".join(dict.fromkeys(numbers))


def volume_words(nodule: Compared) -> str:
    """Both volumes in mm³; of a nodule that was not measured, the diameters of its marks.

    Examples
    --------
    >>> from napari_lungmtl.training.growth.matching import Match
    >>> volume_words(Compared(Match(None, None), Change(113.0, 268.0, 0.2)))
    '113 → 268 mm³'
    """
    if nodule.change is not None:
        return f"{nodule.change.prior:.0f} → {nodule.change.present:.0f} mm³"
    present, prior = nodule.match.present, nodule.match.prior
    marks = [f"{f.diameter:.1f}" for f in (prior, present) if f is not None]
    return f"Ø {' → '.join(marks)} mm"


def change_words(nodule: Compared) -> str:
    """What became of a nodule: its change with the interval, or that it is new, gone, not known, not told apart, not measured.

    With a question mark where the other study has a mark there that is not shown.
    """
    if nodule.match.prior is None or nodule.match.present is None:
        word = "new" if nodule.match.prior is None else "gone"
        return UNREAD if not nodule.read else f"{word}?" if nodule.hidden is not None else word
    change = nodule.change
    if change is None:
        return "not measured"
    if change.verdict == NOT_TOLD_APART:
        return NOT_TOLD_APART
    return percent(change.relative)


def interval_words(change: Change) -> str:
    """The interval of a change: ``−12 … +35 %``."""
    low, high = change.interval
    return f"{percent(low)[:-2]} … {percent(high)}"


def doubling_words(nodule: Compared, days: float | None) -> str:
    """Doubling time with its interval in days: ``72 d (58–95)``; where it is larger, but no rate can be told, why."""
    change = nodule.change
    if change is None or change.verdict != GREW:
        return ""
    if days is None or days <= 0:
        return "days unknown" if days is None else "same day" if days == 0 else "prior is later"
    time, interval = change.doubling_time(days), change.doubling_interval(days)
    if time is None or interval is None or time > _LONG:
        return f"over {_LONG} d"
    slow = f"{interval[1]:.0f}" if interval[1] <= _LONG else "∞"
    return f"{time:.0f} d ({interval[0]:.0f}–{slow})"


def summary(nodule: Compared, days: float | None) -> str:
    """All that is known of a nodule, in a line or two."""
    change, match = nodule.change, nodule.match
    if change is None:
        said = {
            "new": "New: the prior study has no finding here.",
            "gone": "Gone: only the prior study has it.",
            UNREAD: "The other study was neither searched nor read: nobody knows whether it is there.",
        }
        if nodule.hidden is not None and nodule.read:
            which = "prior" if match.prior is None else "present"
            said = {
                change_words(
                    nodule
                ): f"The {which} study has a mark here that {_why(nodule.hidden)}: look there."
            }
        words = said.get(change_words(nodule), "")
        return " ".join((words, *nodule.notes)).strip()
    parts = [f"{volume_words(nodule)}, {percent(change.relative)} ({interval_words(change)}, 95 %)"]
    parts.append(_ONE_DAY.get(change.verdict, change.verdict) if days == 0 else change.verdict)
    time = doubling_words(nodule, days)
    if time:
        parts.append(
            f"doubling time {time}" if days is not None and days > 0 else f"no doubling time: {time}"
        )
    apart = f"Marks {match.distance:.1f} mm apart." if match.distance is not None else ""
    return " ".join((f"{'; '.join(parts)}.", apart, *nodule.notes)).strip()


def _why(hidden: Finding) -> str:
    """Why a finding took no part: ``was rejected (vessel)``, ``is below the thresholds``."""
    if hidden.status != "rejected":
        return "is below the thresholds"
    return f"was rejected ({hidden.reason})" if hidden.reason else "was rejected"
