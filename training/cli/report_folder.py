"""The folder of ``--report``: pictures are drawn while images are open, the files written at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..error_boundary import as_sentences
from ..errors import LungmtlError
from ..storage.files import prepare_folder
from .common import Failed, complain

if TYPE_CHECKING:
    from ..imaging.image import Image
    from ..imaging.series import Series
    from ..inference.progress import OnProgress


class ReportFolder:
    """Collects what a report shows of each case.

    Parameters
    ----------
    folder
        Gets ``report.html``, ``report.json``, ``cases.csv`` and ``cases.parquet``.

    Raises
    ------
    Failed
        It cannot become a folder, or plots cannot be drawn: said before the work begins.
    """

    def __init__(self, folder: Path) -> None:
        from ..report_html.build import require_plots

        if folder.exists() and not folder.is_dir():
            raise Failed(f"{folder} is a file: name another folder for --report")
        require_plots()
        try:
            prepare_folder(folder)
        except OSError as error:
            raise Failed(
                f"{folder} cannot be made or written to ({error.strerror}): name another folder for --report"
            ) from error
        self.folder = folder
        self._pictures: dict[str, bytes] = {}

    def add(self, row: Mapping[str, Any], image: Image) -> None:
        """Draw a case whose image is open."""
        from ..report_html.thumbnails import thumbnail

        try:
            self._pictures[row["name"]] = thumbnail(row, image)
        except (ValueError, MemoryError) as error:  # an image that was evaluated all the same
            complain(f"warning: no picture of {row['name']}: {error}")

    def draw(self, figures: Mapping[str, Any], images: Mapping[str, Series], on_progress: OnProgress) -> None:
        """Draw the hardest cases whose scans are at hand, by the names of the cases."""
        from ..imaging.read import read_series
        from ..report_html.build import PICTURES, by_hardness

        rows = by_hardness(figures["cases_detail"])
        wanted = [row for row in rows[:PICTURES] if row["name"] in images]
        for number, row in enumerate(wanted):
            on_progress(number / len(wanted), row["name"])
            series = images[row["name"]]
            try:
                with as_sentences(series.path):
                    self.add(row, read_series(series.path, series))
            except LungmtlError as error:
                complain(f"warning: no picture of {row['name']}: {error}")

    def write(self, figures: Mapping[str, Any]) -> None:
        """Write the files, and name the page."""
        from ..report_html.build import HTML, write_report

        for sentence in write_report(figures, self.folder, self._pictures):
            complain(f"warning: {sentence}")
        typer.echo(str(self.folder / HTML))
