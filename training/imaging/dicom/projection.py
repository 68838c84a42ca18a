"""Projection radiographs in DICOM (CR, DX, digitised film): dark air, and a scale only where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CorruptFileError
from ..image import Image
from ..radiograph.grayscale import to_grayscale
from ..radiograph.pixel_size import LARGEST, MAGNIFICATION, PLANE, Plane, believable, is_magnification
from .codecs.bits import bit_layout
from .header import read_tags
from .lut import apply_modality_voi_lut, has_empty_table, padding_mask, padding_range
from .pixels import mend_high_bit, stored_values
from .remarks import remarks
from .slices import Slice
from .stacks.stack import Stack
from .volume import metadata_of, window_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_AS_DX = frozenset({"DR", "RG"})  # retired "digital radiography", and conventional radiograph
_NOT_STATED = frozenset({"OT", "SC", "HC"})  # secondary captures name no modality
_GREYS = 255
_SAME_ASPECT = 0.02
_CALIBRATED = ("GEOMETRY", "FIDUCIAL")
# Read once per radiograph; the headers of whole folders are read without them.
_TAGS = (
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "PresentationLUTShape",
    "PresentationIntentType",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "VOILUTFunction",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "PixelSpacingCalibrationType",
    "EstimatedRadiographicMagnificationFactor",
    "SpecificCharacterSet",
    "ViewPosition",
    "ViewCodeSequence",
    "BodyPartExamined",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "PatientOrientation",
    "PatientPosition",
)
_METADATA = {
    "view_position": "ViewPosition",
    "body_part": "BodyPartExamined",
    "protocol_name": "ProtocolName",
    "processing": "AcquisitionDeviceProcessingDescription",
    "patient_orientation": "PatientOrientation",
    "patient_position": "PatientPosition",
    "spacing_calibration": "PixelSpacingCalibrationType",
}


def read_projection(stack: Stack, source: Path) -> Image:
    """Read a projection radiograph with dark air, in the full depth of its values.

    The modality LUT is applied, and the VOI LUT where it bends the grey scale (`lut`); a linear window goes into
    ``Image.window`` and clips nothing. MONOCHROME1 and an inverse presentation shape are inverted after that, and the window
    with them. Padding around the picture becomes as dark as the darkest pixel. Spacing is PixelSpacing; or
    ImagerPixelSpacing or NominalScannedPixelSpacing (at the detector or on the film, so the body is smaller) with a
    warning; or None. The metadata say in which plane it holds, and the magnification that the file estimates
    (`radiograph.pixel_size.Scale`); the spacing itself is as the file has it.

    Parameters
    ----------
    stack
        Of one picture (one frame).
    source
        What the person opened.

    Raises
    ------
    ImageError
        The pixels or the header are damaged, or cut off, or compressed in a way that is not read.
    """
    s = stack.slices[0]
    tags = read_tags(s.path, _TAGS)
    said = [*remarks([s], ct=False), *mend_high_bit([s])]
    stored, color = _grayscale_pixels(s, tags)
    warnings = [*stack.warnings, *said]
    stored = _finite_only(stored, s, warnings)
    try:
        values, window = apply_modality_voi_lut(stored, tags, s.slope, s.intercept, window_of(s))
        for sequence in ("ModalityLUTSequence", "VOILUTSequence"):
            if has_empty_table(tags, sequence):
                warnings.append(f"{s.path.name}: its {sequence} is empty and was ignored.")
    except Exception as error:  # a table that is incomplete, or damaged as a header can be
        raise CorruptFileError(f"{s.path} cannot be shown: {error}; export it again.") from error
    padding = _padding(stored, s)
    if padding is not None:
        values[padding] = values[~padding].min()
    window = _believed(window, values, s, warnings)
    spacing, said = _spacing(s, tags)
    warnings += said
    plane = _plane(s, tags, warnings) if spacing is not None else {}
    if _text(tags, "PresentationIntentType") == "FOR PROCESSING":
        warnings.append(
            f"{s.path.name} holds raw detector values (for processing), not the picture that is read; "
            "open the image for presentation if there is one."
        )
    modality = "DX" if stack.modality in _AS_DX else "" if stack.modality in _NOT_STATED else stack.modality
    return Image(
        voxels=values,
        modality=modality,
        spacing=spacing,
        series_uid=stack.uid,
        source=source,
        window=window,
        metadata=metadata_of(s)
        | _view(tags)
        | {"sop_instance_uids": (s.header.code("SOPInstanceUID"),), "file_name": s.path.name}
        | ({"color_fraction": color} if color else {})
        | plane,
        warnings=tuple(warnings),
    )


def _grayscale_pixels(s: Slice, tags: Dataset) -> tuple[np.ndarray, float]:
    """Stored values (h, w), and which part of the picture is coloured."""
    stored = stored_values(s, colors=True)
    if s.header.code("PhotometricInterpretation") == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        try:
            stored = apply_color_lut(stored, tags)[..., :3]
        except Exception as error:  # an incomplete palette
            raise CorruptFileError(f"{s.path} has no usable palette ({error}); export it again.") from error
        tags.BitsStored = 8 * stored.dtype.itemsize
    return to_grayscale(stored) if stored.ndim == 3 else (stored, 0.0)


def _finite_only(stored: np.ndarray, s: Slice, warnings: list[str]) -> np.ndarray:
    """Make what is no finite number as dark as the darkest pixel, and say so."""
    strange = ~np.isfinite(stored)
    if not strange.any():
        return stored
    if strange.all():
        raise CorruptFileError(f"{s.path} holds no finite number among its pixels; export it again.")
    warnings.append(
        f"{s.path.name} has {int(strange.sum())} pixel(s) that are no finite numbers (NaN or infinite); they are shown as air."
    )
    bright_air = s.header.code("PhotometricInterpretation") == "MONOCHROME1"
    return np.where(strange, stored[~strange].max() if bright_air else stored[~strange].min(), stored)


def _padding(stored: np.ndarray, s: Slice) -> np.ndarray | None:
    """Where the file says that there is no picture (h, w), or None; such values inside the picture are left alone."""
    span = padding_range(s.header, bit_layout(s.header))
    padding = None if span is None else padding_mask(stored, span, at_edge=True)
    return None if padding is None or padding.all() else padding


def _believed(
    window: tuple[float, float] | None, values: np.ndarray, s: Slice, warnings: list[str]
) -> tuple[float, float] | None:
    """The window, unless it would leave only black and white."""
    if window is not None and window[1] <= 1 and values.max() - values.min() > _GREYS:
        warnings.append(f"{s.path.name} proposes a window {window[1]:g} wide, which was ignored.")
        return None
    return window


def _spacing(s: Slice, tags: Dataset) -> tuple[tuple[float, float] | None, list[str]]:
    """Pixel spacing (rows, columns) in mm or None, and what to say of it."""
    own, imager = s.pixel_spacing, _pair(s, "ImagerPixelSpacing")
    scanned, aspect = _pair(s, "NominalScannedPixelSpacing"), _pair(s, "PixelAspectRatio")
    spacing = own or imager or scanned
    said = []
    if aspect is not None and spacing is None and aspect[0] != aspect[1]:
        said = [
            f"{s.path.name} has pixels {aspect[0]:g} high to {aspect[1]:g} wide (PixelAspectRatio) and no size of them: "
            "it is shown with square ones, so its shapes are distorted."
        ]
    elif aspect is not None and spacing is not None and not _agree(spacing, aspect):
        said = [
            f"{s.path.name} contradicts itself: PixelAspectRatio {aspect[0]:g} to {aspect[1]:g}, pixel spacing "
            f"{spacing[0]:.4g} × {spacing[1]:.4g} mm; the spacing was taken."
        ]
    if spacing is None:
        return None, [*said, f"{s.path.name} has no usable pixel spacing: lengths are in pixels."]
    if not believable(spacing, s.shape):
        return None, [
            f"{s.path.name} states a pixel spacing of {spacing[0]:.4g} × {spacing[1]:.4g} mm, which would make the radiograph "
            f"longer than {LARGEST / 1000:.1f} m: it is not believed, and lengths are in pixels."
        ]
    return spacing, said


def _plane(s: Slice, tags: Dataset, warnings: list[str]) -> dict[str, object]:
    """Where the pixel spacing holds, and by how much the body is magnified there, as metadata; warns where it is not the body."""
    own, imager = s.pixel_spacing, _pair(s, "ImagerPixelSpacing")
    plane: Plane
    if own is None:
        plane = "film" if imager is None else "detector"
    elif _text(tags, "PixelSpacingCalibrationType") in _CALIBRATED:
        plane = "body"
    elif imager is None:
        return {}  # PixelSpacing alone may be either
    else:
        # PS3.3 10.7.1.3: a spacing equal to the detector's was not corrected for magnification.
        plane = "detector" if np.allclose(own, imager, rtol=1e-3) else "body"
    if plane == "body":
        return {PLANE: plane}
    where = "on the film" if plane == "film" else "at the detector"
    factor = _magnification(s, tags, warnings)
    if factor is None:
        warnings.append(f"Lengths are measured {where}; in the body they are some 5 to 15 % shorter.")
        return {PLANE: plane}
    warnings.append(
        f"Positions and diameters are {where}, where the file says that the body is magnified by {factor:.4g}; "
        "measurements are divided by that."
    )
    return {PLANE: plane, MAGNIFICATION: factor}


def _magnification(s: Slice, tags: Dataset, warnings: list[str]) -> float | None:
    """The factor that the file estimates; None where it has none, or one that cannot be."""
    text = _text(tags, "EstimatedRadiographicMagnificationFactor")
    try:
        factor = float(text) if text else 1.0
    except ValueError:
        factor = float("nan")
    if factor == 1:
        return None
    if is_magnification(factor):
        return factor
    warnings.append(
        f"{s.path.name} states that the body is magnified by {text}, which cannot be: it was ignored."
    )
    return None


def _agree(spacing: tuple[float, float], aspect: tuple[float, float]) -> bool:
    return abs(spacing[0] * aspect[1] / (spacing[1] * aspect[0]) - 1) <= _SAME_ASPECT


def _view(tags: Dataset) -> dict[str, object]:
    """What the header says about view and body part, as plain text."""
    view: dict[str, object] = {}
    for name, keyword in _METADATA.items():
        value = _text(tags, keyword)
        if value:
            view[name] = value
    try:
        codes = [str(item.CodeMeaning) for item in tags.get("ViewCodeSequence") or []]
    except Exception:  # an unreadable code is no reason to refuse a picture
        codes = []
    return view | ({"view_code": codes[0]} if codes else {})


def _text(tags: Dataset, keyword: str) -> str:
    try:
        value = tags.get(keyword)
    except Exception:  # unreadable text is no reason to refuse a picture
        return ""
    if value is None:
        return ""
    return str(value).strip() if isinstance(value, str) else "\\".join(map(str, np.atleast_1d(value)))


def _pair(s: Slice, name: str) -> tuple[float, float] | None:
    numbers = s.header.numbers(name)
    return (numbers[0], numbers[1]) if len(numbers) == 2 and min(numbers) > 0 else None
