"""What can be wrong with a file: each case its own class, each message a sentence that names the file and a way out."""

from __future__ import annotations


class ImageError(Exception):
    """An image cannot be read or used; the message names the file and says what to do."""


class NoLungFoundError(ImageError):
    """No lung was found in the volume."""
