"""What comes out of ``lungmtl predict``: cases, failures, their names, table and summary."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LungmtlError
from ..export_options import ExportOptions, Format
from ..log_file import log_error
from .common import Failed, complain, explain, show_table, write_json

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from ..findings import Findings, ImageReference
    from ..storage.address import Address

LOCK = ".lungmtl.lock"
"""In a folder of results while a run writes to it."""


@dataclass
class Batch:
    """What has come out so far."""

    out: Path
    export: ExportOptions = field(default_factory=ExportOptions)
    cases: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Findings] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    passed_over: list[tuple[str, Exception]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    images: set[tuple[str, str]] = field(default_factory=set)

    def fail(self, what: str, error: BaseException) -> None:
        """Note a failed input and say so in one line."""
        log_error(error, what)
        message = explain(error)
        complain(message if what in message else f"{what}: {message}")
        self.failed.append({"input": what, "error": message})

    def pass_over(self, what: str, error: Exception) -> None:
        """Note an input that shows no chest and say so in one line."""
        complain(f"passed over: {explain(error)}")
        self.passed_over.append((what, error))

    def name(self, series_uid: str, path: Path | Address) -> str:
        """A file name for a case that no other case of this run has."""
        plain = re.sub(r"[^\w.\-]+", "_", series_uid or path.name).strip("._") or "case"
        name, number = plain, 1
        while name.lower() in self.names:
            number += 1
            name = f"{plain}_{number}"
        self.names.add(name.lower())
        return name

    def is_taken(self, image: ImageReference) -> bool:
        """Whether an image needs another name: it has none, or one of the same path had it. Folders tell the others apart."""
        key = image.series_uid, image.source
        taken = not image.series_uid or key in self.images
        self.images.add(key)
        return taken


@contextmanager
def alone_in(out: Path) -> Generator[None]:
    """Hold a folder of results: of two runs at once the tables would have one's rows. The system lets go when a run dies.

    Raises
    ------
    Failed
        Another run holds it.
    """
    from ..storage.address import is_remote

    lock = None if is_remote(out) else _lock(out)
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):  # while it is held
                Path(lock.lock_file).unlink()
            lock.release()


def _lock(out: Path) -> BaseFileLock | None:
    """The lock of a folder, held; None where there are no locks, as on some servers."""
    try:
        from filelock import FileLock, Timeout
    except ModuleNotFoundError:  # it comes with the networks; without them another machine's run
        return None
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Failed(f"another run writes to {out}: wait for its end, or choose another --out") from None
    except (OSError, NotImplementedError):
        return None
    return lock


def finish_batch(batch: Batch, json_file: Path | None) -> None:
    """Write the table of all cases and the summary, and show them with what failed."""
    from ..findings.export import FILE_NAMES, ONE_IMAGE, export, tellable
    from ..findings.formats.images.image_names import renamed
    from ..findings.formats.images_csv import write_images_csv
    from ..inference.registry import characterisers
    from ..storage.address import shown

    chosen_as = batch.export.format
    each_has_one = chosen_as in ONE_IMAGE
    table = None if each_has_one or not batch.cases else batch.out / FILE_NAMES[chosen_as]
    images = batch.out / "images.csv"
    # Both tables name an image alike, whichever of them it is in.
    named = renamed(batch.findings, batch.out)
    for case, findings in zip(batch.cases, named, strict=True):
        case["series"] = findings.image.series_uid
    scored = [findings for findings in named if findings.image_scores]
    if batch.cases:
        if each_has_one and chosen_as is not Format.JSON:  # that is written already
            _write_each(batch, chosen_as)
        if table is not None:
            _say_what_goes(table, named)
            export([tellable(f, chosen_as) for f in named], table, chosen_as, characterisers())
    if scored:
        _say_what_goes(images, named)
        write_images_csv(scored, images)
    summary = {
        "cases": batch.cases,
        "failed": batch.failed,
        "csv": shown(table) if table is not None else None,
    }
    summary["images_csv"] = shown(images) if scored else None
    write_json(summary, json_file)
    if batch.cases:  # after all is written: what shows it may fail
        show_table(
            shown(table or batch.out),
            ("case", "findings", "shown", "score", "malignancy", "P(nodule)", "Ø", "s"),
            [_row(case) for case in batch.cases],
        )
    if batch.failed:
        complain(f"{len(batch.failed)} of {len(batch.failed) + len(batch.cases)} inputs failed")


def _say_what_goes(table: Path, findings: list[Findings]) -> None:
    """Warn of rows of a former run's cases in a table that is about to be replaced."""
    from ..findings.formats.errors import FindingsFileError
    from ..findings.formats.tables import read_rows
    from ..storage.address import is_remote

    if table.suffix != ".csv" or is_remote(table) or not table.is_file():
        return
    own = {each.image.series_uid for each in findings}
    try:
        lost = sum(row["seriesuid"] not in own for _, row in read_rows(table, ("seriesuid",)))
    except FindingsFileError:  # no table of ours
        return
    if lost:
        rows = "row" if lost == 1 else "rows"
        complain(
            f"warning: {table}: {lost} {rows} of cases of a former run are replaced; their *.lungmtl.json stay"
        )


def _write_each(batch: Batch, format: Format) -> None:
    """Write a file of each case; one that cannot be written (its image is no DICOM) does not cost the others."""
    from ..findings.export import FILE_NAMES, export, tellable

    for case, findings in zip(batch.cases, batch.findings, strict=True):
        path = batch.out / f"{case['case']}_{FILE_NAMES[format]}"
        try:
            for said in export([tellable(findings, format)], path, format):
                complain(f"{path.name}: {said}")
        except LungmtlError as error:
            batch.fail(case["path"], error)


def _row(case: dict[str, Any]) -> tuple[str, ...]:
    score, malignancy = case["best_score"], case["highest_malignancy"]
    return (
        case["case"],
        str(case["findings"]),
        f"{case['above_threshold']} ≥ {_thresholds(case)}",
        "-" if score is None else f"{score:.2f}",
        "-" if malignancy is None else f"{malignancy:.2f}",
        ", ".join(f"{s['probability']:.2f}" for s in case["image_scores"]) or "-",
        _size(case),
        f"{case['seconds']:.1f}",
    )


def _thresholds(case: dict[str, Any]) -> str:
    """The threshold of each detector; one where they are the same."""
    own = dict.fromkeys(f"{value:g}" for value in case["thresholds"].values())
    return "/".join(own) or f"{case['threshold']:g}"


def _size(case: dict[str, Any]) -> str:
    """The largest diameter, in pixels where the image has no spacing."""
    if case["largest_px"] is not None:
        return f"{case['largest_px']:.0f} px"
    return "-" if case["largest_mm"] is None else f"{case['largest_mm']:.1f} mm"
