"""The image behind a nodule, and everything known to lie in it."""

from __future__ import annotations

from dataclasses import replace

from ..findings import Findings, ImageReference
from ..findings.formats.json_file import read_findings
from ..imaging import Image, SeveralSeriesError, read_image
from ..storage.address import is_remote
from .cohort import Cohort, CohortError, Nodule
from .cubes import read_cube


def read_nodule(cohort: Cohort, row: int) -> tuple[Image, Findings]:
    """Read the image that a nodule lies in.

    Parameters
    ----------
    cohort, row
        The table, and which nodule.

    Returns
    -------
    image, findings
        The scan with all findings of its result file; or the nodule's cube (a CT of 50 mm) with the annotated nodules
        whose centres lie in it. `findings` always holds the nodule itself.

    Raises
    ------
    CohortError, ImageError, FindingsFileError
        A file has gone or cannot be read.
    """
    nodule = cohort.nodules[row]
    if nodule.cube is not None:
        image = read_cube(nodule.file, nodule.cube)
        neighbours = (n for n in cohort.nodules if n.case == nodule.case and image.contains(n.center))
        items = (nodule.finding, *(n.finding for n in neighbours if n is not nodule))
        return image, Findings(items, ImageReference(series_uid=nodule.case, modality="CT"))
    image = _read(nodule)
    findings = read_findings(nodule.file)
    if all(f.id != nodule.id for f in findings):
        raise CohortError(
            f"{nodule.file} has changed and no longer holds this nodule: open the folder again."
        )
    return image, replace(findings, image=replace(findings.image, series_uid=nodule.case))


def _read(nodule: Nodule) -> Image:
    if nodule.source is None:
        raise CohortError(f"{nodule.file} does not say which image it belongs to.")
    if not is_remote(nodule.source) and not nodule.source.exists():
        raise CohortError(
            f"The image of this nodule is not there any more: {nodule.source}. Bring it back, or run 'lungmtl predict' again."
        )
    try:
        return read_image(nodule.source)
    except SeveralSeriesError:
        return read_image(nodule.source, series=nodule.case)
