"""Which of the open images may be the prior study of one, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari.layers import Image as ImageLayer

from ..reviewed_images import ReviewedImage, ReviewedImages
from ..session.review import passes
from ..session.session import Session
from ..session.sidecar import Sidecar
from ..session.thresholds import Thresholds
from ..text.cases import case_name, elide, study_date
from ..training.errors import LungmtlError
from ..training.findings import Box, Finding, Findings
from ..training.findings.formats.json_file import read_findings
from ..training.growth.change import clock, days_between, earlier_that_day
from ..training.imaging.image import Image


@dataclass(frozen=True, eq=False)
class PriorStudy:
    """An open CT that another is compared with: its layer, and its image."""

    layer: ImageLayer
    image: Image
    time: str = ""
    """The time of day, where it is of the present study's."""

    @property
    def words(self) -> str:
        """Case, date, and time of one that is of the same day, in a line."""
        date = f"{study_date(self.image)} {self.time}".strip()
        return " · ".join(part for part in (elide(case_name(self.image), 26), date) if part)


def patient(image: Image) -> str:
    """PatientID; empty where the file has none."""
    return str(image.metadata.get("patient_id") or "").strip()


def candidates(images: ReviewedImages, present: ReviewedImage) -> list[PriorStudy]:
    """The open CT volumes beside the present one, the likeliest prior first.

    Those of the same patient come before those of which nobody knows whose they are, and these before another patient's. Of each,
    earlier ones come first, the latest of them before all; then earlier ones of the same day, of which no growth rate can be
    told; then those of which nobody knows when they were made; then later ones.
    """
    here = present.session.image
    if here is None or here.ndim != 3:
        return []
    others = ((layer, images.image_of(layer)) for layer in images.layers if layer is not present.layer)
    studies = [
        PriorStudy(layer, image, _time(image, here))
        for layer, image in others
        if image is not None and _is_ct(image, here)
    ]
    return sorted(studies, key=lambda study: (_whose(study.image, here), *_when(study.image, here)))


def is_later(prior: Image, present: Image) -> bool:
    """Whether a study was made after the present one, as far as their files tell."""
    days = days_between(prior, present)
    return days is not None and (days < 0 or (days == 0 and earlier_that_day(prior, present) is False))


def _whose(image: Image, here: Image) -> int:
    """0 of the same patient, 1 where that is not known, 2 of another one."""
    own, its = patient(here), patient(image)
    return 1 if not (own and its) else 0 if own == its else 2


def _when(image: Image, here: Image) -> tuple[int, int]:
    """Turn of a study by its time: see `candidates`."""
    days = days_between(image, here)
    if is_later(image, here):
        return 3, -(days or 0)
    if days is None:
        return 2, 0
    if days > 0:
        return 0, days
    return (1 if earlier_that_day(image, here) else 2), 0


def _time(image: Image, here: Image) -> str:
    seconds = clock(image)
    if seconds is None or days_between(image, here) != 0:
        return ""
    return f"{int(seconds // 3600):02}:{int(seconds % 3600 // 60):02}"


def _is_ct(image: Image, here: Image) -> bool:
    """Whether an image is a CT in mm, and not the same series opened twice."""
    twice = image is here or (
        image.source is not None and (image.source, image.series_uid) == (here.source, here.series_uid)
    )
    return image.ndim == 3 and image.spacing is not None and image.modality in ("CT", "") and not twice


def session_of(images: ReviewedImages, study: PriorStudy) -> Session | None:
    """The session of a study that has been looked at."""
    return next((one.session for one in images if one.layer is study.layer), None)


def nodules_of(images: ReviewedImages, study: PriorStudy) -> tuple[Finding, ...]:
    """The nodules of a study that are shown when it is reviewed, or would be: of one that was not, those saved with it."""
    session = session_of(images, study)
    if session is not None:
        return nodules(session.visible)
    return nodules([f for f in findings_of(images, study) if passes(f, Thresholds())])


def findings_of(images: ReviewedImages, study: PriorStudy) -> Findings:
    """All that is known of a study: of one that has not been looked at, what is saved with it."""
    session = session_of(images, study)
    if session is not None:
        return session.findings
    path = Sidecar(study.image).newest()
    try:
        return read_findings(path) if path is not None else Findings()
    except LungmtlError:  # said when the study itself is reviewed
        return Findings()


def nodules(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that lie in a volume and were not rejected."""
    return tuple(f for f in findings if f.status != "rejected" and not isinstance(f.geometry, Box))
