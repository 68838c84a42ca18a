"""The studies at the paths that a command was given, one after the other, here or on servers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LungmtlError
from ..common import Failed, complain, explain, passes, progress
from ..predict_batch import Batch

if TYPE_CHECKING:
    from ...imaging import Image
    from ...inference.predictor import ModelInfo
    from ...inference.progress import OnProgress
    from ...storage.address import Address


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Study:
    """One image to read: a path, which of its series, among how many it was found, and what it is a copy of.

    A copy is told by its original: the folder that was copied, and where from.
    """

    path: Path | Address
    series: str | None = None
    among: int = 1
    original: tuple[Path, Address] | None = None

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return self.told(str(self.path))

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"{self.place} (series {self.series})" if self.series else self.place

    def told(self, text: str) -> str:
        """The words about a copy as those about its original."""
        return text if self.original is None else text.replace(str(self.original[0]), self.original[1].shown)

    def read(self, on_progress: OnProgress) -> Image:
        """Read it; of a store on a server with progress."""
        from ...imaging import read_image
        from ...imaging.read import moved

        image = read_image(self.path, series=self.series, on_progress=on_progress)
        return image if self.original is None else moved(image, *self.original)


def studies_at(
    paths: Sequence[Path], series: str | None, infos: Sequence[ModelInfo], batch: Batch
) -> Generator[Study]:
    """Find the images at the paths; what is no scan or radiograph that a model takes is passed over where there are others."""
    from ...storage.address import address_of, shown

    modalities = {modality for info in infos for modality in info.modalities}
    for path in paths:
        try:
            address = address_of(path)
            found = _here(path, series, modalities, batch)
            yield from found if address is None else _on_server(address, series, modalities, batch)
        except (
            BaseException
        ) as error:  # also those of codecs that panic: one bad file must not cost the others
            if passes(error):
                raise
            batch.fail(shown(path), error)


def _here(
    path: Path, series: str | None, modalities: Set[str], batch: Batch, told: Callable[[str], str] = _as_it_is
) -> Iterator[Study]:
    """The images at a path of this machine; `told` turns the words on a copy into those on its original."""
    from ...error_boundary import require_regular
    from ...imaging.errors import UnreadableFileError
    from ...imaging.formats import format_of
    from ...imaging.scan import choices, scan
    from ...inference.suitability import sort_out_series

    if series is not None:
        yield Study(path, series)
        return
    require_regular(path, UnreadableFileError)
    contents = scan(path)
    found = [one for one, _ in choices(contents)]
    if not found and path.is_dir():  # a folder of films; beside other images pictures are previews
        contents = scan(path, pictures=True)
        found = [one for one, _ in choices(contents)]
    if found:  # where nothing is, reading says so
        _tell_damaged(contents.damaged, batch, told)
    suitable, others = sort_out_series(found, modalities)
    if len(found) == len(suitable) < 2:
        yield Study(path)
        return
    listed = ", ".join(f"{n} {kind}" for kind, n in sorted(others.items()))
    if not suitable:
        raise Failed(
            f"{path} holds no scan or radiograph for the models, which take {', '.join(sorted(modalities))}, only: {listed}"
        )
    if others:
        complain(told(f"{path}: {sum(others.values())} series were passed over ({listed})"))
    # A volume file is read by its own path: two of them may bear one name in different folders.
    for s in suitable:
        yield Study(s.path, among=len(found)) if format_of(s.path) else Study(path, s.uid, len(found))


def _on_server(address: Address, series: str | None, modalities: Set[str], batch: Batch) -> Iterator[Study]:
    """The images at an address, one folder here at a time; stores are read where they are."""
    from ...storage.fetch import fetched, is_store, leaves

    found = False
    for leaf in leaves(address):
        if is_store(leaf.address):
            found = True
            yield Study(leaf.address)
            continue
        label, told = leaf.address.shown, _as_it_is
        try:
            with ExitStack() as stack:
                with progress(leaf.address.name) as on_progress:
                    copy = stack.enter_context(fetched(leaf, on_progress, deep=False))
                original = copy, leaf.address
                told = Study(copy, original=original).told
                if leaf.is_folder and not _may_hold_images(copy):
                    continue  # notes and reports in a tree
                found = True
                for study in _here(copy, series, modalities, batch, told):
                    yield replace(study, original=original)
        except LungmtlError as error:  # of one folder; the others go on
            found = True
            batch.fail(label, Failed(told(str(error))))
    if not found:
        raise Failed(f"{address} holds no image that can be read: choose a folder with DICOM files")


def _may_hold_images(folder: Path) -> bool:
    """Whether there is an image, or what should be one."""
    from ...imaging.scan import NO_PICTURE, scan

    contents = scan(folder, pictures=True)
    faults = any(why and NO_PICTURE not in why for why in contents.unread.values())
    return bool(contents.stacks or contents.volumes or faults)


def _tell_damaged(damaged: Mapping[Path, Exception], batch: Batch, told: Callable[[str], str]) -> None:
    """A folder's damaged volumes are scans that are lost; those of another shape, such as a segmentation, are passed over."""
    from ...imaging.errors import UnsupportedShapeError

    for file, error in damaged.items():
        if isinstance(error, UnsupportedShapeError):
            complain(told(f"passed over: {explain(error)}"))
        else:
            batch.fail(told(str(file)), Failed(told(explain(error))))
