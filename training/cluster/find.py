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
from ..storage.address import Address, address_of
from .columns import INDEX
from .content import RESULTS
from .on_server.places import cases_at, places_below
from .on_server.seen import SEEN
from .task import FAILED, PASSED_OVER, Outcome, Place, Study


class Finder:
    """Studies below paths, in the order of names.

    Each folder directly below a path is a case: its series, wherever they lie in it, are found together, and those that
    nobody reads for nodules are sorted out as for one study. Files directly in a path are one case more. Of an address
    nothing is read here: what is found are places, whose headers a worker reads.

    Parameters
    ----------
    roots
        Files or folders, or addresses of them.
    modalities
        What the models take.
    out
        Is not looked into.
    """

    def __init__(self, roots: Sequence[Path], modalities: Set[str], out: Path) -> None:
        self.modalities = modalities
        own = [out, *(out / name for name in (RESULTS, INDEX, SEEN))]
        self._own = {os.path.realpath(path) for path in own}
        self._own_addresses = {address.shown for path in own if (address := address_of(path)) is not None}
        cases = (case for root in roots for case in self._cases(root))
        self.cases = list(dict.fromkeys(cases))  # a path may be named twice
        self.looked_at = 0
        """Cases whose headers have been read, of `cases`: how far the search has come."""
        self.found = 0
        self._series: dict[str, int] = {}

    def __iter__(self) -> Iterator[Study | Place | Outcome]:
        """Yield studies and places, and outcomes of what cannot become one."""
        for number, (path, whole) in enumerate(self.cases):
            try:
                for one in self._found(path, number, whole):
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

    def _cases(self, root: Path) -> Iterator[tuple[Path | Address, bool]]:
        """Cases, and whether all below them belongs to them."""
        if (address := address_of(root)) is not None:
            yield from (case for case in cases_at(address) if case[0].shown not in self._own_addresses)
            return
        root = root.absolute()
        if not root.is_dir() or format_of(root) is not None:
            yield root, True
            return
        try:
            with os.scandir(root) as entries:
                below = sorted((e.name, _is_folder(e)) for e in entries if not e.name.startswith("."))
        except OSError:  # whoever looks into it tells why
            yield root, True
            return
        if not below or any(not is_dir for _, is_dir in below):
            yield root, not below
        here = os.path.realpath(root)
        for name, is_dir in below:
            path = root / name
            real = os.path.realpath(path)
            # A link to where it is in itself would have all studies twice.
            if is_dir and real not in self._own and not Path(here).is_relative_to(real):
                yield path, True

    def _found(self, path: Path | Address, number: int, whole: bool) -> Iterator[Study | Place | Outcome]:
        if isinstance(path, Address):
            places = places_below(path, whole)
            first = next(places, None)
            if first is not None:
                yield first
                yield from places
            elif whole:
                yield nothing_at(path)
            return
        for one in studies_in(path, _contents(path, whole), self.modalities, whole):
            # A series in two cases is a copy or the other half of one; a picture's name is no identifier.
            if isinstance(one, Study) and format_of(one.series.path) is None:
                earlier = self._known(one.series.uid, number)
                yield one if earlier is None else Outcome(one.label, FAILED, self._twice(earlier))
            else:
                yield one

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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or leads to one; a link that leads to itself, or to where nobody may look, does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _contents(path: Path, whole: bool) -> Contents:
    require_regular(path, UnreadableFileError)
    if not whole:
        return scan_folder(path, recursive=False, pictures=True)
    return scan(path, pictures=True) if path.is_dir() else scan(path)


def studies_in(
    path: Path, contents: Contents, modalities: Set[str], whole: bool = True
) -> Iterator[Study | Outcome]:
    """Choose the studies of a case, and say what of it cannot become one.

    Parameters
    ----------
    path, contents
        The case, and what was found there.
    modalities
        What the models take.
    whole
        Whether it is said when there is nothing for them.
    """
    found = [series for series, _ in choices(contents)]
    for file, error in contents.damaged.items():
        odd = isinstance(error, UnsupportedShapeError)
        yield Outcome(str(file), PASSED_OVER if odd else FAILED, sentence(error, file))
    suitable, others = sort_out_series(found, modalities)
    yield from (Study.of(series, len(found)) for series in suitable)
    reasons = [(file, why) for file, why in contents.unread.items() if why and file not in contents.damaged]
    if not found:
        yield from (Outcome(str(file), FAILED, why) for file, why in reasons)
    if not suitable and whole and not contents.damaged and (found or not reasons):
        yield nothing_at(path, ", ".join(f"{n} {kind}" for kind, n in sorted(others.items())))


def nothing_at(path: Path | Address, listed: str = "") -> Outcome:
    """Tell that a case has nothing for the models, only what is listed."""
    text = str(path)
    return Outcome(
        text, PASSED_OVER, f"{text} holds {listed or 'no image'}, and nothing that the models take."
    )
