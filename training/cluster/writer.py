"""Appending to the index: every writer adds files of its own, and none changes one that is there."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings.formats.atomic import write_atomically
from ..findings.formats.errors import FindingsFileError
from ..findings.formats.json_file import read_findings
from ..storage.address import is_remote
from ..storage.files import is_there
from .columns import DAY, FINDINGS, STUDIES, folder_of, schema_of
from .index import batches
from .rows import as_utf8, finding_rows, study_row
from .task import ALREADY, DONE, FAILED, Outcome

if TYPE_CHECKING:
    import pyarrow as pa

_DONE = (DONE, ALREADY)
MOST_ROWS = 50_000
MOST_STUDIES = 2_000
MOST_SECONDS = 60.0
"""When what has come is written: what a client that dies had not written is made again from the findings' files."""


class IndexWriter:
    """Rows of studies and their findings, appended in files of up to `MOST_STUDIES` studies.

    A study that is in the index is not told again, nor a failure with the same sentence. Of each, eight bytes are remembered.

    Parameters
    ----------
    out
        Folder of the results.
    version
        Of this package.
    """

    def __init__(self, out: Path, version: str) -> None:
        self.out, self.version = out, version
        self._told: set[int] = set()
        self._with_findings: set[int] = set()
        self._studies: list[dict[str, Any]] = []
        self._findings: list[tuple[Any, ...]] = []
        self._since = time.monotonic()
        self._remember()

    def add(self, outcome: Outcome) -> Outcome:
        """Take an outcome, and write when enough has come or waited.

        Returns
        -------
        Outcome
            The same; or that it failed, where findings of an earlier run are damaged.

        Raises
        ------
        SaveError
            It could not be written; the rows are kept for the next time.
        """
        told = _told(outcome)
        if (
            told not in self._told and outcome.status == ALREADY
        ):  # its client died, or it is a copy of another
            outcome = self._read(outcome)
            told = _told(outcome)
        done = outcome.status in _DONE
        if told not in self._told:
            findings = list(outcome.findings)
            self._studies.append(self._study(outcome, outcome.row, done))
            if done and _mark(outcome.key) not in self._with_findings:
                self._findings += findings
                self._with_findings.add(_mark(outcome.key))
            self._told.add(told)
        waited = time.monotonic() - self._since > MOST_SECONDS
        many = len(self._studies) >= MOST_STUDIES or len(self._findings) >= MOST_ROWS
        if waited or many:
            self.flush()
        return outcome

    def _read(self, outcome: Outcome) -> Outcome:
        """With the rows of findings that an earlier run wrote."""
        path = self.out / outcome.file
        try:
            findings = read_findings(path)
        except FindingsFileError as error:
            why = f"{error}; the same command predicts it again when that file is gone"
            return Outcome(outcome.label, FAILED, why, outcome.key)
        rows = finding_rows(findings, outcome.key, outcome.file)
        return replace(outcome, row={**study_row(findings), **outcome.row}, findings=rows)

    def flush(self) -> None:
        """Write what has come; findings first, so that a study that is told has them.

        Raises
        ------
        SaveError
            It could not be written; the rows are kept.
        """
        import pyarrow as pa

        self._since = time.monotonic()
        if self._findings:
            schema = schema_of(FINDINGS)
            arrays = [
                pa.array(map(as_utf8, values), field.type)
                for values, field in zip(zip(*self._findings), schema)
            ]
            self._write(FINDINGS, pa.Table.from_arrays(arrays, schema=schema))
            self._findings = []
        if self._studies:
            self._write(STUDIES, pa.Table.from_pylist(self._studies, schema=schema_of(STUDIES)))
            self._studies = []

    def _write(self, table: str, values: pa.Table) -> None:
        import pyarrow.parquet as pq

        day = datetime.now(UTC).date().isoformat()
        path = folder_of(self.out, table) / f"{DAY}={day}" / f"part-{uuid.uuid4().hex}.parquet"
        data = io.BytesIO()
        pq.write_table(values, data, compression="zstd")
        try:
            if not is_remote(path):
                path.parent.mkdir(parents=True, exist_ok=True)
        finally:
            write_atomically(path, data.getvalue())  # and that says what is wrong

    def _study(self, outcome: Outcome, row: dict[str, Any], done: bool) -> dict[str, Any]:
        path = row.get("path") or outcome.label
        values = {
            **row,
            "name": (done and row.get("series_uid")) or Path(path).name,
            "path": path,
            "study": outcome.label,
            "status": DONE if done else outcome.status,
            "sentence": outcome.sentence,
            "key": outcome.key,
            "file": outcome.file,
            "version": self.version,
            "written": datetime.now(UTC),
        }
        return {name: as_utf8(value) for name, value in values.items()}

    def _remember(self) -> None:
        for study, status, sentence, key in self._values(STUDIES, ("study", "status", "sentence", "key")):
            self._told.add(_mark(study, key if status == DONE else sentence))
            if status == DONE:
                self._with_findings.add(_mark(key))
        for (key,) in self._values(FINDINGS, ("key",)):
            self._with_findings.add(_mark(key))

    def _values(self, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        if is_there(folder_of(self.out, table)):
            for batch in batches(self.out, table, columns):
                yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _told(outcome: Outcome) -> int:
    return _mark(outcome.label, outcome.key if outcome.status in _DONE else outcome.sentence)


def _mark(*values: str) -> int:
    text = as_utf8("\0".join(values))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
