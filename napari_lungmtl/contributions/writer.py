"""npe2 writers: layers of findings (spheres, boxes, masks, lungs) as ``*.lungmtl.json`` or ``findings.csv``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info

from ..layers.spheres.layer_data import FINDINGS, SHOWN, findings_of_points
from ..training.error_boundary import as_sentences
from ..training.findings import Findings
from ..training.findings.formats.csv_file import write_csv
from ..training.findings.formats.errors import SaveError
from ..training.findings.formats.json_file import SUFFIX, write_findings
from ..training.inference.registry import characterisers


def write_points(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the findings of a Points layer.

    Those that the thresholds hide are written too: the file is the study, not the view. A notification says so.

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
    metadata = attributes.get("metadata") or {}
    return _write(Path(path), findings_of_points(data, attributes), metadata.get(SHOWN))


def write_layers(path: str, layers: Sequence[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write the findings of the image that boxes, masks, lungs or spheres were drawn for.

    Parameters
    ----------
    path
        As for `write_points`.
    layers
        Data, attributes and type of each layer; all of one image.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    SaveError
        They hold no findings of this plugin, or those of several images, or the file cannot be written.
    """
    held = [(attributes.get("metadata") or {}) for _, attributes, _ in layers]
    followed = [metadata for metadata in held if isinstance(metadata.get(FINDINGS), Findings)]
    if not followed:
        raise SaveError(
            f"{path} was not saved: none of these layers holds findings. Save the layers 'nodules', 'boxes', 'nodule masks' "
            "or 'lungs', or draw into one of them first"
        )
    findings = followed[0][FINDINGS]
    if any(metadata[FINDINGS].image != findings.image for metadata in followed):
        raise SaveError(
            f"{path} was not saved: these layers belong to several images; select those of one image and save again"
        )
    return _write(Path(path), findings, followed[0].get(SHOWN))


def _write(target: Path, findings: Findings, shown: Collection[str] | None) -> list[str]:
    with as_sentences(target, SaveError):
        if target.suffix.lower() == ".csv":
            write_csv([findings], target, characterisers())
        else:
            if not target.name.lower().endswith(SUFFIX):
                target = target.with_name(target.name.removesuffix(".json") + SUFFIX)
            write_findings(findings, target)
    hidden = 0 if shown is None else sum(f.id not in shown for f in findings)
    rejected = sum(f.status == "rejected" for f in findings)
    if hidden or rejected:
        counts = ((hidden, "hidden by the thresholds"), (rejected, "rejected"))
        parts = [f"{count} {what}" for count, what in counts if count]
        show_info(f"{target.name} holds all {len(findings)} findings, also {' and '.join(parts)}.")
    return [str(target)]
