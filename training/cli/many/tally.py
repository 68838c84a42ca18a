"""What has come of many studies so far: counted, shown with rate and time left, and summed up at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common import complain, show_table, write_json

if TYPE_CHECKING:
    from ...cluster.find import Finder
    from ...cluster.task import Outcome

SAY_EVERY = 60.0
"""Seconds between two lines on the progress where no terminal shows a bar."""
NAMED = 1000
"""Failures that the summary names; the index has all."""


@dataclass
class Tally:
    """What has come of the studies so far."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take(self, outcome: Outcome) -> None:
        """Count an outcome, and say in one line what failed."""
        from ...cluster.task import FAILED

        self.counts[outcome.status] += 1
        if outcome.status == FAILED:
            named = (
                outcome.label in outcome.sentence
                or outcome.label.partition(" (series ")[0] in outcome.sentence
            )
            complain(outcome.sentence if named else f"{outcome.label}: {outcome.sentence}")
            if len(self.failed) < NAMED:
                self.failed.append({"input": outcome.label, "error": outcome.sentence})

    @property
    def total(self) -> int:
        """Studies that are settled."""
        from ...cluster.task import ALREADY, DONE, FAILED, PASSED_OVER

        return sum(self.counts[name] for name in (DONE, ALREADY, FAILED, PASSED_OVER))

    @property
    def predicted(self) -> int:
        """Studies that have findings, of this run or an earlier one."""
        from ...cluster.task import ALREADY, DONE

        return self.counts[DONE] + self.counts[ALREADY]

    @property
    def rate(self) -> float:
        """Studies a second."""
        return self.total / max(time.monotonic() - self.began, 1e-6)

    def left(self, expected: int) -> str:
        """Say how long the rest of so many studies takes at this rate."""
        minutes = (expected - self.total) / max(self.rate, 1e-9) / 60
        return f"{minutes:.0f} min left" if minutes < 120 else f"{minutes / 60:.1f} h left"


@contextmanager
def shown(tally: Tally, finder: Finder) -> Generator[Any]:
    """A bar with rate and time left on a terminal, else a line a minute; how many there are is not known before the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    said = time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("finding studies", total=None)

        def show() -> None:
            nonlocal said
            expected = max(finder.expected, tally.total)
            text = _words(tally, expected, finder.looked_at < len(finder.cases))
            bar.update(task, description=text, total=expected, completed=tally.total)
            if not console.is_terminal and time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                complain(text)

        yield show


def _words(tally: Tally, expected: int, estimated: bool) -> str:
    about = "about " if estimated else ""
    failed = f", {tally.counts['failed']} failed" if tally.counts["failed"] else ""
    return f"{tally.total} of {about}{expected} studies, {tally.rate:.2f} a second, {tally.left(expected)}{failed}"


def sum_up(tally: Tally, out: Path, json_file: Path | None) -> None:
    """Print the counts, and write them for machines if there is a path."""
    from ...cluster.columns import INDEX
    from ...cluster.task import ALREADY, DONE, FAILED, PASSED_OVER
    from ...storage.address import shown

    names = (DONE, ALREADY, FAILED, PASSED_OVER)
    seconds = time.monotonic() - tally.began
    cells = (*(str(tally.counts[name]) for name in names), f"{seconds:.1f}", f"{tally.rate:.2f}")
    show_table(shown(out / INDEX), (*names, "s", "studies/s"), [cells], left=0)
    if tally.counts[FAILED]:
        complain(f"{tally.counts[FAILED]} of {tally.total} studies failed")
    summary = {name.replace(" ", "_"): tally.counts[name] for name in names}
    write_json(
        {**summary, "seconds": round(seconds, 3), "failures": tally.failed, "index": shown(out / INDEX)},
        json_file,
    )
