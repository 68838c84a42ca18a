"""Opening the index of many studies without reading it: filtered, sorted, and never more in memory than was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..error_boundary import sentence
from ..extras import missing_extra
from ..storage.address import HTTP, address_of, shown
from ..storage.files import for_pyarrow, is_there
from .columns import DAY, FINDINGS, INDEX, NEEDED, STUDIES, folder_of, schema_of
from .task import DONE, FAILED, ClusterError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

Order = Literal["ascending", "descending"]
_AT_ONCE = 50_000
"""Rows that are held beyond the best so far."""
_READERS = 16
"""Files whose columns are looked at at a time."""
_ANEW = f"Move the folder {INDEX} away and give the same 'lungmtl predict' command again: it writes the index anew."


@dataclass(frozen=True)
class Index:
    """The two tables of what ``lungmtl predict --workers`` found, as datasets of pyarrow; no row has been read.

    Parameters
    ----------
    studies
        A row for each study and each failure: `path`, `series_uid`, `status`, `sentence`, `findings`, `best_score`, seconds by
        stage, `models`, `version`, `written`, `file` of its findings (below the folder of results), `key`.
    findings
        A row for each finding, in the columns of ``findings.csv``, with the `key` of its study.
    problems
        Sentences on columns that some files do not have, as another version wrote them: there they are null.

    Examples
    --------
    >>> import pyarrow.dataset as ds
    >>> index = open_index("results")  # doctest: +SKIP
    >>> rows(index.findings, where=ds.field("malignancy") > 0.8, by="probability", most=100)  # doctest: +SKIP
    """

    studies: ds.Dataset
    findings: ds.Dataset
    problems: tuple[str, ...] = ()

    def failed(self) -> pa.Table:
        """Read the failures that no later run has made good, a row for each study."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.dataset as ds

        columns = ["study", "path", "sentence", "written"]
        failed = self.studies.to_table(columns, filter=ds.field("status") == FAILED)
        names = pc.unique(failed["study"])
        done = self.studies.to_table(
            ["study", "written"], filter=(ds.field("status") == DONE) & ds.field("study").isin(names)
        )
        last = failed.sort_by("written").to_pylist()
        good = {row["study"]: row["written"] for row in done.to_pylist()}
        latest = {row["study"]: row for row in last}
        open_ = [row for name, row in latest.items() if name not in good or good[name] < row["written"]]
        return pa.Table.from_pylist(open_, schema=failed.schema)


def open_index(out: Path | str) -> Index:
    """Open the index in a folder of results, here or on a server.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    ClusterError
        There is none, it is on a web server, it is damaged, or it lacks columns without which it says nothing.
    """
    out = Path(out)
    if is_on_web(out):
        raise ClusterError(
            f"{shown(out)} is on a web server, whose folders cannot be listed well enough: name a folder, or an s3:// or ssh:// "
            "address."
        )
    if not is_there(folder_of(out, STUDIES)):
        raise ClusterError(
            f"{shown(out)} has no {INDEX}/{STUDIES}: 'lungmtl predict ROOT --out {shown(out)} --workers N' writes it."
        )
    try:
        studies, findings = (_dataset(out, table) for table in (STUDIES, FINDINGS))
        problems = (_lacking(studies, STUDIES, out), _lacking(findings, FINDINGS, out))
        return Index(studies, findings, tuple(filter(None, problems)))
    except ImportError as error:
        raise missing_extra(error) or error from error
    except (OSError, ValueError) as error:
        raise ClusterError(sentence(error, shown(out / INDEX))) from error


def rows(
    dataset: ds.Dataset,
    columns: Sequence[str] | None = None,
    where: ds.Expression | None = None,
    by: str | None = None,
    order: Order = "descending",
    most: int = 1000,
) -> pa.Table:
    """Read the first rows of a table in an order, those without a value last.

    Batches are read one after the other, and the best so far are kept: memory does not grow with the table.

    Parameters
    ----------
    dataset
        One of an `Index`.
    columns
        Names; all by default.
    where
        A condition in pyarrow's terms: ``ds.field("score") > 0.5``.
    by, order
        The column that rows are sorted by; without one they come as they were written.
    most
        How many.
    """
    if by is None:
        return dataset.head(most, columns=list(columns) if columns else None, filter=where)
    return first_and_count(dataset, columns, where, by, order, most)[0]


def first_and_count(
    dataset: ds.Dataset,
    columns: Sequence[str] | None,
    where: ds.Expression | None,
    by: str,
    order: Order = "descending",
    most: int = 1000,
) -> tuple[pa.Table, int]:
    """Read the first rows as `rows` does, and count all that meet the condition, in one pass."""
    import pyarrow as pa

    wanted = list(columns or dataset.schema.names)
    read = wanted if by in wanted else [*wanted, by]
    order_by = [(by, order)]
    held: list[pa.Table] = [dataset.schema.empty_table().select(read)]
    count = 0
    for batch in dataset.to_batches(columns=read, filter=where):
        count += batch.num_rows
        held.append(pa.Table.from_batches([batch]).select(read))
        if sum(table.num_rows for table in held) > most + _AT_ONCE:
            held = [_best(held, most, order_by)]
    return _best(held, most, order_by).sort_by(order_by).select(wanted), count


def _best(held: Sequence[pa.Table], most: int, order_by: list[tuple[str, Order]]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    together = pa.concat_tables(held)
    return together.take(pc.select_k_unstable(together, min(most, together.num_rows), order_by))


def is_on_web(results: Path) -> bool:
    """Whether a folder of results is on a web server: nothing is written there, and no index is opened."""
    address = address_of(results)
    return address is not None and address.kind == HTTP


def batches(out: Path, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """Read columns of a whole table, a batch of rows after the other."""
    dataset = _dataset(out, table)
    _lacking(dataset, table, out)
    yield from dataset.to_batches(columns=list(columns))


def _dataset(out: Path, table: str) -> ds.Dataset:
    import pyarrow as pa
    import pyarrow.dataset as ds

    day = pa.schema([pa.field(DAY, pa.string())])
    schema = pa.schema([*schema_of(table), *day])
    folder = folder_of(out, table)
    if not is_there(folder):  # no study had a finding
        return ds.dataset(schema.empty_table())
    place, system = for_pyarrow(folder)
    hive = ds.partitioning(day, flavor="hive")
    return ds.dataset(place, schema, format="parquet", filesystem=system, partitioning=hive)


def _lacking(dataset: ds.Dataset, table: str, out: Path) -> str:
    """Say which columns some files of a table do not have; empty where all have all. Of each file the end is read, once.

    Raises
    ------
    ClusterError
        They are `NEEDED`, or a file is damaged.
    """
    wanted = [name for name in dataset.schema.names if name != DAY]
    try:
        with ThreadPoolExecutor(_READERS) as readers:  # a server answers several at a time
            schemas = list(readers.map(lambda one: one.physical_schema.names, dataset.get_fragments()))
    except ValueError as error:  # pyarrow's own
        raise ClusterError(f"{shown(out / INDEX)} is damaged ({str(error).rstrip('.')}). {_ANEW}") from error
    lacking = [[name for name in wanted if name not in names] for names in schemas]
    absent = list(dict.fromkeys(name for names in lacking for name in names))
    if not absent:
        return ""
    files = sum(map(bool, lacking))
    which = f"{files} of {len(schemas)} files in {shown(folder_of(out, table))} lack the column{'s' * (len(absent) > 1)} "
    if needed := [name for name in absent if name in NEEDED[table]]:
        raise ClusterError(f"{which}{', '.join(needed)}: another version wrote them. {_ANEW}")
    return f"{which}{', '.join(absent)}: another version wrote them, and these values count as unknown."
