"""Appending to the index: every writer adds files of its own, and none changes one that is there."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings.formats.atomic import write_atomically
from ..findings.formats.json_file import read_findings
from .columns import DAY, FINDINGS, STUDIES, folder_of, schema_of
from .index import batches
from .rows import finding_rows, study_row
from .task import ALREADY, DONE, Outcome

if TYPE_CHECKING:
    import pyarrow as pa

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

    def add(self, outcome: Outcome) -> None:
        """Take an outcome, and write when enough has come or waited.

        Raises
        ------
        SaveError
            It could not be written; the rows are kept for the next time.
        """
        done = outcome.status in (DONE, ALREADY)
        told = _mark(outcome.label, outcome.key if done else outcome.sentence)
        if told not in self._told:
            row, findings = outcome.row, list(outcome.findings)
            if outcome.status == ALREADY:  # told by nobody: its client died, or it is a copy of another
                read = read_findings(self.out / outcome.file)
                row, findings = study_row(read), finding_rows(read, outcome.key, outcome.file)
            self._studies.append(self._study(outcome, row, done))
            if done and _mark(outcome.key) not in self._with_findings:
                self._findings += findings
                self._with_findings.add(_mark(outcome.key))
            self._told.add(told)
        waited = time.monotonic() - self._since > MOST_SECONDS
        many = len(self._studies) >= MOST_STUDIES or len(self._findings) >= MOST_ROWS
        if waited or many:
            self.flush()

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
            arrays = [pa.array(values, field.type) for values, field in zip(zip(*self._findings), schema)]
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
            path.parent.mkdir(parents=True, exist_ok=True)
        finally:
            write_atomically(path, data.getvalue())  # and that says what is wrong

    def _study(self, outcome: Outcome, row: dict[str, Any], done: bool) -> dict[str, Any]:
        path = row.get("path") or outcome.label
        return {
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

    def _remember(self) -> None:
        for study, status, sentence, key in self._values(STUDIES, ("study", "status", "sentence", "key")):
            self._told.add(_mark(study, key if status == DONE else sentence))
            if status == DONE:
                self._with_findings.add(_mark(key))
        for (key,) in self._values(FINDINGS, ("key",)):
            self._with_findings.add(_mark(key))

    def _values(self, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        if folder_of(self.out, table).is_dir():
            for batch in batches(self.out, table, columns):
                yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _mark(*values: str) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(values).encode(), digest_size=8).digest())
