"""What can be wrong with a findings file: each message names the file and says what to do."""

from __future__ import annotations

from ...errors import LungmtlError


class FindingsFileError(LungmtlError):
    """A file of findings or annotations cannot be read or written."""


class NewerSchemaError(FindingsFileError):
    """The file was written by a newer version of the program."""


class SaveError(FindingsFileError):
    """The file could not be written; what was there before is still there."""
