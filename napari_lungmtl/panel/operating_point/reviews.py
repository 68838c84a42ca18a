"""The reviewed cases of the list: how many there are, and what they say, read off the GUI thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...reviewed_images import ReviewedImages
from ...session.case_summary import DONE
from ...session.sidecar import Sidecar
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.findings.formats.json_file import read_findings
from ...training.imaging.image import Image
from ...training.imaging.read import read_series
from ...training.imaging.series import Series
from ...training.inference.predictor import Progress
from ...training.operating_point.calibration import Calibration, CalibrationScan
from ...training.operating_point.features import features_of
from ...training.operating_point.reviewed import reviewed_case, weights_of
from ...training.operating_point.risk import LEAST_SCANS
from ..cases.case import Case

Models = Iterable[Mapping[str, Any]]


class TooFewError(LungmtlError):
    """There are not enough reviewed scans; the message says how many, and of what."""


@dataclass(frozen=True, eq=False)
class Review:
    """A case that is done: open with findings and image, or to be read from its series."""

    name: str
    series: Series | None
    findings: Findings | None = None
    image: Image | None = None


def done_cases(cases: Sequence[Case], images: ReviewedImages, radiographs: bool) -> list[Review]:
    """The cases of one kind that somebody has marked done."""
    open_ = {id(reviewed.layer): reviewed.session for reviewed in images}
    found = []
    for case in cases:
        session = open_.get(id(case.layer)) if case.layer is not None else None
        image = session.image if session is not None else None
        ndim = image.ndim if image is not None else case.series.ndim if case.series is not None else 0
        if case.state == DONE and ndim == (2 if radiographs else 3):
            found.append(
                Review(case.name, case.series, session.findings if session is not None else None, image)
            )
    return found


def calibrate(reviews: Sequence[Review], models: Models) -> Generator[Progress, None, Calibration]:
    """Read what reviewed cases say.

    Parameters
    ----------
    models
        Those of the image that is seen: only cases that their weights marked count. Where there are none, those that most cases
        have.

    Yields
    ------
    Progress
        Before each case.

    Raises
    ------
    TooFewError
        Fewer than ten cases count.
    """
    found: list[tuple[tuple[str, ...], CalibrationScan]] = []
    for number, review in enumerate(reviews):
        yield Progress(number / len(reviews), f"reading {number + 1} of {len(reviews)}")
        findings = review.findings if review.findings is not None else _stored(review.series)
        known = reviewed_case(findings) if findings is not None else None
        if findings is not None and known is not None:
            scan = CalibrationScan(review.name, known, _features(review))
            found.append((weights_of(findings.models), scan))
    wanted = weights_of(models)
    if not wanted and found:
        wanted = Counter(weights for weights, _ in found).most_common(1)[0][0]
    scans = tuple(scan for weights, scan in found if weights == wanted)
    if len(scans) < LEAST_SCANS:
        raise TooFewError(
            f"Of {len(reviews)} cases that are done, {len(scans)} were marked by these weights: run the networks on {LEAST_SCANS}, "
            "and review them."
        )
    return Calibration(wanted, scans, f"{datetime.now():%Y-%m-%dT%H:%M:%S}")


def _stored(series: Series | None) -> Findings | None:
    path = Sidecar.of_series(series).newest() if series is not None else None
    try:
        return read_findings(path) if path is not None else None
    except LungmtlError:  # the case list says so
        return None


def _features(review: Review) -> dict[str, float]:
    try:
        image = review.image
        if image is None and review.series is not None:
            image = read_series(review.series.path, review.series)
        return features_of(image) if image is not None else {}
    except LungmtlError:  # moved since: its marks count all the same
        return {}


def measured(image: Image) -> Callable[[], Generator[None, None, tuple[Image, dict[str, float]]]]:
    """Work that measures an image, for a worker."""

    def work() -> Generator[None, None, tuple[Image, dict[str, float]]]:
        yield
        return image, features_of(image)

    return work
