"""A stack of DICOM slices becomes a volume on a regular, straight grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadGeometryError, IrregularSlicesError
from ..image import Image
from ..orient import to_lps
from .pixels import read_hounsfield
from .slices import Slice
from .stacks.grouping import normal
from .stacks.stack import Stack, holes

_SKEW = 0.02  # cosine between rows and columns: rounded directions in headers stray less
_JITTER = 0.1  # of the slice distance: rounded positions in headers stray that far
_STEADY = 2.0  # times the scatter about it: a drift of the slices that is less is none
_MOST_PLANES = 2.5  # times the slices there are: resampled to more, oblique slices are thin strips in each
_MOST_FILLED = 3  # times the slices there are: more cannot be called a volume with gaps


def read_stack(stack: Stack, source: Path) -> Image:
    """Read a stack of DICOM slices as a volume in HU on a regular grid in mm.

    Missing slices and uneven distances are filled by linear interpolation; tilted gantries and oblique slices are
    resampled to straight axes. Each of these is said in the image's warnings.

    Parameters
    ----------
    stack
        Slices sorted along their normal.
    source
        What the person opened.

    Raises
    ------
    ImageError
        No slice could be read, or the slices make no volume.
    """
    if stack.trouble:
        raise IrregularSlicesError(stack.trouble)
    warnings = list(stack.warnings)
    voxels, failures = read_hounsfield(stack.slices, clip=stack.modality in ("CT", ""), warnings=warnings)
    slices, positions = stack.slices, stack.positions
    if failures:
        # A damaged slice costs a series that slice; a damaged file that is the whole scan is to be copied again.
        if len(failures) == len(slices) or len({s.path for s in slices}) == 1:
            raise failures[0][1]
        bad = {index for index, _ in failures}
        keep = [i for i in range(len(slices)) if i not in bad]
        warnings += [f"A slice was left out: {error}" for _, error in failures]
        slices, voxels = [slices[i] for i in keep], voxels[keep]
        positions = None if positions is None else positions[keep]
    first = slices[0]
    spacing: tuple[float, ...] | None
    origin: tuple[float, ...]
    if positions is None or first.orientation is None or first.pixel_spacing is None:
        spacing, origin = None, (0.0, 0.0, 0.0)
        if positions is not None and first.pixel_spacing is None:
            warnings.append(f"{first.path.name} has no usable pixel spacing: lengths are in pixels.")
    else:
        rows = np.asarray(first.orientation)
        _check_square(rows, first.path)
        voxels, line, said = _on_a_line(voxels, positions, rows, first)
        warnings += said
        step = line.step * (1 if len(voxels) > 1 else _thickness(first, warnings))
        right, down = rows[:3] / np.linalg.norm(rows[:3]), rows[3:] / np.linalg.norm(rows[3:])
        steps = np.stack([step, down * first.pixel_spacing[0], right * first.pixel_spacing[1]])[:, ::-1]
        voxels, spacing, origin, kind = _straight(voxels, steps, line.start[::-1], str(source))
        if kind == "thin":
            warnings.append(
                f"The {len(slices)} slice(s) lie oblique in the patient and are too few to be resampled: they are shown in "
                "their own plane, and places in mm hold at its centre only."
            )
        elif kind == "sheared":
            warnings.append(
                "The slices lie askew on each other, as of a tilted gantry: they were resampled to straight axes."
            )
        elif kind:
            warnings.append("The slices lie oblique in the patient: they were resampled to straight axes.")
    header = first.header
    return Image(
        voxels=voxels,
        modality=stack.modality,
        spacing=spacing,
        origin=origin,
        series_uid=stack.uid,
        source=source,
        window=window_of(first),
        metadata=metadata_of(first)
        | {"sop_instance_uids": _instances(slices, len(voxels), positions if spacing is not None else None)}
        | (
            {"convolution_kernel": header.code("ConvolutionKernel")}
            if header.code("ConvolutionKernel")
            else {}
        ),
        warnings=tuple(warnings),
    )


def _check_square(rows: np.ndarray, path: Path) -> None:
    right, down = rows[:3] / (np.linalg.norm(rows[:3]) or 1.0), rows[3:] / (np.linalg.norm(rows[3:]) or 1.0)
    if abs(right @ down) > _SKEW:
        raise BadGeometryError(
            f"{path}: the rows and columns of its slices are not at right angles (ImageOrientationPatient "
            f"{', '.join(f'{v:g}' for v in rows)}); correct it, or export the series again."
        )


def window_of(s: Slice) -> tuple[float, float] | None:
    """Return the first display window (centre, width) that the file proposes."""
    center, width = s.numbers("WindowCenter"), s.numbers("WindowWidth")
    return (center[0], width[0]) if center and width and width[0] > 0 else None


def metadata_of(s: Slice) -> dict[str, object]:
    """Collect plain values worth showing: patient, study, series description."""
    header = s.header
    named = {
        "patient_id": header.text("PatientID"),
        "series_description": header.text("SeriesDescription"),
        "study_description": header.text("StudyDescription"),
        "study_date": header.code("StudyDate"),
        "study_time": header.code("StudyTime"),
        "acquisition_time": header.code("AcquisitionTime") or header.code("AcquisitionDateTime")[8:],
        "study_uid": header.code("StudyInstanceUID"),
        "frame_of_reference_uid": header.code("FrameOfReferenceUID"),
    }
    return {key: value for key, value in named.items() if value}


def _instances(slices: list[Slice], depth: int, positions: np.ndarray | None) -> tuple[str, ...]:
    """SOP instance uids from the feet to the head, as the voxel planes are, where each of these is one slice; otherwise ().

    Without positions nothing was turned, and they are in the order of the slices.
    """
    uids = tuple(s.header.code("SOPInstanceUID") for s in slices)
    if len(uids) != depth:
        return ()
    if positions is None:
        return uids
    n = normal(slices[0].orientation or ())
    along = (positions - positions[0]) @ n
    drift = np.abs(along - np.linspace(0.0, along[-1], depth)).max()
    if drift > _JITTER * along[-1] / max(1, depth - 1) or np.abs(n).argmax() != 2:
        return ()
    return uids if n[2] > 0 else uids[::-1]


def _thickness(s: Slice, warnings: list[str]) -> float:
    """How deep a single slice is, in mm: the one case in which positions cannot tell."""
    thickness = (s.numbers("SliceThickness") or (0.0,))[0]
    if thickness > 0:
        warnings.append(f"There is only one slice; its thickness of {thickness:g} mm is taken as its depth.")
        return thickness
    warnings.append("There is only one slice and it does not say how thick it is; 1 mm is assumed.")
    return 1.0


def _straight(
    voxels: np.ndarray, steps: np.ndarray, start: np.ndarray, name: str
) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...], str]:
    """Bring a volume to straight axes. Few oblique slices stay whole (``"thin"``): resampled they would be strips."""
    axis = int(np.argmax(np.abs(steps[0])))
    lengths = np.linalg.norm(steps, axis=1)
    extent = np.abs((np.array(voxels.shape) - 1)[:, None] * steps)[:, axis].sum()
    most = _MOST_PLANES * len(voxels) if len(voxels) > 1 else 1 + _JITTER * lengths.min() / lengths[0]
    if 1 + extent / lengths[0] <= most:
        return to_lps(voxels, steps, start, name)
    nearest = np.zeros_like(steps)
    columns = [axis, *(a for a in range(3) if a != axis)]
    if np.abs(steps[1:, columns[1]]).argmax() != 0:
        columns[1:] = columns[:0:-1]
    for row, column in enumerate(columns):
        nearest[row, column] = np.copysign(lengths[row], steps[row, column])
    half = (np.array(voxels.shape) - 1) / 2
    return (*to_lps(voxels, nearest, start + half @ (steps - nearest), name)[:3], "thin")


@dataclass
class _Line:
    """Where the first slice lies, and the way from each to the next (x, y, z)."""

    start: np.ndarray
    step: np.ndarray


def _on_a_line(
    voxels: np.ndarray, positions: np.ndarray, rows: np.ndarray, first: Slice
) -> tuple[np.ndarray, _Line, list[str]]:
    """Make the slices equidistant and their first pixels collinear."""
    n = normal(rows)  # type: ignore[arg-type]
    if len(voxels) == 1:
        return voxels, _Line(positions[0], n), []
    along = (positions - positions[0]) @ n
    warnings: list[str] = []
    count, said = _regular_count(along, first.path)
    grid = np.linspace(0.0, along[-1], count)
    line = _Line(positions[0], (positions[-1] - positions[0]) / (count - 1))
    drift = positions - (positions[0] + np.outer(along / along[-1], positions[-1] - positions[0]))
    if np.abs(drift).max() > _JITTER * min(first.pixel_spacing or (1.0,)):
        line, drift = _straightest(positions, along, n, count)
        voxels = _shifted(voxels, drift, rows, first)
        warnings.append("The slices are shifted sideways against each other; they were brought into line.")
    if said:
        warnings.append(said)
        voxels = _interpolated(voxels, along, grid)
    return voxels, line, warnings


def _straightest(
    positions: np.ndarray, along: np.ndarray, n: np.ndarray, count: int
) -> tuple[_Line, np.ndarray]:
    """The line that slices shifted sideways lie about, and how far each is from it.

    It runs along their normal `n` unless they drift steadily.

    From the first to the last slice alone a few shifted ones would look like a tilted gantry.
    """
    sideways = positions - positions[0] - np.outer(along, n)
    slope, offset = np.polyfit(along, sideways, 1)
    scatter = np.abs(sideways - np.outer(along, slope) - offset).max()
    if np.abs(slope).max() * along[-1] <= _STEADY * scatter:
        slope, offset = np.zeros(3), np.median(sideways, axis=0)
    line = _Line(positions[0] + offset, (n + slope) * along[-1] / (count - 1))
    return line, sideways - offset - np.outer(along, slope)


def _regular_count(along: np.ndarray, path: Path) -> tuple[int, str]:
    """How many slices a regular grid over the same length has, and what to say if that is not how they lie."""
    count = len(along)
    steps = np.diff(along)
    even = np.linspace(0.0, along[-1], count)
    if np.abs(along - even).max() <= _JITTER * along[-1] / (count - 1):
        return count, ""
    typical = float(np.median(steps))
    hole = len(holes(along)) > 0
    # Half missing or more: the smallest distance is the true one, if the others are multiples of it.
    smallest = float(steps.min())
    for step in (smallest, typical):
        times = steps / step
        if np.all(np.abs(times - np.round(times)) <= _JITTER * np.maximum(1, times)) and step >= 0.5:
            regular = int(np.round(times).sum()) + 1
            missing = regular - count
            if 0 < missing <= _MOST_FILLED * count and not hole:
                gaps = int((np.round(times) > 1).sum())
                return regular, (
                    f"{missing} slice(s) are missing in {gaps} gap(s) (slices are {step:.4g} mm apart); "
                    "they were filled by interpolation, so look there with care."
                )
    regular = int(np.ceil(along[-1] / typical - 1e-3)) + 1
    if hole or regular > (1 + _MOST_FILLED) * count:
        raise IrregularSlicesError(
            f"The slices beside {path} lie {steps.min():.4g} to {steps.max():.4g} mm apart, too irregular for a volume; "
            "separate the parts into folders of their own."
        )
    return regular, (
        f"The distance of the slices varies from {steps.min():.4g} to {steps.max():.4g} mm; they were resampled to "
        f"{along[-1] / (regular - 1):.4g} mm."
    )


def _interpolated(voxels: np.ndarray, along: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Linear interpolation along the first axis, from sorted places `along` to places `grid`."""
    out = np.empty((len(grid), *voxels.shape[1:]), voxels.dtype)
    upper = np.clip(np.searchsorted(along, grid), 1, len(along) - 1)
    weight = np.clip((grid - along[upper - 1]) / (along[upper] - along[upper - 1]), 0.0, 1.0)
    near = _JITTER * np.median(np.diff(grid)) / (along[upper] - along[upper - 1])
    for k, (u, w) in enumerate(zip(upper, weight, strict=True)):
        # So near to a true slice it is that slice: its values must survive.
        if w < near[k] or w > 1 - near[k]:
            out[k] = voxels[u if w > 0.5 else u - 1]
            continue
        mixed = (1 - w) * voxels[u - 1].astype(np.float32) + w * voxels[u].astype(np.float32)
        out[k] = np.rint(mixed) if out.dtype.kind == "i" else mixed
    return out


def _shifted(voxels: np.ndarray, drift: np.ndarray, rows: np.ndarray, first: Slice) -> np.ndarray:
    """Move each slice in its plane by its drift (x, y, z) in mm, so that all share one line."""
    from scipy.ndimage import shift

    dy, dx = first.pixel_spacing or (1.0, 1.0)
    out = np.empty_like(voxels)
    for k, d in enumerate(drift):
        offset = (d @ rows[3:] / dy, d @ rows[:3] / dx)
        values = shift(
            voxels[k].astype(np.float32), offset, order=1, mode="constant", cval=float(voxels.min())
        )
        out[k] = np.rint(values) if out.dtype.kind == "i" else values
    return out
