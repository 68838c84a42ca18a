"""Opening the index of many studies without reading it: filtered, sorted, and never more in memory than was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..error_boundary import sentence
from ..extras import missing_extra
from .columns import DAY, FINDINGS, INDEX, STUDIES, folder_of, schema_of
from .task import DONE, FAILED, ClusterError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

Order = Literal["ascending", "descending"]
_AT_ONCE = 50_000
"""Rows that are held beyond the best so far."""


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

    Examples
    --------
    >>> import pyarrow.dataset as ds
    >>> index = open_index("results")  # doctest: +SKIP
    >>> rows(index.findings, where=ds.field("malignancy") > 0.8, by="probability", most=100)  # doctest: +SKIP
    """

    studies: ds.Dataset
    findings: ds.Dataset

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
    """Open the index in a folder of results.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    ClusterError
        There is none, or it is damaged.
    """
    out = Path(out)
    if not folder_of(out, STUDIES).is_dir():
        raise ClusterError(
            f"{out} has no {INDEX}/{STUDIES}: 'lungmtl predict ROOT --out {out} --workers N' writes it."
        )
    try:
        return Index(*(_dataset(out, table) for table in (STUDIES, FINDINGS)))
    except ImportError as error:
        raise missing_extra(error) or error from error
    except (OSError, ValueError) as error:
        raise ClusterError(sentence(error, out / INDEX)) from error


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
    import pyarrow as pa

    if by is None:
        return dataset.head(most, columns=list(columns) if columns else None, filter=where)
    wanted = list(columns or dataset.schema.names)
    read = wanted if by in wanted else [*wanted, by]
    order_by = [(by, order)]
    held: list[pa.Table] = [dataset.schema.empty_table().select(read)]
    for batch in dataset.to_batches(columns=read, filter=where):
        held.append(pa.Table.from_batches([batch]).select(read))
        if sum(table.num_rows for table in held) > most + _AT_ONCE:
            held = [_best(held, most, order_by)]
    return _best(held, most, order_by).sort_by(order_by).select(wanted)


def _best(held: Sequence[pa.Table], most: int, order_by: list[tuple[str, Order]]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    together = pa.concat_tables(held)
    return together.take(pc.select_k_unstable(together, min(most, together.num_rows), order_by))


def batches(out: Path, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """Read columns of a whole table, a batch of rows after the other."""
    yield from _dataset(out, table).to_batches(columns=list(columns))


def _dataset(out: Path, table: str) -> ds.Dataset:
    import pyarrow as pa
    import pyarrow.dataset as ds

    day = pa.schema([pa.field(DAY, pa.string())])
    schema = pa.schema([*schema_of(table), *day])
    folder = folder_of(out, table)
    if not folder.is_dir():  # no study had a finding
        return ds.dataset(schema.empty_table())
    return ds.dataset(folder, schema, format="parquet", partitioning=ds.partitioning(day, flavor="hive"))
