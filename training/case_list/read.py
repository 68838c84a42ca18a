"""Opening a list of cases: an evaluation's JSON, a table of cases as csv or Parquet, or the studies of a run on many."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..findings import Provenance
from ..findings.formats.errors import FindingsFileError
from ..findings.formats.tables import read_rows, read_text
from .layout import STUDIES
from .row import COLUMNS, ListedCase, Saved
from .tables import PARQUET, CaseListError, case_of

DETAIL = "cases_detail"
"""Key of an evaluation's JSON under which its cases are."""
SUFFIXES = (".json", ".csv", ".csv.gz", ".parquet")
WANTED = "choose report.json, cases.csv or cases.parquet of 'lungmtl evaluate --report', or a list that the window saved"


def is_case_list(path: Path) -> bool:
    """Whether a file, or a folder of Parquet files, is a list of cases, told by its name's end and its content."""
    name = path.name.lower()
    if path.is_dir():
        return name == STUDIES and any(path.glob("day=*/*.parquet"))
    if name.endswith(".lungmtl.json") or not name.endswith(SUFFIXES) or not path.is_file():
        return False
    if name.endswith(".parquet"):
        return True
    try:
        if name.endswith(".json"):
            return f'"{DETAIL}"' in read_text(path)
        return {"name", "path"} <= {cell.strip('"') for cell in read_text(path).split("\n", 1)[0].split(",")}
    except FindingsFileError:
        return False


def read_case_list(path: Path) -> list[ListedCase]:
    """Read a list of cases, in its order.

    Raises
    ------
    CaseListError, FindingsFileError
        It is none, or damaged, or Parquet where pyarrow is missing.
    """
    path = Path(path).absolute()
    name = path.name.lower()
    if path.is_dir():
        results = path.parent.parent
        return [replace(case_of(row, path), saved=saved_in(row, results)) for row in _parquet(path)]
    if name.endswith(".parquet"):
        return [case_of(row, path.parent) for row in _parquet(path)]
    if name.endswith(".json"):
        return _of_evaluation(path)
    return [case_of(row, path.parent) for _, row in read_rows(path, ("name", "path"), COLUMNS)]


def saved_in(study: Mapping[str, Any], results: Path) -> Saved | None:
    """Name the findings of a row of the table of studies; None of a study without."""
    if not study.get("file"):
        return None
    count, score = study.get("findings"), study.get("best_score")
    return Saved(results / study["file"], None if count is None else int(count), score)


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise CaseListError(PARQUET) from error
    except Exception as error:  # pyarrow has errors of its own, and it is optional
        raise CaseListError(f"{path} cannot be read as Parquet: {WANTED}") from error
    if not {"name", "path"} <= set(table.columns):
        raise CaseListError(f"{path} has no columns name and path: {WANTED}")
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def _of_evaluation(path: Path) -> list[ListedCase]:
    try:
        values = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise CaseListError(
            f"{path} is damaged and no JSON: write it again with 'lungmtl evaluate'"
        ) from error
    rows = values.get(DETAIL) if isinstance(values, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise CaseListError(f"{path} has no {DETAIL!r}, so it is no evaluation of cases: {WANTED}")
    name, _, rest = str(values.get("weights") or "").partition(" ")
    network = Provenance(model=name or str(values.get("network") or ""), version=rest.partition(" ")[0])
    threshold = values.get("threshold", (values.get("metrics") or {}).get("default_threshold"))
    try:
        return [_case(row, path.parent, network, threshold) for row in rows]
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise CaseListError(f"{path} has a case that cannot be read ({error}): write it again") from error


def _case(row: Mapping[str, Any], folder: Path, network: Provenance, threshold: float | None) -> ListedCase:
    case = case_of(row, folder)
    if row.get("turned"):  # what was marked belongs to the picture as it was turned
        return replace(case, at=None)
    case = replace(
        case,
        found=row.get("found"),
        truth=row.get("truth"),
        excluded=row.get("excluded") or (),
        network=network,
        threshold=row.get("threshold", threshold),
    )
    case.marks()  # a damaged row is told now, and not where it is opened
    return case
