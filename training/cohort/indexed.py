"""Nodules of result files as the index of a run on many studies has them: its rows are read in the place of the files.

A file is read itself where the index may not have all of it: it is newer than its rows, a person judged or drew something in it, it
has masks, it was told of at several places, or rows of it were lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..case_list.layout import FINDINGS, INDEX, STUDIES
from ..findings import ATTRIBUTES, Finding, Provenance, Sphere
from .cohort import Nodule

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_STUDY = ("key", "file", "path", "series_uid", "status", "findings", "written")
_PLACE = ("coordZ", "coordY", "coordX")
_FINDING = (
    *("key", "id", "kind", "status", "model", "seriesuid", *_PLACE),
    *("probability", "diameter_mm", "malignancy", "malignancy_spread", *ATTRIBUTES),
)


def indexed_nodules(folder: Path, files: Collection[Path], min_score: float) -> dict[Path, list[Nodule]]:
    """Give the nodules of those result files that an index has all of.

    Parameters
    ----------
    folder
        Of the results; without an index, or pyarrow, no file is given.
    files
        Result files below it.
    min_score
        Least score (0–1).
    """
    if not (folder / INDEX / STUDIES).is_dir():
        return {}
    try:
        import pyarrow.dataset as ds

        return _nodules(ds, folder, set(files), min_score)
    except (
        ImportError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        NotImplementedError,  # as pyarrow says of columns of another type
    ):  # an old or damaged index: the files have it all
        return {}


def _nodules(ds: Any, folder: Path, files: set[Path], min_score: float) -> dict[Path, list[Nodule]]:
    studies = ds.dataset(folder / INDEX / STUDIES, format="parquet", partitioning="hive")
    done = studies.to_table(list(_STUDY), filter=ds.field("status") == "done")
    told: dict[Path, list[dict[str, Any]]] = {}
    for row in done.to_pylist():
        told.setdefault(folder / row["file"], []).append(row)
    whole = {file: rows[0] for file, rows in told.items() if file in files and _is_whole(file, rows)}
    found: dict[str, list[dict[str, Any]]] = {}
    counts: Mapping[str, int] = {}
    if (folder / INDEX / FINDINGS).is_dir():
        table = ds.dataset(folder / INDEX / FINDINGS, format="parquet", partitioning="hive")
        keys = table.to_table(["key"])["key"].value_counts()
        counts = {row["values"]: row["counts"] for row in keys.to_pylist()}
        for row in table.to_table(list(_FINDING), filter=_wanted(ds, min_score)).to_pylist():
            found.setdefault(row["key"], []).append(row)
    return {
        file: [
            _nodule(row, study, file) for row in {r["id"]: r for r in found.get(study["key"], ())}.values()
        ]
        for file, study in whole.items()
        if _has_all(study, counts) and all(map(_is_plain, found.get(study["key"], ())))
    }


def _has_all(study: Mapping[str, Any], counts: Mapping[str, int]) -> bool:
    """Whether there are rows of all its findings: some of an index may be lost, as of a copy that was not finished."""
    return study["findings"] is not None and counts.get(study["key"], 0) >= study["findings"]


def _is_whole(file: Path, rows: list[dict[str, Any]]) -> bool:
    """Whether the file is as it was when it was told, and is told of one image."""
    with suppress(OSError, ValueError):
        # The index has whole milliseconds: of a file that was told in the one in which it was written, the rest is no change.
        changed = datetime.fromtimestamp(file.stat().st_mtime_ns // 1_000_000 / 1000, UTC)
        one = len({(row["path"], row["key"]) for row in rows}) == 1
        return one and bool(rows[0]["path"]) and all(changed <= row["written"] for row in rows)
    return False


def _wanted(ds: Any, min_score: float) -> ds.Expression:
    """Findings that count, and all others that are not as a network leaves them."""
    plain = (ds.field("status") == "unreviewed") & (ds.field("model") != "")
    scored = ds.field("probability") >= min_score
    odd = (
        ~plain
        | ds.field("probability").is_null()
        | ds.field("status").is_null()
        | ds.field("model").is_null()
    )
    return odd | (scored & (ds.field("coordX").is_valid()))


def _is_plain(row: Mapping[str, Any]) -> bool:
    """Whether the row has all of a finding that a cohort shows: a network's sphere that nobody judged."""
    spherical = row["kind"] == "sphere" and row["coordX"] is not None and row["diameter_mm"] is not None
    return (
        spherical and row["status"] == "unreviewed" and bool(row["model"]) and row["probability"] is not None
    )


def _nodule(row: Mapping[str, Any], study: Mapping[str, Any], file: Path) -> Nodule:
    return Nodule(row["seriesuid"], file, Path(study["path"]), finding_of(row))


def finding_of(row: Mapping[str, Any]) -> Finding:
    """Make the finding of a row of the index, as far as it has it: without opinions, parts of the score, and votes."""
    name, _, version = row["model"].rpartition(" ")
    return Finding(
        Sphere((row["coordZ"], row["coordY"], row["coordX"]), row["diameter_mm"]),
        row["probability"],
        malignancy=row["malignancy"],
        malignancy_spread=row["malignancy_spread"],
        attributes={name: row[name] for name in ATTRIBUTES if row[name] is not None},
        provenance=Provenance(name, version),
        id=row["id"],
    )
