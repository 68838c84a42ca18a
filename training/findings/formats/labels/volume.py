"""Label volumes (NIfTI, NRRD) on the lattice of a CT, with the table of their labels beside (``<name>.labels.csv``).

The table has the columns of a ``findings.csv`` behind label, number, id, note and tracking identifier: what a number in a voxel
cannot say stands there, and comes back from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....error_boundary import reads
from ....imaging.formats.write_volume import write_volume
from ....imaging.image import Image
from ....imaging.paths import stem_of, suffix_of
from ....imaging.read import read_labels
from ...finding import Finding, Findings, ImageReference
from ...geometry import Mask
from ..csv_file import read_csv, table_of
from ..dicom.writing.identity import numbers_of
from ..dicom.writing.source import Plane, Source
from ..dicom.writing.voxels import patches_of
from ..errors import FindingsFileError, SaveError
from ..tables import read_rows, write_rows

TABLE = ".labels.csv"
OWN = ("label", "number", "id", "note", "tracking_uid")


def table_path(path: Path) -> Path:
    """Where the table of a label volume lies."""
    return path.with_name(f"{stem_of(path)}{TABLE}")


def write_label_volume(findings: Findings, path: Path | str, suffixes: Sequence[str]) -> list[str]:
    """Write the spheres and masks of a CT as a volume of numbers from 1, and the table that says what each is.

    Where two overlap, the smaller one lies over the larger one.

    Parameters
    ----------
    findings
        Of a CT whose lattice is known.
    path
        The volume.
    suffixes
        The ones that its format has.

    Returns
    -------
    list of str
        Sentences on what overlaps or lies outside.

    Raises
    ------
    SaveError
        The findings are not of a CT, none lies on it, or the file could not be written.
    """
    path, image = Path(path), findings.image
    if suffix_of(path) not in suffixes:
        raise SaveError(f"{path} was not saved: its name must end in {' or '.join(suffixes)}")
    if len(image.shape) != 3 or image.spacing is None:
        raise SaveError(
            f"{path} was not saved: a label volume needs the lattice of a CT in mm; open the image first, or choose csv, json "
            "or (for radiographs) coco"
        )
    source = Source(image, (), _planes(image))
    labels = np.zeros(image.shape, np.uint8 if len(findings) < 256 else np.uint16)
    overlaps = False
    for label, finding in sorted(enumerate(findings, 1), key=lambda pair: -pair[1].diameter):
        for z, patch in patches_of(finding.geometry, source).items():
            part = patch.of(labels[z])
            overlaps |= bool(part[patch.inside].any())
            part[patch.inside] = label
    present = set(np.unique(labels).tolist())
    if present <= {0}:
        raise SaveError(f"{path} was not saved: no sphere or mask lies on the image; choose csv or json")
    write_volume(Image(labels, spacing=image.spacing, origin=image.origin), path)
    _write_table(findings, table_path(path))
    hidden = [str(label) for label in range(1, len(findings) + 1) if label not in present]
    said = [f"the labels are listed in {table_path(path).name}"]
    said += ["some overlap, and there the smaller one is written"] if overlaps else []
    return said + ([f"without a voxel of their own: labels {', '.join(hidden)}"] if hidden else [])


def _planes(image: ImageReference) -> tuple[Plane, ...]:
    """The slices of an image's own lattice."""
    assert image.spacing is not None
    (dz, dy, dx), (z, y, x) = image.spacing, image.origin
    right, down = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    shape = (image.shape[1], image.shape[2])
    return tuple(
        Plane(np.array([x, y, z + k * dz]), right, down, (dy, dx), shape) for k in range(image.shape[0])
    )


def _write_table(findings: Findings, path: Path) -> None:
    numbers, (columns, rows) = numbers_of(findings), table_of([findings])
    own = ((label, numbers[f.id], f.id, f.note, f.tracking_uid) for label, f in enumerate(findings, 1))
    write_rows(path, (*OWN, *columns), ((*a, *b) for a, b in zip(own, rows, strict=True)))


@reads(FindingsFileError)
def read_label_volume(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read a label volume whose table lies beside it.

    Parameters
    ----------
    path
        The volume.
    image
        The CT that it was made from.

    Returns
    -------
    tuple
        The findings, and sentences on labels that were left out.

    Raises
    ------
    FindingsFileError
        A file is damaged, or the volume lies elsewhere.
    """
    path, table = Path(path), table_path(Path(path))
    volume = read_labels(path)
    reference = ImageReference.of(image)
    listed = [f for findings in read_csv(table, (reference,)).values() for f in findings]
    records = [record for _, record in read_rows(table, OWN[:1], OWN)]
    items: list[Finding] = []
    problems: list[str] = []
    for finding, record in zip(listed, records, strict=True):
        label = record["label"]
        geometry = finding.geometry
        if finding.kind != "sphere" or record.get("kind") != "sphere":
            inside = np.argwhere(volume.voxels == int(label))
            if not len(inside):
                problems.append(f"{path}: label {label} has no voxel, and is left out")
                continue
            geometry = Mask.from_voxels(inside, volume.scale, volume.origin)
        if not image.contains(geometry.center):
            problems.append(f"{path}: label {label} lies outside of the image, and is left out")
            continue
        given = {"id": record["id"]} if record.get("id") else {}
        items.append(
            finding.with_(
                geometry=geometry,
                number=int(record.get("number") or 0),
                note=record.get("note", ""),
                tracking_uid=record.get("tracking_uid", ""),
                **given,
            )
        )
    if not items:
        raise FindingsFileError(
            " ".join([f"{path} has no label on this image: open the CT that it was made from.", *problems])
        )
    return Findings(tuple(items), reference), problems
