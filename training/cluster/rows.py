"""Findings as rows of the index: a row for each study, and one for each finding in the columns of ``findings.csv``."""

from __future__ import annotations

from typing import Any

from ..findings import Findings
from ..findings.formats.csv_file import COLUMNS as TABLE
from ..findings.formats.csv_file import REVIEW, VOTES, table_of

FINDING = tuple(name for name in TABLE if name not in REVIEW)
COLUMNS = ("key", "id", "file", *FINDING)
TEXT = ("seriesuid", "kind", "status", "model", "key", "id", "file", *VOTES)
"""Columns of findings that hold text; the others hold numbers."""


def study_row(findings: Findings) -> dict[str, Any]:
    """Make the columns of a study that its findings tell."""
    image = findings.image
    malignancies = [f.malignancy for f in findings if f.malignancy is not None]
    answer = findings.image_scores[0].probability if findings.image_scores else None
    return {
        "series_uid": image.series_uid,
        "path": image.source,
        "modality": image.modality,
        "findings": len(findings),
        "best_score": max((f.score for f in findings), default=None),
        "highest_malignancy": max(malignancies, default=None),
        "probability": answer,
        "models": ", ".join(f"{m['name']} {m.get('version', '')}".strip() for m in findings.models),
        "notes": " ".join(findings.notes),
    }


def finding_rows(findings: Findings, key: str, file: str) -> list[tuple[Any, ...]]:
    """Make the rows of a study's findings, in the order of `COLUMNS`."""
    columns, rows = table_of([findings])
    place = [columns.index(name) for name in FINDING]
    return [
        (key, finding.id, file, *(row[i] for i in place)) for finding, row in zip(findings, rows, strict=True)
    ]


def as_utf8(value: Any) -> Any:
    """Text as Parquet can hold it: of a file's name that is no UTF-8 the odd bytes are escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
