"""Findings in a DICOM file of whichever kind: segmentation, measurement report, presentation state or structure set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ....error_boundary import reads
from ....imaging.dicom.header import read_header
from ....imaging.image import Image
from ...finding import Findings
from ..errors import FindingsFileError

KINDS = {"SEG": "a SEG", "SR": "an SR (TID 1500)", "PR": "a presentation state", "RTSTRUCT": "an RTSTRUCT"}


@reads(FindingsFileError)
def read_dicom_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the findings of a DICOM file.

    Parameters
    ----------
    path
        The file.
    image
        The image that it was made from.

    Returns
    -------
    tuple
        The findings, and sentences on what was left out.

    Raises
    ------
    FindingsFileError
        It is DICOM of another kind, or has no finding on this image.
    """
    header = read_header(Path(path))
    modality = header.code("Modality") if header is not None else ""
    if modality not in KINDS:
        raise FindingsFileError(
            f"{path} is DICOM of the modality {modality or 'unknown'}: choose {', '.join(KINDS.values())}"
        )
    return _reader(modality)(path, image)


def _reader(modality: str) -> Callable[[Path | str, Image], tuple[Findings, list[str]]]:
    """highdicom takes half a second to load: only what is needed is."""
    if modality == "SEG":
        from .seg import seg_findings

        return seg_findings
    if modality == "SR":
        from .sr import sr_findings

        return sr_findings
    if modality == "PR":
        from .presentation_state import presentation_state_findings

        return presentation_state_findings
    from .rtstruct import rtstruct_findings

    return rtstruct_findings
