"""Projection radiographs in DICOM (CR, DX, digitised film): dark air, and a scale only where there is one."""

from __future__ import annotations

import warnings as python_warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CorruptFileError
from ..image import Image
from ..radiograph.grayscale import to_grayscale
from ..radiograph.pixel_size import LARGEST, believable
from .lut import apply_modality_voi_lut
from .pixels import stored_values
from .slices import Slice
from .stack import Stack
from .volume import metadata_of, window_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_AS_DX = frozenset({"DR", "RG"})  # retired "digital radiography", and conventional radiograph
_NOT_STATED = frozenset({"OT", "SC", "HC"})  # secondary captures name no modality
_CALIBRATED = ("GEOMETRY", "FIDUCIAL")
# Read once per radiograph; the headers of whole folders are read without them.
_TAGS = (
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "PresentationLUTShape",
    "PresentationIntentType",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "VOILUTFunction",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelSpacingCalibrationType",
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
    warning; or None.

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
    tags = _read_tags(s.path)
    stored, color = _grayscale_pixels(s, tags)
    try:
        values, window = apply_modality_voi_lut(stored, tags, s.slope, s.intercept, window_of(s))
    except ValueError as error:
        raise CorruptFileError(f"{s.path} cannot be shown: {error}; export it again.") from error
    padding = _padding(stored, tags)
    if padding is not None:
        values[padding] = values[~padding].min()
    spacing, said = _spacing(s, tags)
    warnings = [*stack.warnings, *said]
    if tags.get("PresentationIntentType") == "FOR PROCESSING":
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
        | ({"color_fraction": color} if color else {}),
        warnings=tuple(warnings),
    )


def _read_tags(path: Path) -> Dataset:
    from pydicom import dcmread

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")  # pydicom's remarks on the dialects of real files
            return dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(_TAGS))
    except Exception as error:  # whatever pydicom makes of damaged bytes
        raise CorruptFileError(f"{path}: the header is broken ({error}); export it again.") from error


def _grayscale_pixels(s: Slice, tags: Dataset) -> tuple[np.ndarray, float]:
    """Stored values (h, w), and which part of the picture is coloured."""
    stored = stored_values(s, colors=True)
    if tags.get("PhotometricInterpretation") == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        try:
            stored = apply_color_lut(stored, tags)[..., :3]
        except Exception as error:  # an incomplete palette
            raise CorruptFileError(f"{s.path} has no usable palette ({error}); export it again.") from error
        tags.BitsStored = 8 * stored.dtype.itemsize
    return to_grayscale(stored) if stored.ndim == 3 else (stored, 0.0)


def _padding(stored: np.ndarray, tags: Dataset) -> np.ndarray | None:
    """Where the file says that there is no picture (h, w), or None; such values inside the picture are left alone."""
    value = _number(tags, "PixelPaddingValue")
    if value is None:
        return None
    limit = _number(tags, "PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    mask = (stored >= low) & (stored <= high)
    if not mask.any() or mask.all():
        return None
    import cc3d

    # A saturated pixel in the chest may have the padding's value; padding itself begins at the edge.
    parts = cc3d.connected_components(mask, connectivity=4)
    at_edge = np.zeros(int(parts.max()) + 1, bool)
    for line in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        at_edge[line] = True
    at_edge[0] = False
    padding = at_edge[parts]
    return padding if padding.any() else None


def _spacing(s: Slice, tags: Dataset) -> tuple[tuple[float, float] | None, list[str]]:
    """Pixel spacing (rows, columns) in mm or None, and what to say of it."""
    own, imager = s.pixel_spacing, _pair(tags, "ImagerPixelSpacing")
    scanned = _pair(tags, "NominalScannedPixelSpacing")
    calibrated = str(tags.get("PixelSpacingCalibrationType") or "") in _CALIBRATED
    spacing = own or imager or scanned
    if spacing is None:
        return None, [f"{s.path.name} has no usable pixel spacing: lengths are in pixels."]
    if not believable(spacing, s.shape):
        return None, [
            f"{s.path.name} states a pixel spacing of {spacing[0]:.4g} × {spacing[1]:.4g} mm, which would make the radiograph "
            f"longer than {LARGEST / 1000:.1f} m: it is not believed, and lengths are in pixels."
        ]
    # PS3.3 10.7.1.3: a spacing equal to the detector's was not corrected for magnification.
    if own is None or (imager is not None and np.allclose(own, imager, rtol=1e-3) and not calibrated):
        where = "on the film" if own is None and imager is None else "at the detector"
        return spacing, [f"Lengths are measured {where}; in the body they are some 5 to 15 % shorter."]
    return spacing, []


def _view(tags: Dataset) -> dict[str, object]:
    """What the header says about view and body part, as plain text."""
    view: dict[str, object] = {}
    for name, keyword in _METADATA.items():
        value = _text(tags, keyword)
        if value:
            view[name] = value
    try:
        codes = [str(item.CodeMeaning) for item in tags.get("ViewCodeSequence") or []]
    except AttributeError:
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


def _number(tags: Dataset, keyword: str) -> int | None:
    value = tags.get(keyword)
    if isinstance(value, bytes) and len(value) >= 2:
        value = int.from_bytes(value[:2], "little")
    return int(value) if isinstance(value, int) else None


def _pair(tags: Dataset, keyword: str) -> tuple[float, float] | None:
    try:
        first, second = (float(v) for v in tags.get(keyword))
    except (TypeError, ValueError):
        return None
    return (first, second) if min(first, second) > 0 and np.isfinite([first, second]).all() else None
