"""Writing an evaluation as ``report.html``, ``report.json``, ``cases.csv`` and ``cases.parquet``."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..case_list.figures import TITLES, CaseFigures, hardness
from ..case_list.read import DETAIL, read_case_list
from ..case_list.row import AT
from ..case_list.tables import CaseListError, write_csv_list, write_parquet_list
from ..errors import LungmtlError
from ..findings.formats.atomic import write_atomically
from .plots import plots

HTML, JSON, CSV, PARQUET = "report.html", "report.json", "cases.csv", "cases.parquet"
PICTURES = 200
"""Cases with a picture, the hardest ones: more would make a file that no browser likes."""
UNITS = dict.fromkeys(TITLES, "") | {"distance_mm": " mm"}


class ReportError(LungmtlError):
    """A report cannot be written; the message says why and what to do."""


@dataclass(frozen=True)
class Number:
    """A figure as it is read, with the JSON's own value and the way to it (``metrics.cpm``)."""

    key: str
    value: int | float
    text: str


@dataclass(frozen=True)
class CaseLine:
    """A case in the report's table."""

    name: str
    where: str
    figures: tuple[Number | None, ...]
    command: str
    picture: str


def require_plots() -> None:
    """See that plots can be drawn, before an evaluation of an hour begins.

    Raises
    ------
    ReportError
        matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise ReportError("the report needs matplotlib: pip install 'napari-lungmtl[report]'") from error


def write_report(figures: Mapping[str, Any], folder: Path, pictures: Mapping[str, bytes]) -> list[str]:
    """Write the four files of an evaluation.

    Parameters
    ----------
    figures
        Of ``lungmtl evaluate`` or `evaluation.submission.submission_report`, with ``table`` and ``warnings`` for a person.
    folder
        Is made where it is not there.
    pictures
        JPEG by the name of the case.

    Returns
    -------
    list of str
        Sentences on what could not be written.

    Raises
    ------
    SaveError
        A file could not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{folder} cannot be made ({error.strerror}): choose another folder") from error
    values = {key: value for key, value in figures.items() if key != "table"}
    write_atomically(folder / JSON, _json(values).encode("utf-8", "backslashreplace"))
    told = []
    beside = [HTML, JSON]
    if figures.get(DETAIL):
        cases = read_case_list(folder / JSON)
        cases.sort(key=lambda case: hardness(case.figures), reverse=True)
        write_csv_list(cases, folder / CSV)
        beside.append(CSV)
        try:
            write_parquet_list(cases, folder / PARQUET)
            beside.append(PARQUET)
        except CaseListError as error:
            told.append(str(error))
    page = html(figures, folder / JSON, pictures, beside[1:])
    write_atomically(folder / HTML, page.encode("utf-8", "replace"))
    return told


def _json(values: Mapping[str, Any]) -> str:
    """Write figures as JSON, indented, but each case on one line: there may be thousands of marks."""
    text = json.dumps({**values, DETAIL: []}, indent=1, ensure_ascii=False)
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in values.get(DETAIL) or ())
    return (
        text.replace(f'"{DETAIL}": []', f'"{DETAIL}": [\n  {rows}\n ]' if rows else f'"{DETAIL}": []', 1)
        + "\n"
    )


def html(
    figures: Mapping[str, Any], json_file: Path, pictures: Mapping[str, bytes], beside: Sequence[str] = ()
) -> str:
    """Make the page: one text with everything in it, nothing from elsewhere, every name escaped."""
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    rows = figures.get(DETAIL) or ()
    # A figure that no case has (one detector alone disagrees with nobody) has no column.
    shown = ["nodules", *(name for name in TITLES if any(row.get(name) is not None for row in rows))]
    lines = case_lines(rows, shown, json_file, pictures)
    table = figures.get("table") or ()
    return environment.get_template("report.html").render(
        network=figures["network"],
        facts=_facts(figures),
        warnings=figures.get("warnings") or (),
        head=table[0] if table else (),
        rows=table[1:],
        groups=grouped(numbers(figures.get("metrics") or {}, "metrics")),
        plots=[(title, _data_uri("image/svg+xml", svg.encode())) for title, svg in plots(figures)],
        columns=[TITLES.get(name, name) + UNITS.get(name, "") for name in shown],
        cases=lines,
        pictures=sum(bool(line.picture) for line in lines),
        open_list=command("lungmtl", "view", str(json_file.absolute())),
        beside=beside,
    )


def _facts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    threshold = figures.get("threshold", (figures.get("metrics") or {}).get("default_threshold"))
    facts = {
        "data": figures.get("data"),
        "weights": figures.get("weights"),
        "cases": figures.get("cases"),
        "scans": figures.get("scans"),
        "threshold": None if threshold is None else f"{threshold:.4g}",
        "could not be read": len(figures.get("failed") or ()) or None,
    }
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]


def numbers(values: Mapping[str, Any], path: str) -> Iterator[Number]:
    """List the numbers of nested figures, with the way to each; lists are left to the JSON."""
    for name, value in values.items():
        key = f"{path}.{name}"
        if isinstance(value, Mapping):
            yield from numbers(value, key)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
            yield number(key, value)


def number(key: str, value: float) -> Number:
    """Write a figure for a person: whole numbers as they are, others with four digits."""
    return Number(key, value, str(value) if isinstance(value, int) else f"{value:.4g}")


def grouped(figures: Iterator[Number]) -> dict[str, list[Number]]:
    """Put figures together by the first part of their way below ``metrics``."""
    groups: dict[str, list[Number]] = {"": []}
    for one in figures:
        parts = one.key.split(".")
        groups.setdefault(parts[1] if len(parts) > 2 else "", []).append(one)
    return {name: group for name, group in groups.items() if group}


def by_hardness(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort rows of ``cases_detail`` from the hardest on."""
    return sorted(rows, key=lambda row: hardness(CaseFigures.of(row)), reverse=True)


def case_lines(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], json_file: Path, pictures: Mapping[str, bytes]
) -> list[CaseLine]:
    """Make the lines of the table of cases with these figures, from the hardest on."""
    index = {id(row): i for i, row in enumerate(rows)}
    lines = []
    for place, row in enumerate(by_hardness(rows)):
        i = index[id(row)]
        picture = pictures.get(row["name"]) if place < PICTURES else None
        lines.append(
            CaseLine(
                str(row["name"]),
                str(row.get("path") or ""),
                tuple(_figure(row, i, name) for name in columns),
                command_of(row, json_file),
                _data_uri("image/jpeg", picture) if picture else "",
            )
        )
    return lines


def _figure(row: Mapping[str, Any], index: int, name: str) -> Number | None:
    value = row.get(name)
    return None if value is None else number(f"{DETAIL}.{index}.{name}", value)


def command_of(row: Mapping[str, Any], json_file: Path) -> str:
    """Write the command that opens a case at its place, with what was marked and is true; empty where its file is unknown."""
    if not row.get("path"):
        return ""
    path = Path(row["path"]).absolute()
    words = ["lungmtl", "view", str(path), "--findings", str(json_file.absolute())]
    if path.is_dir() and row.get("series_uid"):
        words += ["--series", str(row["series_uid"])]
    at = [row[name] for name in AT if row.get(name) is not None]
    if at and not row.get("turned"):
        words.append("--at=" + ",".join(f"{v:.1f}" for v in at))
    return command(*words)


def command(*words: str) -> str:
    """Write a command line for the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
