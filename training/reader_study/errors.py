"""What can be wrong with a reader study."""

from ..errors import LungmtlError


class ReaderStudyError(LungmtlError):
    """A log, or what it is to be compared with, cannot be used."""
