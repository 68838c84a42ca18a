"""A folder of two small thoraces in the layout of whole scans, and a detector that makes given marks."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

SPACING, ORIGIN = 2.0, (-100.0, 0.0, -90.0)
"""mm; the first voxel's centre (z, y, x)."""
LESION = (-60.0, 60.0, -50.0, 12.0)
EXCLUDED = (-60.0, 90.0, -50.0, 8.0)
PLACES = {
    "lung": (-30.0, 60.0, -40.0),
    "hilum or mediastinum": (-45.0, 60.0, -6.0),
    "chest wall": (-45.0, 60.0, -86.0),
    "heart or diaphragm": (-94.0, 60.0, -45.0),
}
"""Where marks of 6 mm lie in each region."""


def thorax() -> np.ndarray:
    """HU (z, y, x): tissue with two lungs, the lesion in the right one."""
    z, y, x = np.meshgrid(*(np.arange(n) * SPACING + o for n, o in zip((50, 60, 90), ORIGIN)), indexing="ij")
    hu = np.full(z.shape, 40, np.int16)
    for side in (-45, 45):
        hu[((z + 45) / 40) ** 2 + ((y - 60) / 40) ** 2 + ((x - side) / 30) ** 2 < 1] = -850
    lesion = (z - LESION[0]) ** 2 + (y - LESION[1]) ** 2 + (x - LESION[2]) ** 2 < (LESION[3] / 2) ** 2
    hu[lesion] = 30
    return hu


def write_whole_scans(folder: Path) -> Path:
    """``data/ct/whole`` with scans A (all known, one lesion) and B (nothing known), and LUNA16's excluded findings beside."""
    whole = folder / "ct" / "whole"
    whole.mkdir(parents=True)
    image = sitk.GetImageFromArray(thorax())
    image.SetSpacing((SPACING,) * 3)
    image.SetOrigin(ORIGIN[::-1])
    for name in "AB":
        sitk.WriteImage(image, str(whole / f"{name}.nii.gz"))
    (whole / "scans.csv").write_text(
        "file,dicom_seriesuid,known\nA.nii.gz,1.2.3,all: four readers\nB.nii.gz,1.2.4,none: nobody looked\n"
    )
    (whole / "nodules.csv").write_text(_csv("A", LESION))
    (folder / "luna16").mkdir()
    (folder / "luna16" / "annotations_excluded.csv.gz").write_bytes(_gzip(_csv("1.2.3", EXCLUDED)))
    return whole


def _csv(series: str, sphere: tuple[float, ...]) -> str:
    z, y, x, diameter = sphere
    return f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{series},{x},{y},{z},{diameter}\n"


def _gzip(text: str) -> bytes:
    import gzip

    return gzip.compress(text.encode())


class Marker:
    """A `Predictor` that marks the same spheres in every scan."""

    def __init__(self, marks: list[tuple[float, float, float, float, float]], name: str = "marker") -> None:
        self.info = ModelInfo(name, "Marker", "for tests", ("CT",))
        self.marks = marks

    def run(self, image):
        """Yield once, return the marks."""
        yield Progress(0.5, "marking")
        origin = Provenance(self.info.name, "1")
        items = (Finding(Sphere((z, y, x), d), score, provenance=origin) for z, y, x, d, score in self.marks)
        return Findings(tuple(items), ImageReference.of(image))
