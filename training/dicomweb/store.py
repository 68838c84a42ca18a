"""Send DICOM objects to an archive (STOW-RS, DICOM PS3.18 10.5), and hear of each whether it was taken."""

from __future__ import annotations

import json
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..error_boundary import as_sentences
from ..inference.predictor import Progress
from .connection import connect
from .errors import ArchiveError, told
from .query import instances_of
from .server import Server

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from pydicom.dataset import Dataset

_REASONS = {
    0xA7: "it has no room left",
    0xA9: "the object does not fit its kind",
    0xC0: "it cannot read the object",
    0x0110: "it could not process the object",
    0x0111: "it has an object of this identifier already",
    0x0122: "it does not take objects of this kind",
    0x0124: "it does not allow this user to store",
}
"""What failure codes of DICOM mean (PS3.4 B.2.3, PS3.18 10.5): the code, or for a family its first byte."""
_WARNINGS = {
    0xB000: "it changed some values",
    0xB006: "it dropped some values",
    0xB007: "it has doubts about it",
}
WHOLE = 1 << 31
"""Bytes up to which an object is sent in one piece, with its length: not every server takes chunks."""


@dataclass(frozen=True)
class Sent:
    """What an archive said of an object.

    Parameters
    ----------
    file
        It was sent from.
    uid
        Its SOPInstanceUID.
    refused
        Why the archive did not take it, in words; empty where it did.
    warning
        What the archive changed, in words.
    """

    file: Path
    uid: str
    refused: str = ""
    warning: str = ""


def send(server: Server, files: Sequence[Path]) -> Generator[Progress, None, tuple[Sent, ...]]:
    """Send files one after the other; after one that is refused no further one goes, for it may refer to it.

    Parameters
    ----------
    server
        The archive.
    files
        DICOM files, what others refer to first.

    Yields
    ------
    Progress
        Before each file; to close the generator stops it between two.

    Returns
    -------
    tuple of Sent
        Of each file that was sent; the last one may have been refused.

    Raises
    ------
    ArchiveError
        As `told`; or a file is no DICOM.
    """
    client = connect(server)
    client.set_chunk_size(WHOLE)
    sent: list[Sent] = []
    for n, file in enumerate(files):
        yield Progress(n / len(files), f"sending {n + 1} of {len(files)} objects")
        sent.append(_send_one(client, server, file))
        if sent[-1].refused:
            break
    return tuple(sent)


def _send_one(client: DICOMwebClient, server: Server, file: Path) -> Sent:
    import pydicom

    with as_sentences(file, ArchiveError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(file)
        uid, study, series = (
            str(dataset[name].value) for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
        )
    with told(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = _store(client, dataset)
        refused = _refusal(answer, uid)
        taken = [
            item
            for item in answer.get("ReferencedSOPSequence") or ()
            if item.get("ReferencedSOPInstanceUID") == uid
        ]
        doubts = [int(item.WarningReason) for item in taken if item.get("WarningReason") is not None]
    if not refused and not taken and uid not in instances_of(client, server, study, series):
        refused = "it does not say so, and does not have it"
    return Sent(file, uid, refused, ", ".join(_WARNINGS.get(code, f"code {code:04X}") for code in doubts))


def _store(client: DICOMwebClient, dataset: Dataset) -> Dataset:
    """The answer of the archive; one that refuses an object has the status of an error, and says why in the same form."""
    from pydicom.dataset import Dataset
    from requests import HTTPError

    try:
        return client.store_instances([dataset])
    except HTTPError as error:
        if error.response is None or error.response.status_code not in (400, 409):
            raise
        try:
            return Dataset.from_json(json.loads(error.response.content))
        except Exception:
            raise error from None


def _refusal(answer: Dataset, uid: str) -> str:
    """Why an object was refused, in words; empty where it was not."""
    for item in (*(answer.get("FailedSOPSequence") or ()), *(answer.get("OtherFailuresSequence") or ())):
        if item.get("ReferencedSOPInstanceUID", uid) == uid:
            code = int(item.get("FailureReason") or 0)
            return _REASONS.get(code) or _REASONS.get(code >> 8) or f"code {code:04X}"
    return ""
