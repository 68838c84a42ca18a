"""Which study to review next: where networks disagree with each other, or with themselves on the mirrored image.

Fold models of a detector are not shipped, so the second opinion of a network is its own on the image turned left to right
(query by committee, Seung et al., doi:10.1145/130385.130417).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ..case_list.figures import CaseFigures
from ..case_list.row import ListedCase
from ..case_list.voices import between
from ..comparison.differences import differences
from ..errors import LungmtlError
from ..findings import Box, Finding, Findings, Geometry, Mask, Sphere
from ..imaging.find import Unreadable, find_series
from ..imaging.image import Image
from ..imaging.read import read_series
from ..imaging.series import Series
from ..inference import registry
from ..inference.predictor import ModelInfo, Progress
from ..inference.suitability import frontal_doubt, suits
from .candidates import LearningError
from .known import found_in
from .reviewed import ReviewedStudy, find_reviewed, identity

MIRRORED = "mirrored"


@dataclass(frozen=True)
class Question:
    """A study and what its networks disagree on.

    Parameters
    ----------
    disagreement
        The largest difference 0–1 of the scores of one place.
    voices
        The two that differ most, ``"DHN"`` and ``"MO-SegNet"``, or ``"3D-AG"`` and ``"3D-AG mirrored"``.
    case
        The study as a list of cases has it; it leads to the place.
    total
        Sum of the differences over all places and pairs: what decides between equals.
    """

    disagreement: float
    voices: tuple[str, str]
    case: ListedCase
    total: float


def ask(folder: Path, device: str = "auto") -> Generator[Progress, None, tuple[list[Question], list[str]]]:
    """Yield progress; order the studies of a folder that nobody has reviewed, those with most disagreement first.

    Raises
    ------
    LearningError
        The folder does not exist, or holds no study that is left to review.

    Returns
    -------
    questions : list of Question
    passed_over : list of str
        A sentence for each study that could not be read or looked at.
    """
    if not folder.is_dir():
        raise LearningError(f"{folder} is no folder: name the one that your studies lie in.")
    detectors = [i for i in registry.models() if i.task == "detection" and not registry.is_other(i)]
    done = _reviewed(folder, detectors)
    series, passed_over = _series(folder)
    known = {identity(study.findings.image.series_uid, study.path) for study in done}
    suitable = [s for s in series if any(suits(info, s) for info in detectors)]
    left = [s for s in suitable if identity(s.uid, s.path) not in known]
    if not left:
        raise LearningError(
            f"{folder} holds no study that is left to review: {len(done)} are reviewed, {len(series)} were found."
        )
    predictors = {
        i.name: registry.load_predictor(i.name, device) for i in detectors if any(suits(i, s) for s in left)
    }
    questions = []
    for n, one in enumerate(left):
        yield Progress(n / len(left), one.uid)
        try:
            image = read_series(one.path, one)
            infos = [info for info in detectors if suits(info, image)]
            frontal_doubt(infos, image)
            questions.append(question_of(image, {i.title: predictors[i.name] for i in infos}))
        except LungmtlError as error:
            passed_over.append(str(error))
    return sorted(questions, key=lambda q: (-q.disagreement, -q.total, q.case.name)), passed_over


def _reviewed(folder: Path, detectors: Sequence[ModelInfo]) -> list[ReviewedStudy]:
    try:
        return find_reviewed([folder], detectors)[0]
    except LearningError:
        return []


def _series(folder: Path) -> tuple[list[Series], list[str]]:
    found: dict[tuple[str, Path], Series] = {}
    unread = []
    for one in find_series(folder):
        if isinstance(one, Unreadable):
            unread.append(one.reason)
        elif one is not None and not one.kind:
            found[(one.uid, one.path)] = one
    return list(found.values()), unread


def question_of(image: Image, predictors: dict[str, object]) -> Question:
    """Let each predictor, by its title, look at an image and at its mirror image, and find what is disagreed on most."""
    said: dict[str, Findings] = {}
    for title, predictor in predictors.items():
        said[title] = found_in(predictor, image)
        said[f"{title} {MIRRORED}"] = mirrored(found_in(predictor, mirror(image)), image)
    pairs = [
        (a, b)
        for a, b in combinations(said, 2)
        if not (a.endswith(MIRRORED) or b.endswith(MIRRORED)) or b == f"{a} {MIRRORED}"
    ]
    amounts = {pair: between(said[pair[0]], said[pair[1]]) or 0.0 for pair in pairs}
    voices = max(amounts, key=lambda pair: amounts[pair])
    a, b = said[voices[0]], said[voices[1]]
    apart = max(differences(a, b), key=lambda d: abs(_score(d.a) - _score(d.b)), default=None)
    figures = CaseFigures(disagreement=amounts[voices])
    case = ListedCase(
        image.source.name if image.source is not None else image.series_uid,
        image.source,
        image.series_uid,
        figures=figures,
        at=None if apart is None else _at(apart.finding, image),
    )
    total = sum(
        abs(_score(d.a) - _score(d.b)) for one, other in pairs for d in differences(said[one], said[other])
    )
    return Question(amounts[voices], voices, case, total)


def _score(finding: Finding | None) -> float:
    return 0.0 if finding is None else finding.score


def _at(finding: Finding, image: Image) -> tuple[float, ...]:
    """As `ListedCase.at`: x, y, z in mm, on a radiograph x, y in pixels of the file."""
    if image.ndim == 3:
        return tuple(float(c) for c in finding.center[::-1])
    return tuple(float(c) for c in image.to_index(finding.center)[::-1] + 0.5)


def mirror(image: Image) -> Image:
    """Turn an image left to right, its grid where it was."""
    return replace(image, voxels=np.ascontiguousarray(image.voxels[..., ::-1]))


def mirrored(findings: Findings, image: Image) -> Findings:
    """Bring what was found on the mirrored image to the image itself."""
    first, last = (float(image.to_world([0] * (image.ndim - 1) + [x])[-1]) for x in (0, image.shape[-1] - 1))
    return findings.with_items(
        tuple(f.with_(geometry=_geometry(f.geometry, first + last), members=()) for f in findings)
    )


def _geometry(geometry: Geometry, both: float) -> Geometry:
    """Mirror a geometry; `both` is the sum of the x of the first and the last column."""
    if isinstance(geometry, Sphere):
        z, y, x = geometry.center
        return Sphere((z, y, both - x), geometry.diameter)
    if isinstance(geometry, Box):
        return Box((geometry.low[0], both - geometry.high[1]), (geometry.high[0], both - geometry.low[1]))
    held = geometry.to_array()[..., ::-1]
    last = geometry.origin[-1] + (geometry.shape[-1] - 1) * geometry.spacing[-1]
    return Mask.from_array(held, geometry.spacing, (*geometry.origin[:-1], both - last))


def listed(questions: Iterable[Question]) -> Sequence[ListedCase]:
    """The studies as a list of cases, in the order in which to review them."""
    return [q.case for q in questions]
