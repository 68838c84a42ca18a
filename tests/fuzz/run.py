"""Fuzzing with a mutator of our own: damaged files of every format go to a reader in a process of its own.

What must hold: no process dies, no error is raised but `LungmtlError`, no file takes longer than `PATIENCE` seconds or more than
two gigabytes, and where a checksum or a stated length tells, voxels do not change without a warning.
"""

from __future__ import annotations

import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .mutate import mutate
from .seeds import Seed, write_all

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".fuzz"
"""Where failing inputs are kept; git ignores it."""
PATIENCE = 20.0
FAILURES = ("crash", "hang", "memory", "raw", "silent")
MOST_KEPT = 3
"""Inputs kept of one kind of failure of one format."""


class Reader:
    """The process that reads, started anew when it dies or hangs."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process, self._lines), daemon=True).start()

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def read(self, kind: str, path: Path) -> dict[str, object]:
        """What the reader made of a file; see `tests.fuzz.worker.answer`, and ``crash`` and ``hang``."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([kind, str(path)]) + "\n")
            self._process.stdin.flush()
            # A process that has just been started imports for a while.
            line = self._lines.get(timeout=PATIENCE + 20)
        except queue.Empty:
            line = None
        except BrokenPipeError:
            line = ""
        if line:
            answer = json.loads(line)
            if answer["is"] == "memory":  # what a process has held at most stays with it
                self.close()
                self._start()
            return answer
        found: dict[str, object] = {"is": "hang", "says": f"more than {PATIENCE:.0f} s"}
        if line == "":
            found = {"is": "crash", "says": f"the process ended with {self._process.wait()}"}
        self.close()
        self._start()
        self.read("series", path)  # it is ready when it has answered
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@dataclass
class Report:
    """Counts by format, and the failures."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    unforeseen: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """The report for a person."""
        kinds = ("read", "refused", "unforeseen", *FAILURES)
        yield f"{'format':<18}{'inputs':>8}" + "".join(f"{kind:>12}" for kind in kinds)
        for name, counts in sorted(self.counts.items()):
            yield f"{name:<18}{counts.total():>8}" + "".join(f"{counts[kind] or '·':>12}" for kind in kinds)
        total = sum(self.counts.values(), Counter())
        yield f"{'all':<18}{total.total():>8}" + "".join(f"{total[kind] or '·':>12}" for kind in kinds)
        for said, number in self.unforeseen.most_common(40):
            yield f"unforeseen {number:>4}x  {said}"
        yield from self.failures


def fuzz(seconds: float, seed: int, only: str = "", kept: Path = KEPT, most: int | None = None) -> Report:
    """Read damaged files for a while; the n-th input of a seed is always the same.

    Parameters
    ----------
    seconds
        When to end.
    seed
        Of the damage.
    only
        Formats whose name contains this.
    kept
        Gets failing inputs, each in a folder with ``why.txt``.
    most
        Inputs after which to end, however fast.
    """
    end = time.monotonic() + seconds
    report, reader = Report(), Reader()
    with tempfile.TemporaryDirectory(prefix="lungmtl-fuzz-") as name:
        folder = Path(name)
        seeds = [each for each in write_all(folder / "seeds") if only in each.name]
        whole = {}
        for each in seeds:
            whole[each.name] = reader.read(each.kind, folder / "seeds" / each.name / each.main)
        number = 0
        while time.monotonic() < end and (most is None or number < most):
            _one(seeds[number % len(seeds)], f"{seed}:{number}", folder, reader, whole, report, kept)
            number += 1
    reader.close()
    return report


def damaged(seed: Seed, state: str, folder: Path, out: Path) -> tuple[Path, bool, bool]:
    """Write a damaged copy of a seed into `out`: what to read, whether a change must be noticed, whether it was cut."""
    source = folder / "seeds" / seed.name
    dice = random.Random(f"{seed.name}:{state}")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(source, out)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    chosen, other = dice.choice(files), dice.choice(files)
    damage = mutate(chosen.read_bytes(), other.read_bytes(), dice)
    (out / chosen.relative_to(source)).write_bytes(damage.data)
    checked = seed.checked_from is not None and damage.start >= seed.checked_from
    return out / seed.main, checked or (damage.cut and seed.counted), damage.cut


def _one(
    seed: Seed,
    state: str,
    folder: Path,
    reader: Reader,
    whole: dict[str, dict[str, object]],
    report: Report,
    kept: Path,
) -> None:
    out = folder / "now"
    path, noticed, cut = damaged(seed, state, folder, out)
    start = time.monotonic()
    found = reader.read(seed.kind, path)
    kind = str(found["is"])
    if kind == "read" and noticed and not found["warned"] and found["value"] != whole[seed.name].get("value"):
        kind, found["says"] = (
            "silent",
            "cut off, and read" if cut else "another content than its checksum says",
        )
    if time.monotonic() - start > PATIENCE:
        kind = "hang"
    counts = report.counts.setdefault(seed.name, Counter())
    counts[kind] += 1
    says = str(found.get("says", "")).replace(str(out), "").replace("\n", " ")
    if kind == "unforeseen":
        report.unforeseen[f"{seed.name}: {says[:150]}"] += 1
    if kind in FAILURES and counts[kind] <= MOST_KEPT:
        place = kept / f"{seed.name}-{state.replace(':', '-')}"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(out, place)
        (place / "why.txt").write_text(f"{kind}: {says}\n")
        name = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
        report.failures.append(f"{kind:<8}{seed.name:<16}{says[:200]} (make fuzz REPLAY={name})")


def replay(place: Path) -> dict[str, object]:
    """Read a kept input again, in a process of its own."""
    name = place.name.rsplit("-", 2)[0]
    with tempfile.TemporaryDirectory() as folder:
        seed = next(each for each in write_all(Path(folder)) if each.name == name)
    reader = Reader()
    try:
        return reader.read(seed.kind, place / seed.main)
    finally:
        reader.close()
