"""The columns of the index's two tables, as Parquet holds them; day and nothing else is in the names of folders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..case_list.layout import DAY, FINDINGS, INDEX, STUDIES
from .rows import COLUMNS, TEXT

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "DAY",
    "FINDINGS",
    "INDEX",
    "NEEDED",
    "SECONDS",
    "STUDIES",
    "finding_schema",
    "folder_of",
    "schema_of",
    "study_schema",
]

SECONDS = ("hash_seconds", "read_seconds", "network_seconds", "write_seconds")
NEEDED = {
    STUDIES: frozenset({"study", "path", "series_uid", "status", "sentence", "key", "file", "written"}),
    FINDINGS: frozenset(
        {"key", "id", "seriesuid", "coordX", "coordY", "coordZ", "probability", "diameter_mm", "model"}
    ),
}
"""Columns without which rows say nothing, and would be passed over in silence."""


@cache
def study_schema() -> pa.Schema:
    """Columns of the table of studies."""
    import pyarrow as pa

    text = ("name", "path", "series_uid", "study", "status", "sentence", "key", "file", "modality", "models")
    more = ("notes", "warnings", "machine", "version")
    numbers = ("best_score", "highest_malignancy", "probability", *SECONDS)
    return pa.schema(
        [
            *(pa.field(name, pa.string()) for name in (*text, *more)),
            *(pa.field(name, pa.int32()) for name in ("findings", "tries")),
            *(pa.field(name, pa.float64()) for name in numbers),
            pa.field("written", pa.timestamp("ms", tz="UTC")),
        ]
    )


@cache
def finding_schema() -> pa.Schema:
    """Columns of the table of findings: those of ``findings.csv``, and which study they belong to."""
    import pyarrow as pa

    return pa.schema([pa.field(name, pa.string() if name in TEXT else pa.float64()) for name in COLUMNS])


def schema_of(table: str) -> pa.Schema:
    """Columns of a table by its name."""
    return study_schema() if table == STUDIES else finding_schema()


def folder_of(out: Path, table: str) -> Path:
    """Where a table of the index is, below the folder of results."""
    return out / INDEX / table
