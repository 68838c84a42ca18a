"""Where an image's findings live on the disk, and how a damaged file is kept instead of lost."""

from __future__ import annotations

import hashlib
import os
import re
import sysconfig
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
from platformdirs import user_data_path

from ..training.errors import LungmtlError
from ..training.findings import Findings
from ..training.findings.formats.errors import FindingsFileError, NewerSchemaError, SaveError
from ..training.findings.formats.json_file import SUFFIX, read_findings, write_findings
from ..training.findings.log.file import LOG_SUFFIX
from ..training.imaging.image import Image
from ..training.imaging.series import Series
from ..training.storage.address import is_remote, shown
from .log.writer import LogWriter
from .same_findings import numbered
from .shared.joining import Change
from .shared.turns import Turn, turn

_UID = re.compile(r"\d+(\.\d+){2,}(_\d+)?")


class SidecarError(LungmtlError):
    """A sidecar could not be used; the message says what happened to it."""


class _Overtaken(Exception):
    """Another window took the lock over, as from a machine that slept: look again at what it saved."""


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

    @classmethod
    def at(cls, path: Path) -> Sidecar:
        """A file that lies elsewhere than beside its image: a reader study keeps the marks of its readers apart."""
        sidecar = cls.__new__(cls)
        sidecar._set(path.name, None)
        sidecar._paths, sidecar._readable, sidecar._former = [path], [], path
        return sidecar

    def _set(self, name: str, source: Path | None) -> None:
        mine = user_data_path("napari-lungmtl", appauthor=False) / "findings"
        own = mine / f"{name}{_digest_of(name, source)}{SUFFIX}"
        beside = _folder_beside(source)
        near = [beside / f"{name}{SUFFIX}"] if beside is not None and not _is_installed(beside) else []
        self._paths = [*near, own] if beside is not None and _is_writable(beside) else [own]
        # A folder that has become read-only may hold findings.
        self._readable = [*near, own]
        self._known = Change()  # what we know of the file, and what others have made of it since
        self._digests: dict[Path, bytes] = {}
        self._told: Findings | None = None
        self.log = LogWriter()
        """What is done to the findings, for the log beside them."""
        # Until files of the user's folder were told apart by where the image is.
        self._former, self._source = mine / f"{name}{SUFFIX}", shown(source) if source else ""

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._paths[0]

    def companions(self, suffix: str) -> tuple[Path, ...]:
        """The files of another suffix beside it: first the one that is written, then where one may lie that was written before."""
        paths = dict.fromkeys((*self._paths, *self._readable))
        return tuple(p.with_name(p.name.removesuffix(SUFFIX) + suffix) for p in paths)

    @property
    def logs(self) -> tuple[Path, ...]:
        """Where its log lies, and where one may lie that was written before."""
        return self.companions(LOG_SUFFIX)

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
        self._digests = {each: digest for each in self._paths if (digest := _digest(each))}
        if path is None:
            return None
        findings = self._read(path)
        self._known = Change(numbered(findings), numbered(findings))
        return findings

    def _read(self, path: Path) -> Findings:
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

    @property
    def news(self) -> Change:
        """What others have saved since, and who writes here does not know yet."""
        return self._known

    def taken_in(self) -> None:
        """Who writes here knows it now."""
        self._known = Change(self._known.after, self._known.after)

    def take_over(self, former: Sidecar) -> None:
        """Go on where another has left off that wrote the same file."""
        self._known, self._digests = former._known, dict(former._digests)
        self.log.take_over(former.log)

    def write(self, findings: Findings) -> str:
        """Write atomically; returns a sentence for the person where another place had to be taken, or others had written.

        What others have saved in the file since it was read or written here is joined, and never lost.

        Raises
        ------
        OSError
            Nowhere can be written; its text is a sentence for the person.
        """
        reason = ""
        for place, path in enumerate(self._paths):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                said = self._write_in_turn(findings, place)
                path = self._paths[place]
            except (SaveError, OSError) as error:
                reason = reason or str(error)
                continue
            if not reason:
                return said
            failed = self.path
            self._paths = [path]
            return f"Findings cannot be saved in {failed}; from now on they are in {path}. ({reason})"
        raise OSError(
            "Findings cannot be saved. They are kept in memory and saving is tried again: make room, or export "
            f"them before you close the window. ({reason})"
        )

    def _write_in_turn(self, findings: Findings, place: int) -> str:
        while True:
            path = self._paths[place]
            with turn(path) as held:
                said = self._look(path)
                try:
                    return self._write(findings, self._paths[place], held) or said
                except _Overtaken:
                    continue

    def _look(self, path: Path) -> str:
        """Find out what others have saved; a sentence where that cannot be read."""
        digest = _digest(path)
        if digest is None or digest == self._digests.get(path):
            return ""
        try:
            theirs = numbered(self._read(path))
        except SidecarError as error:
            return str(error)
        self._known = Change(self._known.before, theirs)
        self._digests[path] = digest
        return ""

    def _write(self, findings: Findings, path: Path, held: Turn) -> str:
        """Write findings with what others have saved; a sentence where the person has not been told of that."""
        joined, theirs = self._known.of(findings), self._known.after
        said = ""
        if joined.doubly and self._told is not theirs:
            other = self._stamped(path)
            write_findings(theirs, other)
            said = (
                f"Saved elsewhere meanwhile: {len(joined.doubly)} of the findings that you changed were changed there too. "
                f"Yours are kept, the others' are in {other}."
            )
        elif joined.news and self._told is not theirs:
            said = f"Saved elsewhere meanwhile: {_changes(joined.news)} joined yours."
        if not held.is_ours:
            raise _Overtaken
        said = " ".join(filter(None, (said, self.log.write(path, findings, joined.findings))))
        write_findings(joined.findings, path)
        self._known, self._told = Change(findings, joined.findings), joined.findings
        self._digests[path] = _digest(path) or b""
        return said

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
        self._paths = [self._stamped(path) for path in self._paths]
        self._readable = []

    def _stamped(self, path: Path) -> Path:
        stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
        return path.with_name(f"{path.name.removesuffix(SUFFIX)}-{stamp}{SUFFIX}")


def load(sidecar: Sidecar | None) -> tuple[Findings, str]:
    """What a sidecar holds, and a sentence where it cannot be used."""
    try:
        stored = sidecar.read() if sidecar is not None else None
    except SidecarError as error:
        return Findings(), str(error)
    return Findings() if stored is None else stored, ""


def _digest(path: Path) -> bytes | None:
    """What tells one content of a file from another: times of network folders come late; None where there is none."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError:
        return None


def _changes(n: int) -> str:
    return "one change" if n == 1 else f"{n} changes"


def _digest_of(name: str, source: Path | None) -> str:
    """What tells images of one name in different folders apart; the identifiers of DICOM do so themselves."""
    if source is None or _UID.fullmatch(name):
        return ""
    place = os.fsencode(shown(source) if is_remote(source) else Path(source).absolute())
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
    if source is None or is_remote(source):
        return None
    source = Path(source).absolute()
    # A zarr store is a folder whose content belongs to zarr.
    return source if source.is_dir() and source.suffix != ".zarr" else source.parent


def _is_writable(folder: Path) -> bool:
    # The mode counts too: os.access says yes to root, also on folders that were made read-only on purpose.
    return folder.is_dir() and bool(folder.stat().st_mode & 0o222) and os.access(folder, os.W_OK)


def _is_installed(folder: Path) -> bool:
    place = folder.resolve()
    return any(place.is_relative_to(root) for root in _libraries())


@cache
def _libraries() -> tuple[Path, ...]:
    """Folders of installed packages; asked for each of the thousand cases of a list."""
    package = Path(__file__).parent.parent
    libraries = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    # In a checkout sample_data is a link that leads out of the package.
    roots = [package, package / "sample_data", *libraries]
    return tuple(root.resolve() for root in roots)
