"""A volume on a server that is read slab by slab, so that its first slice is seen long before it is whole."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import LungmtlError
from ....storage.address import Address, StorageError
from ....storage.filesystem import telling
from ...errors import CorruptFileError
from ...image import Image
from ...orient import turned
from ...streamed import StreamedImage
from ...values import AIR, as_int16_or_float32, finite
from ..units import size_warning
from .metadata import DAMAGE, StoredImage, damaged, image_of, missing_warning, require_volume, uid_of

if TYPE_CHECKING:
    from .remote_store import RemoteStore

_UNREAD, _ASKED, _READ = 0, 1, 2
AT_ONCE = 16
"""Chunks that are asked for at once, where a slab has fewer."""
TRIES, WAIT = 3, 1.0
"""How often a slab is asked for before the server is given up, and seconds between two tries (longer after each)."""
PATIENCE = 1.0
"""Seconds after which whoever waits for a slab may stop."""
_CERTAIN = {"i2": "i2", "i1": "i2", "u1": "i2", "b1": "i2", "f2": "f4", "f4": "f4", "f8": "f4"}
"""Types that stay what they are whatever the values: `as_int16_or_float32` makes the second of the first."""


class Stream:
    """The voxels of a store on a server, read slab by slab into an array that fills.

    Several threads may read at once; each takes a slab that none has taken. What is read whole is what `read_zarr` gives for the
    same store on the disk.

    Parameters
    ----------
    stored
        The array, with its place in the patient.
    store
        That it lies in.
    early
        Whether `image` is wanted before it is whole.
    """

    def __init__(self, stored: StoredImage, store: RemoteStore, *, early: bool = False) -> None:
        self._stored, self._store, self.address = stored, store, store.address
        array = stored.array
        require_volume(stored, self.address)
        store.blosc = array.shards is None and _is_blosc(array)
        sizes, chunks = (
            {name: n for name, n in zip(stored.names, values) if name in "zyx"}
            for values in (array.shape, array.chunks)
        )
        self._space = [name for name in "zyx" if name in sizes]
        shape = [sizes[name] for name in self._space]
        kind = _CERTAIN.get(array.dtype.newbyteorder("=").str[1:]) if early and len(shape) == 3 else None
        steps = stored.steps if len(shape) == 3 and stored.steps is not None else np.eye(len(shape))
        axes = tuple(int(a) for a in np.abs(steps).argmax(axis=1))
        order = np.argsort(axes)
        air = AIR if kind is not None and np.dtype(kind).kind != "u" else 0
        self.voxels = np.full([shape[a] for a in order], air, kind or array.dtype.newbyteorder("="))
        flipped = [bool(steps[row, axis] < 0) for row, axis in enumerate(axes)]
        mirrored = np.flip(self.voxels, tuple(axis for row, axis in enumerate(axes) if flipped[row]))
        self._into = mirrored.transpose(axes)
        """The same memory with the axes of the store (z, y, x)."""
        self._along = int(order[0])
        """The axis of the store that slices lie along."""
        name = self._space[self._along]
        in_slab = math.prod(-(-sizes[n] // chunks[n]) for n in self._space if n != name)
        self._together = max(1, AT_ONCE // in_slab)
        self._slabs = _slabs(sizes[name], chunks[name], flipped[self._along])
        self._state = np.zeros(len(self._slabs), np.uint8)
        self._changed = threading.Condition()
        self.near = len(self.voxels) // 2
        """The slice that is looked at: what is nearest to it is read next."""
        self.image = None if kind is None else self._image(self.voxels, (), early=True)
        """The volume while it fills, or None where it was not wanted, or the type of its voxels depends on all of them."""
        self._whole: Image | None = None

    @property
    def fraction(self) -> float:
        """How much is read (0–1)."""
        return float(np.count_nonzero(self._state == _READ)) / len(self._slabs)

    @property
    def is_whole(self) -> bool:
        """Whether everything is read."""
        return self._whole is not None

    def has(self, index: int) -> bool:
        """Whether a slice (along z) is read."""
        return any(
            state == _READ and slab.first <= index < slab.end
            for state, slab in zip(self._state, self._slabs, strict=True)
        )

    def read(self) -> Iterator[float]:
        """Read what nobody has read or taken yet, and wait for what others have taken.

        Yields
        ------
        float
            How much is read; a point at which the caller may stop by closing, or move `near`.

        Raises
        ------
        LungmtlError
            The server does not answer, or the store is damaged. What is read stays; a second call goes on from there.
        """
        while not self.is_whole:
            yield self.fraction
            with self._changed:
                taken = self._take()
                if taken is None and np.any(self._state != _READ):
                    self._changed.wait(0.1)
                    continue
            if taken is None:
                self._finish()
            else:
                yield from self._filled(taken)
        yield 1.0

    def whole(self) -> Image:
        """Read it all."""
        for _ in self.read():
            pass
        assert self._whole is not None
        return self._whole

    def _take(self) -> list[int] | None:
        """Slabs side by side: the one that is looked at alone, of others so many that the server has enough to do."""
        unread = np.flatnonzero(self._state == _UNREAD)
        if not len(unread):
            return None
        first = int(min(unread, key=lambda i: self._slabs[i].distance(self.near)))
        taken = [first]
        if self._slabs[first].distance(self.near):
            for step in (1, -1):
                place = first + step
                while len(taken) < self._together and place in unread:
                    taken.append(place)
                    place += step
        self._state[taken] = _ASKED
        return sorted(taken)

    def _filled(self, taken: list[int]) -> Iterator[float]:
        """Fill in a thread of its own: whoever waits may stop though the server is silent, and a window can close."""
        problems: list[BaseException] = []

        def fill() -> None:
            try:
                self._fill(taken)
            except BaseException as error:  # raised where it is waited for
                problems.append(error)

        thread = threading.Thread(target=fill, name="lungmtl-slabs", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        while thread.is_alive():
            yield self.fraction
            thread.join(PATIENCE)
        if problems:
            raise problems[0]

    def _fill(self, taken: list[int]) -> None:
        state = _UNREAD
        try:
            self._copy(slice(self._slabs[taken[0]].part.start, self._slabs[taken[-1]].part.stop))
            state = _READ
        finally:
            with self._changed:
                self._state[taken] = state
                self._changed.notify_all()

    def _copy(self, part: slice) -> None:
        along = self._space[self._along]
        where = tuple(part if name == along else slice(None) for name in self._stored.names)
        block = _asked(self._stored.array, where, self.address)
        stored = [name for name in self._stored.names if name in self._space]
        sizes = [n for n, name in zip(block.shape, self._stored.names, strict=True) if name in stored]
        into: list[slice] = [slice(None)] * len(self._space)
        into[self._along] = part
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and `finite` counts it
            self._into[tuple(into)] = block.reshape(sizes).transpose([stored.index(n) for n in self._space])

    def _finish(self) -> None:
        """Check what only the whole tells: chunks that are not there, and what is no number."""
        said = self._missing()
        values, numbers = finite(as_int16_or_float32(self.voxels), self.address.name)
        with self._changed:
            if self._whole is not None:  # another thread was as fast
                return
            if self.image is not None:
                if values is not self.voxels:
                    self.voxels[...] = values
                warnings = dict.fromkeys((*self.image.warnings, *said, *numbers))
                object.__setattr__(self.image, "warnings", tuple(warnings))
                self._whole = self.image
            else:
                self._whole = self._image(values, (*said, *numbers))

    def _image(self, voxels: np.ndarray, said: tuple[str, ...], *, early: bool = False) -> Image:
        stored, name = self._stored, self.address.name
        common: dict[str, Any] = {
            "series_uid": uid_of(stored, name),
            "modality": stored.own.get("modality", ""),
            "source": self.address.local,
        }
        if early:
            common["stream"] = self
        said = (*stored.warnings, *said)
        if stored.steps is not None:
            if voxels.ndim == 2:
                common["spacing"] = tuple(np.linalg.norm(stored.steps, axis=1))
                common["origin"] = tuple(stored.origin)
            else:
                axes = tuple(int(a) for a in np.abs(stored.steps).argmax(axis=1))
                _, common["spacing"], common["origin"] = turned(self._into, stored.steps, stored.origin, axes)
                said = (*said, *size_warning(common["spacing"], voxels.shape, name))
        return (StreamedImage if early else Image)(voxels, warnings=said, **common)

    def _missing(self) -> tuple[str, ...]:
        array, missing = self._stored.array, len(self._store.missing)
        units = array.shards or array.chunks
        total = math.prod(-(-n // unit) for n, unit in zip(array.shape, units, strict=True))
        if 2 * missing > total:
            raise CorruptFileError(
                f"{self.address} lacks {missing:,} of its {total:,} chunks of pixels; copy it again."
            )
        return missing_warning(array, self.address.name, missing, total)


@dataclass(frozen=True)
class _Slab:
    """A part of the store's axis, and the slices of the volume that it is: from the first to before the end."""

    part: slice
    first: int
    end: int

    def distance(self, index: int) -> int:
        return max(self.first - index, index - self.end + 1, 0)


def _slabs(count: int, thickness: int, flipped: bool) -> list[_Slab]:
    slabs = []
    for start in range(0, count, thickness):
        stop = min(start + thickness, count)
        first, end = (count - stop, count - start) if flipped else (start, stop)
        slabs.append(_Slab(slice(start, stop), first, end))
    return slabs


def _asked(array: Any, where: tuple[slice, ...], address: Address) -> np.ndarray:
    """Ask for a part, more than once where the server does not answer."""
    for tries in range(1, TRIES + 1):
        try:
            return np.asarray(array[where])
        except StorageError:
            if tries == TRIES:
                raise
            time.sleep(tries * WAIT)
        except LungmtlError:
            raise
        except Exception as error:  # codecs raise anything on damaged chunks
            raise damaged(address, error) from error
    raise AssertionError


def _is_blosc(array: Any) -> bool:
    return bool(array.compressors) and type(array.compressors[-1]).__name__.startswith("Blosc")


def open_stream(address: Address, *, early: bool = False) -> Stream:
    """Open the image of a store on a server; nothing but its metadata is read.

    Raises
    ------
    LungmtlError
        The server does not answer, or the store holds no image that is read here.
    """
    if address.query:
        raise StorageError(
            f"{address} is a folder, and its address ends in a query, which holds for one file: name the folder without."
        )
    with telling(address):
        import zarr

        from .remote_store import RemoteStore

        store = RemoteStore(address)
        try:
            node = zarr.open(store, mode="r")
            return Stream(image_of(node, address), store, early=early)
        except LungmtlError:
            raise
        except DAMAGE as error:
            raise damaged(address, error) from error
