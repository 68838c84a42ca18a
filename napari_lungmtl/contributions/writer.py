"""npe2 writer: a layer of nodule spheres as ``*.lungmtl.json`` or ``findings.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..layers.spheres.layer_data import findings_of_points
from ..training.error_boundary import as_sentences
from ..training.findings.formats.csv_file import write_csv
from ..training.findings.formats.errors import SaveError
from ..training.findings.formats.json_file import SUFFIX, write_findings
from ..training.inference.registry import characterisers


def write_points(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the findings of a Points layer.

    Those that the thresholds hide are written too: the file is the study, not the view.

    Parameters
    ----------
    path
        ``*.csv`` for the table; anything else becomes ``*.lungmtl.json``.
    data, attributes
        The layer's points and attributes.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    ValueError
        The points lie in a plane, not in space.
    SaveError
        The file cannot be written; the message says why.
    """
    if data.ndim != 2 or data.shape[1] != 3:
        raise ValueError(f"{path} was not written: findings are points in space (z, y, x).")
    target = Path(path)
    with as_sentences(target, SaveError):
        findings = findings_of_points(data, attributes)
        if target.suffix.lower() == ".csv":
            write_csv([findings], target, characterisers())
            return [str(target)]
        if not target.name.lower().endswith(SUFFIX):
            target = target.with_name(target.name.removesuffix(".json") + SUFFIX)
        write_findings(findings, target)
        return [str(target)]
