"""Where an image's findings live on the disk, and how a damaged file is kept instead of lost."""

from __future__ import annotations

import hashlib
import os
import re
import sysconfig
from datetime import datetime
from pathlib import Path

import numpy as np
from platformdirs import user_data_path

from ..training.errors import LungmtlError
from ..training.findings import Findings
from ..training.findings.formats.errors import FindingsFileError, NewerSchemaError, SaveError
from ..training.findings.formats.json_file import SUFFIX, read_findings, write_findings
from ..training.imaging.image import Image
from ..training.imaging.series import Series

_UID = re.compile(r"\d+(\.\d+){2,}(_\d+)?")


class SidecarError(LungmtlError):
    """A sidecar could not be used; the message says what happened to it."""


class Sidecar:
    """The file with the findings of one image.

    It lies beside the image where a person may write. A folder per user serves images on read-only media,
    sample data inside an installed package, and images that come from no file.
    """

    def __init__(self, image: Image) -> None:
        self._set(_file_name(image), image.source)

    @classmethod
    def of_series(cls, series: Series) -> Sidecar:
        """The same file, of a series that has not been read yet."""
        sidecar = cls.__new__(cls)
        sidecar._set(_name_of(series.uid), series.path)
        return sidecar

    def _set(self, name: str, source: Path | None) -> None:
        mine = user_data_path("napari-lungmtl", appauthor=False) / "findings"
        own = mine / f"{name}{_digest_of(name, source)}{SUFFIX}"
        beside = _folder_beside(source)
        near = [beside / f"{name}{SUFFIX}"] if beside is not None and not _is_installed(beside) else []
        self._paths = [*near, own] if beside is not None and _is_writable(beside) else [own]
        # A folder that has become read-only may hold findings.
        self._readable = [*near, own]
        # Until files of the user's folder were told apart by where the image is.
        self._former, self._source = mine / f"{name}{SUFFIX}", str(source or "")

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._paths[0]

    def newest(self) -> Path | None:
        """The file that `read` reads, if there is one."""
        existing = [path for path in dict.fromkeys((*self._paths, *self._readable)) if path.is_file()]
        if not existing and self._former.is_file() and self._is_of_the_image(self._former):
            return self._former
        return max(existing, key=lambda p: p.stat().st_mtime) if existing else None

    def _is_of_the_image(self, path: Path) -> bool:
        try:
            return read_findings(path).image.source == self._source
        except FindingsFileError:
            return False

    def read(self) -> Findings | None:
        """The newest findings there are, or None.

        Raises
        ------
        SidecarError
            The file is damaged (it is then renamed to ``*.broken``), or cannot be opened (it then stays, and
            another name is written from now on).
        """
        path = self.newest()
        if path is None:
            return None
        try:
            return read_findings(path)
        except FindingsFileError as error:
            if not isinstance(error, NewerSchemaError) and not isinstance(
                error.__cause__, (OSError, MemoryError)
            ):
                raise self._move_aside(path, error) from error
            self._write_elsewhere()
            raise SidecarError(
                f"The saved findings cannot be opened: {error}. The file stays as it is; new work is saved in "
                f"{self.path}."
            ) from error

    def write(self, findings: Findings) -> str:
        """Write atomically; returns a sentence for the person where another place had to be taken.

        Raises
        ------
        OSError
            Nowhere can be written; its text is a sentence for the person.
        """
        reason = ""
        for path in list(self._paths):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_findings(findings, path)
            except (SaveError, OSError) as error:
                reason = reason or str(error)
                continue
            if not reason:
                return ""
            failed = self.path
            self._paths = [path]
            return f"Findings cannot be saved in {failed}; from now on they are in {path}. ({reason})"
        raise OSError(
            "Findings cannot be saved. They are kept in memory and saving is tried again: make room, or export "
            f"them before you close the window. ({reason})"
        )

    def _move_aside(self, path: Path, error: Exception) -> SidecarError:
        target = path.with_name(path.name + ".broken")
        number = 1
        while target.exists():
            number += 1
            target = path.with_name(f"{path.name}.broken{number}")
        try:
            path.rename(target)
        except OSError:
            self._write_elsewhere()
            kept = f"The file stays as it is; new work is saved in {self.path}."
        else:
            kept = f"The file was kept as {target.name}; the study starts without findings."
        return SidecarError(f"The saved findings cannot be read: {error}. {kept}")

    def _write_elsewhere(self) -> None:
        stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
        self._paths = [p.with_name(f"{p.name.removesuffix(SUFFIX)}-{stamp}{SUFFIX}") for p in self._paths]
        self._readable = []


def load(sidecar: Sidecar | None) -> tuple[Findings, str]:
    """What a sidecar holds, and a sentence where it cannot be used."""
    try:
        stored = sidecar.read() if sidecar is not None else None
    except SidecarError as error:
        return Findings(), str(error)
    return Findings() if stored is None else stored, ""


def _digest_of(name: str, source: Path | None) -> str:
    """What tells images of one name in different folders apart; the identifiers of DICOM do so themselves."""
    if source is None or _UID.fullmatch(name):
        return ""
    place = os.fsencode(Path(source).absolute())
    return f"-{hashlib.blake2b(place, digest_size=6).hexdigest()}"


def _name_of(series_uid: str) -> str:
    return re.sub(r"[^\w.-]+", "_", series_uid).strip("._") or "findings"


def _file_name(image: Image) -> str:
    name = _name_of(image.series_uid)
    if image.source is not None:
        return name
    # Images without a file are told apart by what is in them: a layer's name says little.
    step = tuple(slice(None, None, max(1, n // 32)) for n in image.shape)
    content = np.ascontiguousarray(image.voxels[step]).tobytes()
    place = repr((image.shape, image.spacing, image.origin)).encode()
    return f"{name}-{hashlib.blake2b(content + place, digest_size=6).hexdigest()}"


def _folder_beside(source: Path | None) -> Path | None:
    if source is None:
        return None
    source = Path(source).absolute()
    # A zarr store is a folder whose content belongs to zarr.
    return source if source.is_dir() and source.suffix != ".zarr" else source.parent


def _is_writable(folder: Path) -> bool:
    # The mode counts too: os.access says yes to root, also on folders that were made read-only on purpose.
    return folder.is_dir() and bool(folder.stat().st_mode & 0o222) and os.access(folder, os.W_OK)


def _is_installed(folder: Path) -> bool:
    package = Path(__file__).parent.parent
    libraries = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    # In a checkout sample_data is a link that leads out of the package.
    roots = [package, package / "sample_data", *libraries]
    return any(folder.resolve().is_relative_to(root.resolve()) for root in roots)
