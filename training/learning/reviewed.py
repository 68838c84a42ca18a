"""Studies that a person has reviewed: their saved findings, the images beside them, and what was said of which place."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import LungmtlError
from ..findings import Finding, Findings, ImageReference, Sphere
from ..findings.formats.errors import FindingsFileError
from ..findings.formats.json_file import SUFFIX, read_findings
from ..findings.image_place import image_place
from ..imaging.formats import format_of
from ..imaging.image import Image
from ..imaging.read import read_image
from ..imaging.series import Series
from ..inference.predictor import ModelInfo
from ..inference.suitability import suits
from .candidates import LearningError

CLOSE = 1e-3
"""Relative difference of spacings that is rounding."""


@dataclass(frozen=True, eq=False)
class ReviewedStudy:
    """One study with a person's verdicts.

    Parameters
    ----------
    name
        For a person, and to tell studies apart: the series, or the file's stem, with the folder where several are called so.
    sidecar
        The file of its findings.
    path
        Its image.
    nodules, rejected
        (N, 4) and (R, 4) as `Candidates.places`: what was accepted, moved or drawn, and what was rejected. What nobody
        judged is in neither.
    """

    name: str
    sidecar: Path
    path: Path
    findings: Findings
    nodules: np.ndarray
    rejected: np.ndarray

    @property
    def key(self) -> str:
        """A hash of what is known of the study, the same on every machine."""
        seen = f"{self.name} {self.findings.orientation}"  # networks see a film as it was turned
        said = hashlib.blake2b(seen.encode("utf-8", "surrogatepass"), digest_size=8)
        said.update(np.concatenate([self.nodules, self.rejected]).round(3).tobytes())
        said.update(bytes([len(self.nodules) % 256]))
        return said.hexdigest()

    def open(self) -> Image:
        """Read the image.

        Raises
        ------
        LearningError
            It is another than the one that was reviewed.
        ImageError
            It cannot be read.
        """
        known = self.findings.image
        image = read_image(self.path, series=_series(self.path, known))
        if known.shape and tuple(known.shape) != tuple(image.shape):
            raise LearningError(
                f"{self.path} has {image.shape} voxels, and the findings in {self.sidecar.name} belong to "
                f"{tuple(known.shape)}: bring the image back that was reviewed."
            )
        if known.spacing is not None and not _same(known.spacing, image.spacing):
            raise LearningError(
                f"{self.path} has the spacing {image.spacing}, and the findings in {self.sidecar.name} were made at "
                f"{known.spacing}: bring the image back that was reviewed."
            )
        return image


def _series(path: Path, known: ImageReference) -> str | None:
    return known.series_uid or None if path.is_dir() and path.suffix != ".zarr" else None


def _same(a: Sequence[float], b: Sequence[float] | None) -> bool:
    return b is not None and len(a) == len(b) and bool(np.allclose(a, b, rtol=CLOSE))


def find_reviewed(
    folders: Iterable[Path], networks: Collection[ModelInfo]
) -> tuple[list[ReviewedStudy], list[str]]:
    """Find the reviewed studies in folders and all folders below them.

    Parameters
    ----------
    networks
        Images that none of them takes are passed over without a word.

    Raises
    ------
    LearningError
        A folder does not exist, or holds no reviewed study of such images.

    Returns
    -------
    studies : list of ReviewedStudy
        By name.
    passed_over : list of str
        A sentence for each that cannot be used.
    """
    folders = list(folders)
    studies: dict[tuple[str, Path | None], ReviewedStudy] = {}
    passed_over = []
    for path in _sidecars(folders):
        try:
            study = _study(path, networks)
        except LungmtlError as error:
            passed_over.append(str(error))
            continue
        if study is None:
            continue
        first = studies.setdefault(identity(study.name, study.path), study)
        if (
            first.path.resolve() != study.path.resolve()
        ):  # half of a pair that is held back would tell of itself
            passed_over.append(
                f"{path} is of a series that {first.sidecar} is of too, and is not taken twice."
            )
    if not studies:
        why = f" {passed_over[0]}" if passed_over else ""
        titles = ", ".join(info.title for info in networks)
        raise LearningError(
            f"{', '.join(map(str, folders))} holds no reviewed study for {titles}: accept and reject "
            f"findings in the window first; they are saved as *{SUFFIX} beside the images.{why}"
        )
    return _told_apart([studies[key] for key in sorted(studies, key=str)]), passed_over


def identity(uid: str, path: Path) -> tuple[str, Path | None]:
    """Return what tells an image from others: a DICOM series wherever it lies, another file by its place as well."""
    return uid, path.resolve() if format_of(path) else None


def _told_apart(studies: Sequence[ReviewedStudy]) -> list[ReviewedStudy]:
    """Films of one name in several folders get the folders' names as well, as many as it takes."""
    named = list(studies)
    for depth in range(1, max((len(s.path.parts) for s in studies), default=1)):
        count = Counter(s.name for s in named)
        named = [
            replace(now, name="/".join((*s.path.parent.parts[-depth:], s.name)))
            if count[now.name] > 1
            else now
            for now, s in zip(named, studies, strict=True)
        ]
    return named


def _sidecars(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise LearningError(f"{folder} is no folder: name the one that your reviewed studies lie in.")
        # A study's own file comes before copies that have a time in their names.
        yield from sorted(folder.rglob(f"*{SUFFIX}"), key=lambda path: (path.parent, len(path.name), path))


def _study(path: Path, networks: Collection[ModelInfo]) -> ReviewedStudy | None:
    """Read one sidecar; None of other images, of a truth, and where nobody has judged anything."""
    if path.name.endswith((f"truth{SUFFIX}", f".broken{SUFFIX}")):
        return None
    findings = read_findings(path)
    known = Series("", modality=findings.image.modality, shape=findings.image.shape)
    if not any(suits(info, known) for info in networks):
        return None
    nodules, rejected = (places(filter(kind, findings)) for kind in (is_nodule, is_rejected))
    if not len(nodules) and not len(rejected):
        return None
    image = image_of(path, findings)
    return ReviewedStudy(findings.image.series_uid or image.name, path, image, findings, nodules, rejected)


def image_of(sidecar: Path, findings: Findings) -> Path:
    """Find the image of saved findings: where it was, or beside them.

    Raises
    ------
    FindingsFileError
        It is in neither place.
    """
    source = image_place(sidecar, findings.image.source)
    if source is not None:
        if source.exists():
            return source
        # A folder of DICOM files holds its findings; it may be named by a UID, whose last number is no suffix.
        if not source.suffix or source.suffix[1:].isdigit():
            return sidecar.parent
    raise FindingsFileError(
        f"The image of {sidecar} is missing ({source or 'the file does not name it'}): put it beside the file."
    )


def is_nodule(finding: Finding) -> bool:
    """Whether a person holds it for a nodule: accepted, or moved or drawn and not rejected."""
    by_person = bool(finding.provenance.person) or not finding.provenance.model
    return finding.status == "accepted" or (by_person and finding.status != "rejected")


def is_rejected(finding: Finding) -> bool:
    """Whether a person holds it for no nodule."""
    return finding.status == "rejected"


def places(findings: Iterable[Finding]) -> np.ndarray:
    """Where findings are: (N, 4) as `Candidates.places`."""
    return np.array([_place(f) for f in findings], float).reshape(-1, 4)


def _place(finding: Finding) -> tuple[float, ...]:
    if (box := finding.box) is not None:
        return (*box.low, *box.high)
    geometry = finding.geometry
    center = geometry.center if isinstance(geometry, Sphere) else finding.center
    return (*center, finding.diameter)
