"""A list of cases as csv or Parquet: a row for each, in the columns of `row.COLUMNS`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LungmtlError
from ..findings.formats.atomic import write_atomically
from ..findings.formats.tables import write_rows
from .figures import CaseFigures
from .row import AT, COLUMNS, ListedCase

TAGS = "; "
PARQUET = (
    "Parquet needs pyarrow, which is not installed here: pip install 'napari-lungmtl[report]' brings it; csv and JSON hold the "
    "same cases."
)


class CaseListError(LungmtlError):
    """A list of cases cannot be read or written; the message names the file and a way out."""


def values_of(case: ListedCase, folder: Path | None = None) -> dict[str, Any]:
    """Return the values of a row by column; paths below `folder` are written as from there, so that a folder can be moved."""
    values = case.to_json()
    if case.path is not None and folder is not None and case.path.is_relative_to(folder):
        values["path"] = str(case.path.relative_to(folder))
    return {**values, "tags": TAGS.join(case.tags), "note": case.note}


def case_of(values: Mapping[str, Any], folder: Path) -> ListedCase:
    """Make a case of the values of a row; a path that is not absolute starts from the list's folder."""

    def text(name: str) -> str:
        value = values.get(name)
        return value if isinstance(value, str) else ""

    nodules = CaseFigures.of({"missed": values.get("nodules")}).missed
    at = [CaseFigures.of({"spread": values.get(name)}).spread for name in AT]
    place = tuple(v for v in at if v is not None)
    return ListedCase(
        text("name") or Path(text("path")).name or text("series_uid"),
        folder / text("path") if text("path") else None,
        text("series_uid"),
        nodules,
        CaseFigures.of(values),
        place if len(place) in (2, 3) else None,
        tuple(tag for part in text("tags").split(";") if (tag := part.strip())),
        text("note"),
    )


def write_csv_list(cases: Iterable[ListedCase], path: Path) -> None:
    """Write a list as csv, atomically; no cell starts a formula.

    Raises
    ------
    SaveError
        The file could not be written.
    """
    folder = path.absolute().parent
    rows = (values_of(case, folder) for case in cases)
    write_rows(path, COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def write_parquet_list(cases: Iterable[ListedCase], path: Path) -> None:
    """Write a list as Parquet, atomically.

    Raises
    ------
    CaseListError
        pyarrow is missing.
    SaveError
        The file could not be written.
    """
    import pandas as pd

    folder = path.absolute().parent
    table = pd.DataFrame([values_of(case, folder) for case in cases], columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name not in ("name", "path", "series_uid", "tags", "note")]
    table[numbers] = table[numbers].astype("Float64")
    for name in ("nodules", "missed"):
        table[name] = table[name].astype("Int64")
    data = io.BytesIO()
    try:
        table.to_parquet(data, index=False)
    except ImportError as error:
        raise CaseListError(PARQUET) from error
    write_atomically(path, data.getvalue())
