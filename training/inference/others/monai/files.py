"""The files of a MONAI bundle, in a folder or a zip. A zip is never unpacked: what is needed is read from it into memory."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from ....error_boundary import require_regular
from ...weights import WeightsError

METADATA, INFERENCE = "configs/metadata.json", "configs/inference.json"
TENSORS = ("models/model.safetensors", "models/model.pt")
"""Where weights may be, the better first."""
CODE = "models/model.ts"
MOST_TEXT, MOST_TENSORS = 4_000_000, 4_000_000_000
"""Bytes that a configuration and weights may have: more is no bundle of a detector, and a zip may claim anything."""


class BundleFiles:
    """A bundle's files by their names in it.

    Parameters
    ----------
    path
        A folder or a zip that holds ``configs`` and ``models``, itself or in the one folder in it.

    Raises
    ------
    WeightsError
        It holds no bundle.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = self._find_root()

    def _find_root(self) -> str:
        if self.path.is_dir():
            found = [p.relative_to(self.path).as_posix() for p in sorted(self.path.glob(METADATA))]
            found += [p.relative_to(self.path).as_posix() for p in sorted(self.path.glob(f"*/{METADATA}"))]
        else:
            with zipfile.ZipFile(self.path) as archive:
                found = [
                    n for n in archive.namelist() if n == METADATA or PurePosixPath(n).match(f"*/{METADATA}")
                ]
        roots = sorted({name[: -len(METADATA)] for name in found}, key=len)
        if not roots:
            raise WeightsError(
                f"{self.path} is no MONAI bundle: it has no {METADATA}. Choose the folder or zip that holds configs and models."
            )
        if roots[0] and len(roots) > 1:
            raise WeightsError(f"{self.path} holds {len(roots)} MONAI bundles: choose one of them.")
        return roots[0]

    def files(self) -> tuple[Path, ...]:
        """What must not change while the bundle is in use."""
        if not self.path.is_dir():
            return (self.path,)
        names = (METADATA, INFERENCE, *TENSORS)
        return tuple(path for name in names if (path := self.path / self._root / name).exists())

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        if self.path.is_dir():
            return (self.path / self._root / name).is_file()
        with zipfile.ZipFile(self.path) as archive:
            return self._root + name in archive.namelist()

    def read(self, name: str, most: int) -> bytes:
        """Read a file.

        Raises
        ------
        WeightsError
            It is not there, or larger than `most` bytes.
        """
        if not self.has(name):
            raise WeightsError(f"{self.path} has no {name}: get the whole bundle.")
        if self.path.is_dir():
            path = self.path / self._root / name
            require_regular(path, WeightsError)
            with path.open("rb") as file:
                data = file.read(most + 1)
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self._root + name) as member:
                data = member.read(most + 1)
        if len(data) > most:
            raise WeightsError(
                f"{name} of {self.path} has more than {most} bytes: it is not what a bundle holds there."
            )
        return data

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON table.

        Raises
        ------
        WeightsError
            It is none.
        """
        try:
            values = json.loads(self.read(name, MOST_TEXT))
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{name} of {self.path} is no JSON: {error}") from None
        if not isinstance(values, dict):
            raise WeightsError(f"{name} of {self.path} is no table.")
        return values

    def tensors(self) -> tuple[str, bytes]:
        """Read the weights' file: its name and bytes.

        Raises
        ------
        WeightsError
            There is none, or only TorchScript, which is code.
        """
        for name in TENSORS:
            if self.has(name):
                return name, self.read(name, MOST_TENSORS)
        if self.has(CODE):
            raise WeightsError(
                f"{self.path} has only {CODE}: TorchScript is code, which is never run here. Get models/model.pt of the bundle."
            )
        raise WeightsError(f"{self.path} has no {TENSORS[-1]}: get the whole bundle.")
