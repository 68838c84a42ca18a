"""Logs of reader studies, written by the real writer at times that a test chooses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from napari_lungmtl.training.findings import Finding, ImageReference, Provenance, Sphere
from napari_lungmtl.training.reader_study.events import What, image_details, mark_details
from napari_lungmtl.training.reader_study.log import LogWriter
from napari_lungmtl.training.reader_study.plan import Mode


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


def image_named(uid: str) -> ImageReference:
    """A CT of that series."""
    return ImageReference(uid, f"/scans/{uid}", "CT", (40, 60, 60), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0))


def sphere(id: str, z: float, diameter: float = 10.0, model: str = "") -> Finding:
    """A mark on the line (z, 0, 0): a reader's, or a model's."""
    return Finding(Sphere((z, 0.0, 0.0), diameter), id=id, provenance=Provenance(model))


class ScriptedReader:
    """Reads cases and logs it."""

    def __init__(self, path: Path, name: str) -> None:
        self.clock = Clock()
        self.log = LogWriter(path, name, self.clock)
        self.mode, self.case = Mode.LOOK_FIRST, ""

    def do(self, what: What, seconds: float = 0.0, **details: object) -> None:
        """Log something, some seconds after the last."""
        self.clock.wait(seconds)
        self.log.write(what, self.mode, self.case, **details)

    def open(self, case: str, mode: Mode = Mode.LOOK_FIRST) -> None:
        """Open a case; its hash is its name here."""
        self.mode, self.case = mode, case
        self.do(What.OPENED, name=case, image=image_details(image_named(case)))

    def mark(self, finding: Finding, sure: float | None = None) -> None:
        """Draw a mark, after two seconds."""
        self.do(What.ADDED, 2, **mark_details(finding))
        if sure is not None:
            self.do(What.SCORED, id=finding.id, score=sure)

    def reveal(self, *findings: Finding) -> None:
        """See what networks found."""
        self.do(What.REVEALED, 1, findings=[mark_details(f) for f in findings])


def write_study(folder: Path, readers: int = 3, cases: int = 12, seed: int = 0) -> list[Path]:
    """Logs of readers who find a nodule at z = 0 in every other case, more surely after the reveal; the truth is a csv there."""
    rng = np.random.default_rng(seed)
    paths = []
    for number in range(readers):
        path = folder / f"reader{number}.readings.jsonl"
        reader = ScriptedReader(path, f"reader{number}")
        reader.log.start(design="look first")
        for case in range(cases):
            reader.open(f"1.2.{case}")
            rating = np.clip(0.4 + (case % 2) * 0.25 + rng.normal() / 5, 0, 1)
            if rating > 0.5:
                reader.mark(
                    sphere(f"m{case}", rng.normal() if case % 2 else 30.0, 8 + rng.normal()), float(rating)
                )
            reader.do(What.RATED, rating=round(float(rating), 2))
            reader.reveal(sphere(f"n{case}", 0.0, model="fake"))
            rating = np.clip(rating + (0.2 if case % 2 else -0.2) + rng.normal() / 10, 0, 1)
            reader.do(What.RATED, 3, rating=round(float(rating), 2))
            reader.do(What.DONE, 5)
        paths.append(path)
    lines = [f"1.2.{case},0,0,0,9" for case in range(1, cases, 2)]
    (folder / "annotations.csv").write_text(
        "\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *lines]) + "\n"
    )
    return paths
