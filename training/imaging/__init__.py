"""Images: reading, writing and resampling, always on LPS+ axes in millimetres.

Importing this package loads neither SimpleITK nor pydicom nor zarr; reading does, as needed.
"""

from .errors import ImageError, SeveralSeriesError
from .formats.write_volume import write_volume
from .image import Image
from .read import read_image
from .resample import resample
from .scan import list_series
from .series import Series

__all__ = [
    "Image",
    "ImageError",
    "Series",
    "SeveralSeriesError",
    "list_series",
    "read_image",
    "resample",
    "write_volume",
]
