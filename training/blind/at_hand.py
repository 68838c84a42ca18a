"""Which nodules are grafted: real ones of LUNA16 where their file has been made, else those of this project that ship.

No patient's voxels ship. `make_bank` cuts real nodules out of LUNA16 (CC BY 4.0, from LIDC-IDRI, CC BY 3.0) into the user's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from ..data.errors import DatasetError
from ..error_boundary import sentence
from ..file_stamp import file_stamp
from .bank import Nodule, load_bank

SHIPPED = Path(__file__).parent / "made_nodules.npz"
COMMAND = "python -m napari_lungmtl.training.blind.make_bank CUBES"


@dataclass(frozen=True, eq=False)
class Bank:
    """Nodules at hand.

    Parameters
    ----------
    nodules
        All of them.
    words
        What they are, for a person: ``142 real nodules of LUNA16``.
    note
        Why real ones are not used although there is a file of them: a sentence, or empty.
    """

    nodules: tuple[Nodule, ...]
    words: str
    note: str = ""


def real_path() -> Path:
    """Where real nodules are kept for this user."""
    return user_data_path("napari-lungmtl", appauthor=False) / "nodules.npz"


def bank_at_hand() -> Bank:
    """Read the real nodules of this user, or those that ship where there are none or their file is damaged.

    Raises
    ------
    DatasetError
        The file that ships is missing or damaged.
    """
    path, note = real_path(), ""
    try:
        nodules = _read(path, file_stamp(path))
        return Bank(nodules, f"{len(nodules)} real nodules of LUNA16")
    except FileNotFoundError:
        pass
    except (DatasetError, OSError) as error:
        why = sentence(error, path).rstrip(".")
        note = f"{why}. Nodules made by this project are grafted until '{COMMAND}' has made it anew."
    return Bank(_shipped(), "nodules made by this project", note)


def _shipped() -> tuple[Nodule, ...]:
    try:
        return _read(SHIPPED, ())
    except DatasetError as error:
        raise DatasetError(f"{error} It comes with the package: install that again.") from error


@lru_cache(maxsize=2)
def _read(path: Path, _stamp: tuple[int, ...]) -> tuple[Nodule, ...]:
    """Read a file once for as long as it is not written anew."""
    return load_bank(path)
