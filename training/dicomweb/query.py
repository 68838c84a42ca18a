"""Find a patient's chest studies and their series in an archive (QIDO-RS, DICOM PS3.18 10.6)."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..inference.predictor import Progress
from .connection import connect
from .errors import ArchiveError, told
from .server import Server

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from pydicom.dataset import Dataset

CHEST = ("CT", "CR", "DX")
"""Modalities of CTs and radiographs."""
MOST = 100
"""Studies that are listed at most: whoever finds more is asked to say more."""
MOST_INSTANCES = 100_000
"""Of a series: a server that lists more goes on for ever."""
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_STUDY_FIELDS = ("StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances")
_SERIES_FIELDS = ("SeriesDescription", "BodyPartExamined", "NumberOfSeriesRelatedInstances")


@dataclass(frozen=True)
class FoundSeries:
    """A series of an archive.

    Parameters
    ----------
    study_uid, uid
        StudyInstanceUID and SeriesInstanceUID.
    modality, description, body_part
        As the archive says them.
    n_instances
        How many instances it has; None where the archive does not say.
    """

    study_uid: str
    uid: str
    modality: str
    description: str = ""
    body_part: str = ""
    n_instances: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether it can be opened and read: a CT or a radiograph."""
        return self.modality in CHEST


@dataclass(frozen=True)
class FoundStudy:
    """A study of an archive, with its series."""

    uid: str
    patient: str
    patient_id: str
    date: str
    description: str
    modalities: tuple[str, ...]
    series: tuple[FoundSeries, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a search came to: studies, the newest first, and whether there are more than `MOST`."""

    studies: tuple[FoundStudy, ...]
    more: bool = False


@dataclass(frozen=True)
class Wanted:
    """What is looked for; what is empty does not matter.

    Parameters
    ----------
    name
        Parts of the patient's name in their order (``Weber, Anna``), or with ``*`` and ``?`` as in DICOM.
    patient_id
        The whole PatientID, or with ``*`` and ``?``.
    dates
        A day (``2024-05-06``) or from one to another (``2024-05-01..2024-05-31``, either end may be missing).
    modalities
        Of which a study has one.
    """

    name: str = ""
    patient_id: str = ""
    dates: str = ""
    modalities: tuple[str, ...] = field(default=CHEST)

    def filters(self) -> dict[str, str]:
        """The keys of the query, without the modality.

        Raises
        ------
        ArchiveError
            The date is none.
        """
        parts = re.split(r"[\s,^]+", self.name.strip())
        name = "*".join(part for part in parts if part)
        keys = {
            "PatientName": f"*{name}*" if name and not {"*", "?"} & set(self.name) else name,
            "PatientID": self.patient_id.strip(),
            "StudyDate": date_range(self.dates),
        }
        return {key: value for key, value in keys.items() if value}


def date_range(dates: str) -> str:
    """Write a day, or one to another, as DICOM does; empty for an empty one.

    Raises
    ------
    ArchiveError
        It is no date.

    Examples
    --------
    >>> date_range("2024-05-01..2024-05-31"), date_range("2024-05-06"), date_range("2024-05-01..")
    ('20240501-20240531', '20240506', '20240501-')
    """
    text = dates.strip()
    if not text:
        return ""
    first, between, last = text.partition("..")
    try:
        days = [_day(part.strip()) for part in (first, last)]
    except ValueError:
        days = []
    if not any(days):
        raise ArchiveError(
            f"{text} is no date: write 2024-05-06, or 2024-05-01..2024-05-31 for those from one to another."
        )
    return "-".join(days) if between else days[0]


def _day(text: str) -> str:
    if not text:
        return ""
    parts = _DATE.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    return datetime.date(*map(int, parts.groups())).strftime("%Y%m%d")


def find_studies(server: Server, wanted: Wanted) -> Generator[Progress, None, Found]:
    """Look for studies, and list the series of each.

    Yields
    ------
    Progress
        Before each question to the server.

    Raises
    ------
    ArchiveError
        As `told`; or a date is none.
    """
    filters = wanted.filters()
    yield Progress(0.0, "asking for studies")
    client = connect(server)
    studies, more = yield from _search(client, server, filters, wanted.modalities)
    if not studies and not filters.get("PatientName", "").isascii():  # which some archives do not understand
        filters["PatientName"] = "".join(c if c.isascii() else "?" for c in filters["PatientName"])
        studies, more = yield from _search(client, server, filters, wanted.modalities)
    by_name = sorted(studies.values(), key=lambda s: s.patient)
    newest = sorted(by_name, key=lambda s: s.date, reverse=True)
    listed = []
    for n, study in enumerate(newest[:MOST], 1):
        listed.append(replace(study, series=series_of(client, server, study.uid)))
        yield Progress(
            0.1 + 0.9 * n / len(newest[:MOST]), f"listing series, study {n} of {len(newest[:MOST])}"
        )
    return Found(tuple(listed), more or len(newest) > MOST)


def _search(
    client: DICOMwebClient, server: Server, filters: dict[str, str], modalities: tuple[str, ...]
) -> Generator[Progress, None, tuple[dict[str, FoundStudy], bool]]:
    """Ask for the studies of each modality; whether one has more of them than `MOST` is told as well."""
    studies: dict[str, FoundStudy] = {}
    more = False
    for modality in modalities or ("",):
        keys = filters | ({"ModalitiesInStudy": modality} if modality else {})
        search = partial(client.search_for_studies, limit=MOST + 1, fields=_STUDY_FIELDS, search_filters=keys)
        found = [_study(item) for item in ask(server, search)]
        more |= len(found) > MOST
        # A server may ignore a key that it does not know.
        fits = [s for s in found if not s.modalities or not modality or modality in s.modalities]
        studies |= {s.uid: s for s in fits if s.uid}
        yield Progress(0.1, "asking for studies")
    return studies, more


def series_of(client: DICOMwebClient, server: Server, study_uid: str) -> tuple[FoundSeries, ...]:
    """List the series of a study, images first.

    Raises
    ------
    ArchiveError
        As `told`.
    """
    answers = ask(server, lambda: client.search_for_series(study_uid, fields=_SERIES_FIELDS))
    found = [_series(item, study_uid) for item in answers]
    return tuple(sorted((s for s in found if s.uid), key=lambda s: not s.is_image))


def find_series(client: DICOMwebClient, server: Server, series_uid: str) -> FoundSeries:
    """Look one series up.

    Raises
    ------
    ArchiveError
        The server does not have it, or as `told`.
    """
    answers = ask(
        server,
        lambda: client.search_for_series(
            fields=_SERIES_FIELDS, search_filters={"SeriesInstanceUID": series_uid}
        ),
    )
    found = [s for s in (_series(item, "") for item in answers) if s.uid == series_uid and s.study_uid]
    if not found:
        raise ArchiveError(f"{server} has no series {series_uid}: look for it with 'lungmtl archive query'.")
    return found[0]


def instances_of(client: DICOMwebClient, server: Server, study_uid: str, series_uid: str) -> list[str]:
    """The SOPInstanceUID of each instance of a series, in pages where the server gives them so.

    Raises
    ------
    ArchiveError
        As `told`.
    """
    uids: dict[str, None] = {}
    while True:
        page = partial(client.search_for_instances, study_uid, series_uid, offset=len(uids) or None)
        new = {str(item.get("SOPInstanceUID", "")): None for item in ask(server, page)}
        if not new.keys() - uids.keys() - {""}:  # the last page, or a server that always gives the first one
            return [uid for uid in uids if uid]
        uids |= new
        if len(uids) > MOST_INSTANCES:
            raise ArchiveError(
                f"{server} lists more than {MOST_INSTANCES} instances of one series: look at its log."
            )


def ask(server: Server, question: Callable[[], list[dict[str, Any]]]) -> list[Dataset]:
    """Put a question to a server; what is no list of data sets is no answer of DICOMweb.

    Raises
    ------
    ArchiveError
        As `told`.
    """
    from pydicom.dataset import Dataset

    with told(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = question()
        if not isinstance(answers, list) or not all(_is_dicom(item) for item in answers):
            raise ValueError("no list of data sets")
        return [Dataset.from_json(item) for item in answers]


def _is_dicom(item: object) -> bool:
    return (
        isinstance(item, dict)
        and bool(item)
        and all(re.fullmatch(r"[0-9A-Fa-f]{8}", str(tag)) for tag in item)
    )


def _study(item: Dataset) -> FoundStudy:
    modalities = item.get("ModalitiesInStudy") or ()
    return FoundStudy(
        _text(item, "StudyInstanceUID"),
        patient_words(item.get("PatientName")),
        _text(item, "PatientID"),
        _text(item, "StudyDate"),
        _text(item, "StudyDescription"),
        (modalities,) if isinstance(modalities, str) else tuple(map(str, modalities)),
    )


def _series(item: Dataset, study_uid: str) -> FoundSeries:
    count = item.get("NumberOfSeriesRelatedInstances")
    return FoundSeries(
        study_uid or _text(item, "StudyInstanceUID"),
        _text(item, "SeriesInstanceUID"),
        _text(item, "Modality"),
        _text(item, "SeriesDescription"),
        _text(item, "BodyPartExamined"),
        None if count is None else int(count),
    )


def _text(item: Dataset, name: str) -> str:
    return printable(str(item.get(name) or "").strip())


def patient_words(name: object) -> str:
    """Write a person's name as people do: ``Weber, Änne`` for ``Weber^Änne``."""
    parts = [part.strip() for part in str(name or "").partition("=")[0].split("^")[:2]]
    return printable(", ".join(part for part in parts if part))
