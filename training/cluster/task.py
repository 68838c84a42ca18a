"""What passes between the client and the workers: a study to predict, how, and what came of it. Plain values only."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import LungmtlError
from ..imaging.formats import format_of
from ..imaging.series import Series
from ..inference.predictor import ModelInfo
from ..storage.address import Address

DONE, ALREADY, FAILED, PASSED_OVER = "done", "already done", "failed", "passed over"
"""Statuses of an outcome; the index has no row for what was done and told by an earlier run."""


class ClusterError(LungmtlError):
    """A run on many studies cannot begin or go on; the message says what to do."""


@dataclass(frozen=True)
class Study:
    """One image to predict.

    Parameters
    ----------
    series
        As it was found, from headers alone, without its files.
    files
        Their names, compressed: Dask remembers a thousand messages for each worker.
    among
        How many series were found with it: one of several that shows no lungs is passed over, a single one has failed.
    original
        Where it was copied from a server: the copy that `series` lies in, and the address of what was copied.
    """

    series: Series
    files: bytes = b""
    among: int = 1
    original: tuple[Path, Address] | None = None

    @classmethod
    def of(cls, series: Series, among: int = 1) -> Study:
        """Make one of a series that was found among so many."""
        names = "\0".join(os.path.relpath(file, series.path) for file in series.files)
        packed = zlib.compress(names.encode("utf-8", "surrogateescape"))
        return cls(replace(series, files=()), packed, among)

    def with_files(self) -> Series:
        """Give the series as it was found."""
        names = zlib.decompress(self.files).decode("utf-8", "surrogateescape").split("\0")
        return replace(
            self.series, files=tuple(Path(os.path.normpath(self.series.path / name)) for name in names)
        )

    def told(self, text: str) -> str:
        """The words about a copy as those about its original."""
        if self.original is None:
            return text
        copy, address = self.original
        return text.replace(str(copy), address.shown).replace(str(copy.parent), address.above.shown)

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return self.told(str(self.series.path))

    @property
    def label(self) -> str:
        """What messages and the index call it; no other study of an archive is called so."""
        return self.place if format_of(self.series.path) else f"{self.place} (series {self.series.uid})"

    @property
    def row(self) -> dict[str, Any]:
        """What the index's table of studies says of it before it was read."""
        return {"path": self.place, "series_uid": self.series.uid}


@dataclass(frozen=True)
class Place:
    """What a worker fetches from a server as one, and looks for studies in.

    Parameters
    ----------
    address
        Of a file (its pixels come with a header), a store, or a folder, of which the files directly in it are fetched that
        are no place of their own.
    among
        How many volumes are in the same folder: see `Study`.
    """

    address: Address
    among: int = 1

    @property
    def label(self) -> str:
        """What messages and the index call it."""
        return self.address.shown

    @property
    def row(self) -> dict[str, Any]:
        """What the index's table of studies says of it before it was read."""
        return {"path": self.address.shown}


@dataclass(frozen=True)
class Options:
    """What is done with every study.

    Parameters
    ----------
    out
        Folder of the results, the same on all machines.
    networks
        Those that may run, with the SHA-256 of their weights.
    models
        Their names where a person chose them; None leaves the choice to the image.
    weights
        Files of a person's own weights, which all machines must see.
    device
        As for `registry.load_predictor`.
    version
        Of this package.
    """

    out: Path
    networks: tuple[tuple[ModelInfo, str], ...]
    models: tuple[str, ...] | None = None
    weights: tuple[Path, ...] = ()
    device: str = "auto"
    version: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a study.

    Parameters
    ----------
    label
        `Study.label`.
    status
        `DONE`, `ALREADY`, `FAILED` or `PASSED_OVER`.
    sentence
        Why, where it is not done.
    key
        Of content, weights and version (`content.key_of`); empty where the files could not be read.
    file
        The findings, below the folder of results.
    row
        Further columns of the index's table of studies.
    findings
        Rows of its table of findings (`rows.COLUMNS`).
    full
        Whether the disk is: then no other study could be written either.
    """

    label: str
    status: str
    sentence: str = ""
    key: str = ""
    file: str = ""
    row: dict[str, Any] = field(default_factory=dict)
    findings: Sequence[tuple[Any, ...]] = ()
    full: bool = False
