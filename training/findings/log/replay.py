"""What a log tells: any state that there was, and where two logs part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..finding import Findings
from ..formats.errors import FindingsFileError
from ..formats.json_file import findings_of
from .difference import applied
from .file import LogError, read_records
from .record import Document, Record


class Log:
    """Records of one or several files on one image, each once.

    Parameters
    ----------
    records
        In the order of their files: the last one is what the findings' file holds.
    path
        What errors name.
    torn
        How many lines could not be read.
    """

    def __init__(self, records: Iterable[Record], path: Path = Path("log"), torn: int = 0) -> None:
        self._records: dict[str, Record] = {}
        for record in records:
            self._records.setdefault(record.id, record)
        self.path, self.torn = path, torn

    @classmethod
    def read(cls, *paths: Path) -> Log:
        """Read logs that belong together, the one that is written first; what is not there is passed over.

        Raises
        ------
        LogError
            One of them is no log, or was written by a newer version.
        """
        read = [read_records(path) for path in reversed(paths) if path.is_file()]
        records = [record for each, _ in read for record in each]
        return cls(records, paths[0] if paths else Path("log"), sum(torn for _, torn in read))

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __contains__(self, id: object) -> bool:
        return id in self._records

    def __getitem__(self, id: str) -> Record:
        return self._records[id]

    @property
    def head(self) -> Record | None:
        """The last record."""
        return next(reversed(self._records.values()), None)

    def document(self, id: str) -> Document:
        """The state that a record led to, as a document.

        Raises
        ------
        LogError
            Lines that it needs are missing or damaged.
        """
        chain: list[Record] = []
        record = self._records.get(id)
        while record is not None and record.state is None and len(chain) <= len(self._records):
            chain.append(record)
            record = self._records.get(record.parent)
        if record is None or record.state is None:
            raise LogError(f"{self.path} cannot tell this state: lines before it are missing or damaged")
        document = record.state
        try:
            for each in reversed(chain):
                document = applied(document, each.change)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LogError(f"{self.path} cannot tell this state: a line is damaged ({error})") from error
        return document

    def state(self, id: str) -> Findings:
        """The findings that a record led to.

        Raises
        ------
        LogError
            Lines that it needs are missing or damaged.
        """
        try:
            return findings_of(self.document(id), self.path)
        except FindingsFileError as error:
            raise error if isinstance(error, LogError) else LogError(str(error)) from error

    def before(self, id: str) -> tuple[str, ...]:
        """A record and all that it came from by parents and by what was joined, the nearest first."""
        found: dict[str, None] = {}
        waiting = [id]
        while waiting:
            waiting.sort(key=lambda each: self._records[each].seq)
            record = self._records[waiting.pop()]
            if record.id in found:
                continue
            found[record.id] = None
            waiting += [each for each in (record.parent, record.other) if each in self._records]
        return tuple(found)


def common_ancestor(ours: Log, theirs: Log) -> Record | None:
    """The last record that the ends of two logs both came from; None where they have none in common."""
    if ours.head is None or theirs.head is None:
        return None
    known = set(ours.before(ours.head.id))
    return next((theirs[id] for id in theirs.before(theirs.head.id) if id in known), None)
