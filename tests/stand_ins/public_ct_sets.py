"""LUNA16, LIDC-IDRI and DeepLesion in little: the published layouts, with thoraces whose nodules are known to the voxel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image as Picture
from scipy.ndimage import binary_dilation

from napari_lungmtl.training.imaging.dicom.write_series import slice_dataset
from napari_lungmtl.training.imaging.image import Image

LUNG, DENSE, TISSUE = -850, 60, 40
UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001"
LUNA16_HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm"
DEEPLESION_HEADER = (
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,"
    "Lesion_diameters_Pixel_,Normalized_lesion_location,Coarse_lesion_type,Possibly_noisy,Slice_range,Spacing_mm_px_,Image_size,"
    "DICOM_windows,Patient_gender,Patient_age,Train_Val_Test"
)
Spheres = Sequence[tuple[float, float, float, float]]
"""World z, y, x, diameter in mm."""


def thorax(spacing: Sequence[float], origin: Sequence[float], spheres: Spheres) -> Image:
    """A CT (100, 120, 180 mm) of two lungs around the middle, with dense spheres."""
    shape = [round(mm / step) for mm, step in zip((100, 120, 180), spacing, strict=True)]
    axes = [o + s * np.arange(n) for o, s, n in zip(origin, spacing, shape, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    middle = [axis.mean() for axis in axes]
    hu = np.full(z.shape, TISSUE, np.int16)
    for side in (-45, 45):
        at = (z - middle[0]) / 42, (y - middle[1]) / 42, (x - middle[2] - side) / 32
        hu[sum(a**2 for a in at) < 1] = LUNG
    for cz, cy, cx, diameter in spheres:
        hu[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < (diameter / 2) ** 2] = DENSE
    return Image(hu, "CT", tuple(spacing), tuple(origin))


LUNA16_ORIGIN = (-212.5, -90.0, -130.0)
LUNA16_SCANS = {
    f"{UID}.100": (0, False, (-165.0, -25.0, -86.0, 11.0)),
    f"{UID}.101": (1, True, (-160.0, -40.0, 3.0, 9.0)),
    f"{UID}.102": (1, False, (-150.0, -30.0, -90.0, 12.0)),
    f"{UID}.104": (2, True, (-170.0, -32.0, 8.0, 10.0)),
}
"""Subset, whether x and y are stored reversed, and the nodule of each scan."""
EXCLUDED = (-160.0, -35.0, 5.0, 6.0)


def write_luna16(folder: Path) -> Path:
    """Four scans in three subsets, with the tables."""
    rows, excluded = [], []
    for uid, (subset, reverse, nodule) in LUNA16_SCANS.items():
        image = thorax((2.5, 1.2, 1.2), LUNA16_ORIGIN, [nodule])
        voxels, origin = image.voxels, np.array(image.origin)
        if reverse:
            voxels = voxels[:, ::-1, ::-1]
            origin[1:] += (np.array(image.shape[1:]) - 1) * image.spacing[1:]
        itk = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
        itk.SetSpacing(image.spacing[::-1])
        itk.SetOrigin(origin[::-1].tolist())
        itk.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1) if reverse else (1, 0, 0, 0, 1, 0, 0, 0, 1))
        (folder / f"subset{subset}").mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(itk, str(folder / f"subset{subset}" / f"{uid}.mhd"))
        z, y, x, d = nodule
        rows.append(f"{uid},{x},{y},{z},{d}")
        z, y, x, _ = EXCLUDED
        excluded.append(f"{uid},{x},{y},{z},-1")
    (folder / "annotations.csv").write_text("\n".join([LUNA16_HEADER, *rows]) + "\n")
    (folder / "annotations_excluded.csv").write_text("\n".join([LUNA16_HEADER, *excluded]) + "\n")
    (folder / "candidates_V2.csv").write_text("seriesuid,coordX,coordY,coordZ,class\n")
    return folder


LIDC_SPACING, LIDC_ORIGIN = (2.0, 1.25, 1.25), (-300.0, -160.0, -140.0)
LIDC_NODULE, LIDC_DOUBTFUL = (-260.0, -95.0, -95.0, 14.0), (-240.0, -105.0, -5.0, 10.0)
"""The first is outlined by all four readers, the second by two."""
LIDC_PATIENTS = ("LIDC-IDRI-0005", "LIDC-IDRI-0001", "LIDC-IDRI-0006", "LIDC-IDRI-0012")


def write_lidc(folder: Path, patients: Sequence[str] = LIDC_PATIENTS) -> Path:
    """Patients with a series each; the second's rows and columns run against the axes; XML beside slices or in its own tree."""
    for number, patient in enumerate(patients):
        image = thorax(LIDC_SPACING, LIDC_ORIGIN, [LIDC_NODULE, LIDC_DOUBTFUL])
        image = Image(
            image.voxels,
            "CT",
            image.spacing,
            image.origin,
            f"{UID}.{number + 1}",
            metadata={"patient_id": patient},
        )
        reverse = number == 1
        series = folder / "LIDC-IDRI" / patient / f"{UID}.9{number}" / image.series_uid
        series.mkdir(parents=True)
        instances = []
        for index in range(len(image.voxels)):
            dataset = slice_dataset(image, index)
            if reverse:
                dataset.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
                last = image.to_world((index, image.shape[1] - 1, image.shape[2] - 1))
                dataset.ImagePositionPatient = [float(v) for v in last[::-1]]
                pixels = np.frombuffer(dataset.PixelData, "<i2").reshape(image.shape[1:])
                dataset.PixelData = np.ascontiguousarray(pixels[::-1, ::-1]).tobytes()
            dataset.save_as(series / f"{index + 1:06d}.dcm", enforce_file_format=True)
            instances.append(dataset.SOPInstanceUID)
        text = reader_file(image, instances, reverse)
        place = series if number % 2 else folder / "LIDC-XML-only" / "tcia-lidc-xml" / "157"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{158 + number}.xml").write_text(text)
    return folder


def reader_file(image: Image, instances: Sequence[str], reverse: bool) -> str:
    """Four sessions; the third reader left a hole out; two mark the doubtful nodule, one a place that is no nodule."""
    sessions = []
    for reader in range(4):
        marks = [nodule_xml(image, LIDC_NODULE, instances, reverse, f"N{reader}", hole=reader == 2)]
        if reader < 2:
            marks.append(nodule_xml(image, LIDC_DOUBTFUL, instances, reverse, f"D{reader}"))
        if reader == 3:
            marks.append(
                f"<nonNodule><nonNoduleID>7</nonNoduleID><imageZposition>{image.origin[0]}</imageZposition>"
                f"<imageSOP_UID>{instances[0]}</imageSOP_UID><locus><xCoord>30</xCoord><yCoord>40</yCoord></locus></nonNodule>"
            )
        sessions.append(f"<readingSession>{''.join(marks)}</readingSession>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader>'
        f"<SeriesInstanceUid>{image.series_uid}</SeriesInstanceUid></ResponseHeader>{''.join(sessions)}</LidcReadMessage>"
    )


def nodule_xml(
    image: Image,
    sphere: tuple[float, ...],
    instances: Sequence[str],
    reverse: bool,
    name: str,
    hole: bool = False,
) -> str:
    """Outlines just outside the discs of a sphere, and perhaps one around a hole of the middle slice."""
    ratings = dict.fromkeys(
        ("subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture", "malignancy"), 4
    ) | {"internalStructure": 1, "calcification": 6}
    parts = [f"<{key}>{value}</{key}>" for key, value in ratings.items()]
    center = image.to_index(sphere[:3])
    rows, columns = np.indices(image.shape[1:])
    rois = []
    for index in range(len(image.voxels)):
        square = (sphere[3] / 2) ** 2 - ((index - center[0]) * image.spacing[0]) ** 2
        distance = ((rows - center[1]) ** 2 + (columns - center[2]) ** 2) * image.spacing[1] ** 2
        if (distance < square).any():
            rois.append(_roi(distance < square, center, image, index, instances, reverse, True))
            if hole and abs(index - center[0]) <= 0.5:
                rois.append(_roi(distance < 9, center, image, index, instances, reverse, False))
    return (
        f"<unblindedReadNodule><noduleID>{name}</noduleID><characteristics>{''.join(parts)}</characteristics>"
        f"{''.join(rois)}</unblindedReadNodule>"
    )


def _roi(
    disc: np.ndarray,
    center: np.ndarray,
    image: Image,
    index: int,
    instances: Sequence[str],
    reverse: bool,
    include: bool,
) -> str:
    rim = np.argwhere(binary_dilation(disc, np.ones((3, 3))) & ~disc)
    order = np.argsort(np.arctan2(rim[:, 0] - center[1], rim[:, 1] - center[2]))
    if reverse:
        rim = np.array(disc.shape) - 1 - rim
    points = "".join(f"<edgeMap><xCoord>{c}</xCoord><yCoord>{r}</yCoord></edgeMap>" for r, c in rim[order])
    z = image.origin[0] + index * image.spacing[0]
    return (
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>{instances[index]}</imageSOP_UID>"
        f"<inclusion>{str(include).upper()}</inclusion>{points}</roi>"
    )


DEEPLESION_SPACING = (2.5, 1.0, 1.0)
DEEPLESION_SERIES = {"000001_01_01": 1, "000001_02_01": 1, "000002_01_01": 2, "000003_01_02": 3}
"""Part of each: training (its lesions have no type), validation, test."""
FIRST = 100
"""Number of the slice nearest to the head."""
IN_LUNG, OUTSIDE, LARGE = (-300.0, 55.0, 50.0, 12.0), (-300.0, 60.0, 91.0, 14.0), (-290.0, 62.0, 130.0, 50.0)
"""Lesions in the world of a chunk; slice k is at z = −2.5 k."""


def write_deeplesion(folder: Path) -> Path:
    """A chunk of 40 slices for each series, with three lesions, one of them measured twice."""
    folder.mkdir(parents=True, exist_ok=True)
    last = FIRST + 39
    rows = []
    for series, part in DEEPLESION_SERIES.items():
        image = thorax(DEEPLESION_SPACING, (-2.5 * last, 0.0, 0.0), [IN_LUNG, OUTSIDE])
        (folder / "Images_png" / series).mkdir(parents=True)
        for index, pixels in enumerate(image.voxels):
            stored = (pixels.astype(np.int32) + 32768).astype(np.uint16)
            Picture.fromarray(stored).save(folder / "Images_png" / series / f"{last - index:03d}.png")
        kinds = {1: (-1, -1, -1), 2: (5, 3, 5), 3: (5, 3, 5)}[part]
        for sphere, kind in zip((IN_LUNG, OUTSIDE, LARGE), kinds, strict=True):
            rows.append(_row(series, sphere, kind, part, last))
        z, y, x, d = IN_LUNG
        rows.append(_row(series, (z + 2.5, y + 1, x, d), kinds[0], part, last))
    (folder / "DL_info.csv").write_text("\n".join([DEEPLESION_HEADER, *rows]) + "\n")
    return folder


def _row(series: str, sphere: tuple[float, ...], kind: int, part: int, last: int) -> str:
    z, y, x, diameter = sphere
    key = round(-z / 2.5)
    half = diameter / 2 + 5
    box = f'"{x - half}, {y - half}, {x + half}, {y + half}"'
    return (
        f'{series}_{key:03d}.png,1,1,1,{key},"0, 0, 1, 1, 0, 1, 1, 0",{box},"{diameter}, {0.8 * diameter}","0.4, 0.5, 0.5",{kind},'
        f'0,"{FIRST}, {last}","1, 1, 2.5","180, 120","-1500, 500",F,60,{part}'
    )
