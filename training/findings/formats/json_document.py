"""Reading a JSON file, gzipped or not, with an error that a person understands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...error_boundary import reads
from .errors import FindingsFileError
from .tables import read_text


@reads(FindingsFileError)
def read_json(path: Path | str) -> Any:
    """The values of a JSON file.

    Raises
    ------
    FindingsFileError
        The file is missing or no valid JSON.
    """
    text = read_text(path)
    if not text.strip():
        raise FindingsFileError(f"{path} is empty: get it again from its source")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FindingsFileError(
            f"{path} is damaged (no valid JSON: {error}): get it again from its source"
        ) from error
