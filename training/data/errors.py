"""Errors of datasets."""

from ..errors import LungmtlError


class DatasetError(LungmtlError):
    """A dataset's folder is not as it should be; the message names the file and what is missing."""
