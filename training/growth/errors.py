"""What keeps two studies from being compared: every message is a sentence that names a way out."""

from ..errors import LungmtlError


class ComparisonError(LungmtlError):
    """Two studies cannot be compared; the message says why and what to do."""
