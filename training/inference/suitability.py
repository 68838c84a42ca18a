"""What models can take: images of their kind, and spheres inside them. The others get a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from ..findings import Finding
from ..imaging.dicom.kinds import FEW, SPARE
from ..imaging.errors import NotAFrontalRadiographError
from ..imaging.image import Image
from ..imaging.radiograph.frontal import PROJECTIONS, check_frontal
from ..imaging.series import Series
from .predictor import ModelInfo, PredictorError

RADIOGRAPHS = frozenset({"CR", "DX"})
"""Modalities that cards of radiograph networks name; files with others that mean the same (`PROJECTIONS`) suit them too."""
_CAPTURED = ("OT", "SC", "HC")  # how secondary captures, such as digitised films, name their modality
NAMED = 5
"""Places that a sentence names."""


def suits(info: ModelInfo, image: Image | Series) -> bool:
    """Whether a model takes such images; where the file does not say, volumes count as CT and flat images as radiographs.

    A series is an image that has not been read yet.
    """
    if image.ndim == 2 and image.modality in PROJECTIONS:
        return bool(RADIOGRAPHS & set(info.modalities))
    return (image.modality or "CT") in info.modalities


def sort_out_series(found: Iterable[Series], modalities: Set[str]) -> tuple[list[Series], Counter[str]]:
    """Sort the series of a study: those that models of these modalities can take, and a count of the others by kind.

    Localizers and renderings are never taken; captures of a screen, reformats and scans of a few slices only where there is
    nothing better.
    """
    others: Counter[str] = Counter()
    first_choice, second_choice = [], []
    for series in found:
        if not _is_taken(series, modalities):
            others[series.modality] += 1
        elif series.kind and (series.kind not in SPARE or _is_flat_ct(series)):
            others[series.kind] += 1
        elif series.kind or (len(series.shape) == 3 and series.n_slices <= FEW):
            second_choice.append(series)
        else:
            first_choice.append(series)
    if first_choice:
        few = f"of {FEW} slices or fewer"
        others.update(series.kind or f"{series.modality or 'scan'} {few}" for series in second_choice)
    return first_choice or second_choice, others


def _is_flat_ct(series: Series) -> bool:
    return len(series.shape) == 2 and series.modality == "CT"


def _is_taken(series: Series, modalities: Set[str]) -> bool:
    if len(series.shape) == 2 and series.modality in (*PROJECTIONS, *_CAPTURED):
        return bool(RADIOGRAPHS & modalities) or not series.modality
    return series.modality in modalities or not series.modality


def frontal_doubt(infos: Iterable[ModelInfo], image: Image) -> str:
    """Before radiograph networks run on a flat image: a sentence on a doubt whether it is a frontal chest radiograph, or ``""``.

    Raises
    ------
    PredictorError
        It is certainly none: a lateral view, a photograph, a CT slice; the sentence names the file and says why.
    """
    if image.ndim != 2 or not any(RADIOGRAPHS & set(info.modalities) for info in infos):
        return ""
    try:
        return check_frontal(image)
    except NotAFrontalRadiographError as error:
        raise PredictorError(str(error)) from None


def places(findings: Sequence[Finding]) -> str:
    """Where findings are, for a sentence: ``Sphere at z −190.5 mm``, ``3 spheres at z −190.5, −180.0, 12.5 mm``."""
    spheres = [f for f in findings if f.kind == "sphere"]
    at = ", ".join(f"{f.center[0]:.1f}".replace("-", "−") for f in spheres[:NAMED])
    more = " …" if len(spheres) > NAMED else ""
    return f"Sphere at z {at} mm" if len(spheres) == 1 else f"{len(spheres)} spheres at z {at}{more} mm"


def sort_out(image: Image, findings: Iterable[Finding]) -> tuple[list[Finding], str]:
    """The findings that networks can characterise, and what to say of the others, which stay as they are."""
    flat: list[Finding] = []
    kept: list[Finding] = []
    outside, suitable = [], []
    for finding in findings:
        if finding.kind != "sphere":
            (flat if finding.malignancy is None else kept).append(finding)
        elif image.ndim == 3 and not image.contains(
            finding.center
        ):  # a flat image: the model says what it needs
            outside.append(finding)
        else:
            suitable.append(finding)
    notes = []
    if outside:
        what = "it" if len(outside) == 1 else "them"
        notes.append(f"{places(outside)}: not judged, because outside the scan. Move {what} onto a nodule.")
    if flat:
        what = "One finding is" if len(flat) == 1 else f"{len(flat)} findings are"
        notes.append(f"{what} no sphere and not judged: draw a sphere around the nodule.")
    if kept:  # a sphere that was outlined, for one
        what, has = ("One finding is", "keeps") if len(kept) == 1 else (f"{len(kept)} findings are", "keep")
        notes.append(f"{what} no sphere and {has} the malignancy of before, not judged anew.")
    return suitable, " ".join(notes)


def check_ct(image: Image, who: str, does: str = "characterises") -> None:
    """Refuse what is no CT volume in Hounsfield units.

    Raises
    ------
    PredictorError
        With a sentence that says what to open instead.
    """
    name = image.source or image.series_uid or "the image"
    if image.ndim != 3:
        raise PredictorError(
            f"{who} {does} nodules in CT volumes, but {name} is a flat image. Open a CT series."
        )
    if image.spacing is None:
        raise PredictorError(
            f"{name} has no voxel spacing, so sizes in mm are unknown. Open the original CT series."
        )
    if image.modality not in ("CT", ""):
        raise PredictorError(f"{who} was trained on CT; {name} is {image.modality}. Open a CT series.")
    low = float(image.voxels.min())
    if low > -500:
        raise PredictorError(
            f"{name} has no values below {low:.0f}; air in a CT is near -1000 HU. "
            "Open a CT in Hounsfield units (apply the rescale slope and intercept)."
        )


def check_radiograph(image: Image, who: str) -> None:
    """Refuse what is no flat image of a radiograph's modality (a file that does not say counts as one).

    Raises
    ------
    PredictorError
        With a sentence that says what to open instead.
    """
    name = image.source or image.series_uid or "the image"
    if image.ndim != 2:
        raise PredictorError(
            f"{who} looks at chest radiographs, but {name} is a volume. Open a frontal chest radiograph, or run a CT model."
        )
    if image.modality not in PROJECTIONS:
        raise PredictorError(
            f"{who} was trained on chest radiographs; {name} is {image.modality}. Open a frontal chest radiograph."
        )
