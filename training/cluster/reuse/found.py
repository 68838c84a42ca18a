"""What the index says of some studies: the file of the latest findings of each, or why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...error_boundary import as_sentences
from ...findings.formats.luna16 import Spots
from ...storage.address import is_remote, shown
from ..columns import INDEX
from ..index import Index, open_index
from ..rows import as_utf8
from ..search import results_of
from ..task import DONE, ClusterError

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("status", "sentence", "path", "series_uid", "key", "file")
_UID = re.compile(r"[0-9]+(\.[0-9]+){3,}")
"""A DICOM identifier; what else a series may be called is the name of its file, which others may have too."""
Name = TypeVar("Name", Path, str)
_Row = dict[str, Any]
_MARK = ("key", "id", "coordZ", "coordY", "coordX", "probability")


@dataclass(frozen=True)
class IndexedResults:
    """Results of ``lungmtl predict --workers``, found by their index: no more of it is in memory than was asked for.

    Parameters
    ----------
    folder
        Of the results.
    """

    folder: Path

    def files(self, cases: Sequence[tuple[Path, Sequence[str]]]) -> dict[Path, Path | str]:
        """Name for each path the file of its latest findings, or say why there are none.

        Parameters
        ----------
        cases
            Absolute paths, and what the series there may be called. A study is found by its path, or else by its series identifier;
            by the name of a file only where no other study has it, and none of the others that are asked for.

        Raises
        ------
        ClusterError
            The index is damaged.
        """
        found = self._latest({path: (str(path), names) for path, names in cases}, open_index(self.folder))
        with as_sentences(shown(self.folder / INDEX), ClusterError):
            return {p: row if isinstance(row, str) else self.folder / row["file"] for p, row in found.items()}

    def marks(self, series: Iterable[str]) -> tuple[dict[str, Spots], dict[str, str], set[str]]:
        """Read the marks in space of some series, as of a submission; say of which there are none and why, and who found them.

        Raises
        ------
        ClusterError
            The index is damaged.
        """
        index = open_index(self.folder)
        found = self._latest({name: (None, (name,)) for name in series}, index)
        rows = {name: row for name, row in found.items() if not isinstance(row, str)}
        marks, networks = self._spots(index, [row["key"] for row in rows.values()])
        empty = Spots(np.zeros((0, 3)), np.zeros(0))
        missing = {name: row for name, row in found.items() if isinstance(row, str)}
        return {name: marks.get(row["key"], empty) for name, row in rows.items()}, missing, networks

    def _latest(
        self, cases: Mapping[Name, tuple[str | None, Sequence[str]]], index: Index
    ) -> dict[Name, _Row | str]:
        """The row of each study's last result, or a sentence; in one pass through the table of studies."""
        import pyarrow.dataset as ds

        paths = {as_utf8(path) for path, _ in cases.values() if path is not None}
        names = {as_utf8(name) for _, names in cases.values() for name in names if name}
        asked = ds.field("path").isin(_texts(paths)) | ds.field("series_uid").isin(_texts(names))
        with as_sentences(
            shown(self.folder / INDEX), ClusterError
        ):  # of pyarrow's own errors some are a TypeError
            table = index.studies.to_table([*_COLUMNS, "written"], filter=asked)
        by_path: dict[str, list[_Row]] = {}
        by_name: dict[str, list[_Row]] = {}
        for row in table.sort_by("written").to_pylist():
            by_path.setdefault(row["path"], []).append(row)
            by_name.setdefault(row["series_uid"], []).append(row)
        shared = _shared(names for _, names in cases.values())
        return {
            case: _last(
                by_path.get(as_utf8(path), []),
                {name: by_name.get(as_utf8(name), []) for name in names if name not in shared},
            )
            for case, (path, names) in cases.items()
        }

    def _spots(self, index: Index, keys: Sequence[str]) -> tuple[dict[str, Spots], set[str]]:
        """Marks by the key of their study, findings with a place in space and a network's score; and these networks."""
        import pyarrow.dataset as ds

        where = ds.field("key").isin(_texts(keys)) & ds.field("coordX").is_valid()
        rows: dict[str, dict[str, tuple[float, ...]]] = {}
        networks: set[str] = set()
        with as_sentences(shown(self.folder / INDEX), ClusterError):
            for batch in index.findings.to_batches(
                columns=[*_MARK, "model"], filter=where & ds.field("probability").is_valid()
            ):
                networks.update(filter(None, batch.column("model").unique().to_pylist()))
                columns = (batch.column(name).to_pylist() for name in _MARK)
                for key, id_, *values in zip(*columns, strict=True):
                    rows.setdefault(key, {})[id_] = tuple(values)  # two writers may have told of one study
        tables = {key: np.array(list(marks.values()), float) for key, marks in rows.items()}
        return {key: Spots(table[:, :3], table[:, 3]) for key, table in tables.items()}, networks


def indexed_results(path: Path) -> IndexedResults | None:
    """The results whose index a folder, or an address on a server, holds; None where it is none."""
    folder = results_of(path if is_remote(path) else path.absolute())
    return None if folder is None else IndexedResults(folder)


def _shared(cases: Iterable[Sequence[str]]) -> set[str]:
    """Names of files that several cases have: one of them may be in the index, and it is not clear which."""
    counts = Counter(name for names in cases for name in set(names))
    return {name for name, count in counts.items() if count > 1 and not _UID.fullmatch(name)}


def _last(by_path: Sequence[_Row], by_name: Mapping[str, Sequence[_Row]]) -> _Row | str:
    """The last result among rows in time order, or a sentence.

    Identifiers count most; then the path, unless it holds a series of another identifier; then the name of a file.
    """
    known = [row for name, rows in by_name.items() if _UID.fullmatch(name) for row in rows]
    others = [row for name, rows in by_name.items() if not _UID.fullmatch(name) for row in rows]
    identified = any(_UID.fullmatch(name) for name in by_name)
    here = [row for row in by_path if not (identified and _UID.fullmatch(row["series_uid"] or ""))]
    for rows, column in ((known, ""), (here, "series_uid"), (others, "path")):
        done = [row for row in rows if row["status"] == DONE]
        if len({row[column] for row in done if column}) > 1:
            return f"The index has several studies of {done[-1]['path']} or of this name: it is not clear which is meant."
        if done:
            return done[-1]
    if failed := [row for row in (*others, *here, *known) if row["status"] != DONE]:
        return failed[-1]["sentence"]
    return "The index has no study of this path or series."


def _texts(values: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(sorted(values), pa.string())
