"""What can be wrong with a file: one class per case, every message a sentence naming the file and a way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import LungmtlError


class ImageError(LungmtlError):
    """An image cannot be read or used; the message names the file and says what to do."""


class NoLungFoundError(ImageError):
    """No lung was found in the volume."""


class ImageNotFoundError(ImageError):
    """The path does not exist or may not be read."""


class UnknownFormatError(ImageError):
    """The file is none of the formats that are read here."""


class EmptyFileError(ImageError):
    """The file has no bytes."""


class TruncatedFileError(ImageError):
    """The file ends before its header or its pixels do."""


class UnreadableFileError(ImageError):
    """The path is no file (a pipe, a device), or reading it failed in a way that no reader foresaw; the cause has the traceback."""


class CorruptFileError(ImageError):
    """The file claims a format and breaks its rules."""


class NoPixelDataError(ImageError):
    """The DICOM object holds no picture, such as a structured report."""


class UnsupportedTransferSyntaxError(ImageError):
    """The pixels are compressed in a way that no installed decoder reads."""


class NoImagesError(ImageError):
    """The folder holds nothing that can be read."""


class SeveralSeriesError(ImageError):
    """The folder holds several series and none was chosen; `series` lists them.

    Attributes
    ----------
    series : tuple of Series
        What there is to choose from; pass one's ``uid`` as ``read_image(path, series=uid)``.
    """

    def __init__(self, message: str, series: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.series = tuple(series)


class SeriesNotFoundError(ImageError):
    """The series that was asked for is not there."""


class IrregularSlicesError(ImageError):
    """The slices lie so far apart or so irregularly that no volume can be made of them."""


class UnsupportedShapeError(ImageError):
    """The array is neither a picture nor a volume (time series, colour volumes)."""


class BadGeometryError(ImageError):
    """The file places its voxels nowhere sensible (zero spacing, singular directions)."""


class NotAFrontalRadiographError(ImageError):
    """The image is certainly no frontal chest radiograph: a lateral view, a CT slice, a photograph."""


class ImageWriteError(ImageError):
    """The image could not be written (disk full, no permission, unknown suffix)."""
