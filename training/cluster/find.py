"""Finding the studies below folders, one case after the other: never more headers in memory than one case has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from ..error_boundary import STOPS, require_regular, sentence
from ..imaging.errors import UnreadableFileError, UnsupportedShapeError
from ..imaging.formats import format_of
from ..imaging.scan import Contents, choices, scan, scan_folder
from ..inference.suitability import sort_out_series
from .columns import INDEX
from .content import RESULTS
from .task import FAILED, PASSED_OVER, Outcome, Study


class Finder:
    """Studies below paths, in the order of names.

    Each folder directly below a path is a case: its series, wherever they lie in it, are found together, and those that
    nobody reads for nodules are sorted out as for one study. Files directly in a path are one case more.

    Parameters
    ----------
    roots
        Files or folders.
    modalities
        What the models take.
    out
        Is not looked into.
    """

    def __init__(self, roots: Sequence[Path], modalities: Set[str], out: Path) -> None:
        self.modalities = modalities
        self._own = {os.path.realpath(path) for path in (out, out / RESULTS, out / INDEX)}
        cases = (case for root in roots for case in self._cases(root.absolute()))
        self.cases = list(dict.fromkeys(cases))  # a path may be named twice
        self.looked_at = 0
        """Cases whose headers have been read, of `cases`: how far the search has come."""
        self.found = 0
        self._series: dict[str, int] = {}

    def __iter__(self) -> Iterator[Study | Outcome]:
        """Yield studies, and outcomes of what cannot become one."""
        for number, (path, whole) in enumerate(self.cases):
            try:
                for one in self._found(path, self._contents(path, whole), number, whole):
                    self.found += 1
                    yield one
            except STOPS:
                raise
            except BaseException as error:  # codecs in Rust panic with errors that are no Exception
                yield Outcome(str(path), FAILED, sentence(error, path))
            self.looked_at = number + 1

    @property
    def expected(self) -> int:
        """How many there will be, if the cases that were not looked at hold as many as those that were."""
        return round(self.found * len(self.cases) / max(self.looked_at, 1))

    def _cases(self, root: Path) -> Iterator[tuple[Path, bool]]:
        """Cases, and whether all below them belongs to them."""
        if not root.is_dir() or format_of(root) is not None:
            yield root, True
            return
        with os.scandir(root) as entries:
            below = sorted((e.name, e.is_dir()) for e in entries if not e.name.startswith("."))
        if not below or any(not is_dir for _, is_dir in below):
            yield root, not below
        for name, is_dir in below:
            path = root / name
            if is_dir and os.path.realpath(path) not in self._own:
                yield path, True

    def _contents(self, path: Path, whole: bool) -> Contents:
        require_regular(path, UnreadableFileError)
        if not whole:
            return scan_folder(path, recursive=False, pictures=True)
        return scan(path, pictures=True) if path.is_dir() else scan(path)

    def _found(self, path: Path, contents: Contents, number: int, whole: bool) -> Iterator[Study | Outcome]:
        found = [series for series, _ in choices(contents)]
        for file, error in contents.damaged.items():
            odd = isinstance(error, UnsupportedShapeError)
            yield Outcome(str(file), PASSED_OVER if odd else FAILED, sentence(error, file))
        suitable, others = sort_out_series(found, self.modalities)
        for series in suitable:
            study = Study.of(series, len(found))
            # A series in two cases is a copy or the other half of one; a picture's name is no identifier.
            if format_of(series.path) is None and (earlier := self._known(series.uid, number)) is not None:
                yield Outcome(study.label, FAILED, self._twice(earlier))
            else:
                yield study
        reasons = [
            (file, why) for file, why in contents.unread.items() if why and file not in contents.damaged
        ]
        if not found:
            yield from (Outcome(str(file), FAILED, why) for file, why in reasons)
        if not suitable and whole and not contents.damaged and (found or not reasons):
            listed = ", ".join(f"{n} {kind}" for kind, n in sorted(others.items())) or "no image"
            yield Outcome(str(path), PASSED_OVER, f"{path} holds {listed}, and nothing that the models take.")

    def _known(self, uid: str, number: int) -> int | None:
        """The earlier case that had a series of this identifier; only a number is kept of each."""
        earlier = self._series.setdefault(uid, number)
        return None if earlier == number else earlier

    def _twice(self, number: int) -> str:
        where = self.cases[number][0]
        return (
            f"A series of this identifier is in {where} too, and was not predicted twice: if both are parts of one, put them "
            "into one folder; if they are copies, leave one out."
        )
