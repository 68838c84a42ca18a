"""What a worker does with a place on a server: look whether it was seen to its end, else fetch it and predict what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...error_boundary import STOPS, foreseen, sentence
from ...findings.formats.errors import SaveError
from ...imaging.read import read_image
from ...imaging.scan import scan
from ...imaging.series import Series
from ...inference.suitability import sort_out_series
from ...log_file import keep_log, log_error
from ...storage.address import HTTP, Address
from ...storage.fetch import fetched, files_of, is_store
from ...storage.filesystem import Entry, entry_of, look_at, open_filesystem, telling
from ..find import nothing_at, studies_in
from ..task import FAILED, Options, Outcome, Place, Study
from ..worker import check_version, predict_study
from .places import divided
from .seen import mark_of, recall, remember


def predict_place(place: Place, options: Options) -> tuple[Outcome, ...]:
    """Predict all studies of a place, unless that was done before; whatever goes wrong is told in an outcome."""
    try:
        check_version(options)
        if is_store(place.address):
            mark = mark_of(_chunks(place.address), options)
            found = _of_store(place.address, options)
        else:
            entry = look_at(place.address)
            files = _files(entry)
            mark = mark_of([(file.address.name, file.state) for file, _ in files], options)
            found = _of_copy(entry, files, place, options)
        known = recall(place.address, mark, options.out)
        if known is not None:
            return known
        outcomes = tuple(found)
        with suppress(OSError, SaveError):  # it only saves the next run from fetching
            remember(place.address, mark, outcomes, options.out)
        return outcomes
    except STOPS:
        raise
    except BaseException as error:  # codecs in Rust panic with errors that are no Exception
        if not foreseen(error):
            keep_log(terminal=False)
            log_error(error, place.label)
        return (Outcome(place.label, FAILED, sentence(error, place.label), row=place.row),)


def _files(entry: Entry) -> list[tuple[Entry, Path]]:
    """The files that are fetched, with their places in the copy."""
    if not entry.is_folder:
        return list(files_of(entry))
    below = [file for file, _ in files_of(entry, deep=False)]
    top = Path(entry.address.name)
    return [(file, top / file.address.name) for file in divided(below)[1]]


def _of_copy(
    entry: Entry, files: Sequence[tuple[Entry, Path]], place: Place, options: Options
) -> Iterator[Outcome]:
    with fetched(entry, files=files) as copy:
        contents = scan(copy, pictures=True) if copy.is_dir() else scan(copy)
        for one in studies_in(copy, contents, _modalities(options)):
            if isinstance(one, Outcome):
                told = Study(Series(""), original=(copy, entry.address)).told
                yield replace(one, label=told(one.label), sentence=told(one.sentence))
            else:
                among = max(one.among, place.among)
                yield predict_study(replace(one, among=among, original=(copy, entry.address)), options)


def _of_store(address: Address, options: Options) -> Iterator[Outcome]:
    """A store is read where it is, by chunk; its content are its voxels and their place."""
    image = read_image(address)
    series = Series(
        image.series_uid,
        modality=image.modality,
        n_slices=image.shape[0] if image.ndim == 3 else 1,
        spacing=image.spacing,
        shape=image.shape,
        path=address.local,
    )
    suitable, others = sort_out_series([series], _modalities(options))
    if suitable:
        yield predict_study(Study(series, original=(address.local, address)), options, image)
    else:
        yield nothing_at(address, next(iter(others), ""))


def _modalities(options: Options) -> set[str]:
    return {modality for info, _ in options.networks for modality in info.modalities}


def _chunks(store: Address) -> list[tuple[str, str]]:
    """Names and states of all files of a store, whose own name is its identifier; none where the server does not list them."""
    if store.kind == HTTP:
        return []
    with telling(store):
        found = open_filesystem(store).find(store.key, detail=True)
        return [
            (store.name + name.removeprefix(store.key), entry_of(store, info).state)
            for name, info in found.items()
        ]
