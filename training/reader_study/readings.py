"""From events to readings: what a reader had marked before and after the networks were shown, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..findings.finding import Finding, ImageReference
from .events import Event, What, finding_of, image_of
from .plan import Mode

_CHANGES = (What.ADDED, What.MOVED, What.DELETED, What.ACCEPTED, What.REJECTED, What.SCORED)
_AWAY = (What.PAUSED, What.ENDED)
_BACK = (What.RESUMED, What.OPENED)


@dataclass(frozen=True)
class Stand:
    """What a reader says of a case at one moment.

    Parameters
    ----------
    marks
        What the reader marked, moved or accepted, and did not reject; the score is how sure the reader is, 1 where nobody asked.
    rating
        How sure the reader is that the case has a nodule, 0–1: as said, else of the surest mark.
    seconds
        From the opening, pauses left out.
    """

    marks: tuple[Finding, ...]
    rating: float
    seconds: float


@dataclass
class Reading:
    """One reader, one case, one mode.

    Parameters
    ----------
    before
        At the reveal; None where nothing was shown, or all from the beginning.
    after
        When the case was done; None while it is not.
    present
        Where a reading that is not done has come to, to go on with.
    suggestions
        What networks had marked and were shown, by id.
    changes
        How often the reader did what after the reveal.
    rated
        How sure the reader last said to be that the case has a nodule; None where nothing was said.
    """

    reader: str
    mode: Mode
    case: str
    name: str
    image: ImageReference
    before: Stand | None = None
    after: Stand | None = None
    present: Stand | None = None
    revealed: bool = False
    suggestions: tuple[str, ...] = ()
    changes: Counter[What] = field(default_factory=Counter)
    rated: float | None = None


class _Replay:
    """The marks of one case as events come, and the time that the reader spends on it."""

    def __init__(self, reading: Reading, at: datetime) -> None:
        self.reading = reading
        self.last = at
        self.seconds = 0.0
        self.away = False
        self.places: dict[str, Mapping[str, Any]] = {}
        self.own: dict[str, bool] = {}
        self.score: dict[str, float] = {}
        self.status: dict[str, What] = {}
        self.rating: float | None = None

    def spend(self, event: Event) -> None:
        """Count the time since the last event, unless the reader was away or the window gone."""
        if not self.away and event.what not in _BACK:
            self.seconds += max((event.at - self.last).total_seconds(), 0.0)
        self.away = event.what in _AWAY
        self.last = event.at

    def take(self, event: Event) -> None:
        """Do what an event says.

        Raises
        ------
        ValueError
            It describes no mark.
        """
        details, what = event.details, event.what
        if what in (What.ADDED, What.MOVED):
            finding_of(details, 1.0)
            id = str(details["id"])
            self.places[id], self.own[id] = details, True
        elif what is What.DELETED:
            for table in (self.places, self.own, self.score, self.status):
                table.pop(str(details.get("id", "")), None)
        elif what is What.SCORED:
            self.score[str(details["id"])] = _fraction(details["score"])
        elif what in (What.ACCEPTED, What.REJECTED, What.UNDECIDED):
            self.status[str(details["id"])] = what
            if "center" in details or "low" in details:
                self.places.setdefault(str(details["id"]), details)
        elif what is What.RATED:
            self.rating = self.reading.rated = _fraction(details["rating"])
        if self.reading.revealed and what in _CHANGES:
            self.reading.changes[what] += 1
        if what is What.REVEALED:
            self._reveal(details)
        elif what is What.DONE:
            self.reading.after = self.stand()

    def _reveal(self, details: Mapping[str, Any]) -> None:
        if not self.reading.revealed and self.reading.mode is Mode.LOOK_FIRST:
            self.reading.before = self.stand()
        self.reading.revealed = True
        shown = details.get("findings", ())
        for each in shown:
            self.places.setdefault(str(each["id"]), each)
        self.reading.suggestions = tuple(str(each["id"]) for each in shown)

    def stand(self) -> Stand:
        """What the reader says now."""
        marks = tuple(
            finding_of(place, self.score.get(id, 1.0))
            for id, place in self.places.items()
            if self.status.get(id) is not What.REJECTED
            and (self.own.get(id) or self.status.get(id) is What.ACCEPTED)
        )
        rating = max((m.score for m in marks), default=0.0) if self.rating is None else self.rating
        return Stand(marks, rating, self.seconds)


def _fraction(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"a rating lies between 0 and 1, not {value}")
    return number


def replay(events: Iterable[Event]) -> tuple[list[Reading], list[str]]:
    """Go through events in their order and make the readings of them.

    A case that is opened again after a crash goes on, and the time in between does not count. One that is read a second time in the
    same mode takes the place of the first reading, once it is done.

    Returns
    -------
    (readings, problems)
        Readings as they were opened, also those that are not done; sentences on what does not fit together.
    """
    found: dict[tuple[str, Mode, str], Reading] = {}
    running: dict[tuple[str, Mode, str], _Replay] = {}
    present: dict[str, _Replay] = {}
    problems: list[str] = []
    for event in events:
        key = (event.reader, event.mode, event.case) if event.mode is not None else None
        if event.what is What.OPENED and key is not None and event.case:
            replaying = running.get(key)
            if replaying is None:
                try:
                    reading = _opened(event)
                except ValueError as error:
                    problems.append(f"{_where(event)}: {error}; it is left out.")
                    continue
                replaying = running[key] = _Replay(reading, event.at)
                if key in found and found[key].after is not None:
                    problems.append(
                        f"{_where(event)}: read again; the last reading that was finished counts."
                    )
                elif key not in found:
                    found[key] = reading
            replaying.spend(event)
            present[event.reader] = replaying
            continue
        replaying = running.get(key) if key is not None else present.get(event.reader)
        if replaying is None:
            continue
        replaying.spend(event)
        try:
            replaying.take(event)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(
                f"{_where(event)}: '{event.what}' cannot be understood ({error}); it is left out."
            )
        if event.what is What.DONE and key is not None:
            found[key] = running.pop(key).reading
            present.pop(event.reader, None)
    for key, left in running.items():
        left.reading.present = left.stand()
        if found[key].after is None:
            found[key] = left.reading
    return list(found.values()), problems


def _opened(event: Event) -> Reading:
    assert event.mode is not None
    details = event.details
    return Reading(
        event.reader, event.mode, event.case, str(details.get("name", "")), image_of(details.get("image", {}))
    )


def _where(event: Event) -> str:
    return f"{event.reader}, case {event.case or '–'}, {event.at:%Y-%m-%d %H:%M:%S}"


def unfinished(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Those that were opened and never done."""
    return (reading for reading in readings if reading.after is None)
