"""What can be wrong with a findings file: each message names the file and says what to do."""

from __future__ import annotations

from ...errors import LungmtlError


class FindingsFileError(LungmtlError):
    """A file of findings or annotations cannot be read or written."""


class BadLineError(FindingsFileError):
    """One line of a table is wrong; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class NewerSchemaError(FindingsFileError):
    """The file was written by a newer version of the program."""


class SaveError(FindingsFileError):
    """The file could not be written; what was there before is still there."""
