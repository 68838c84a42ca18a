"""A folder with the truth of each case of a reader study in a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..error_boundary import sentence
from ..errors import LungmtlError
from ..findings.finding import ImageReference
from ..findings.formats.images.image_names import folders_alike, named_by_file
from ..findings.formats.images.other_image import is_another
from ..findings.formats.json_file import SUFFIX, read_findings
from .errors import ReaderStudyError


@dataclass(frozen=True)
class TruthFolder:
    """The findings files of a folder, and the cases of the study.

    Parameters
    ----------
    files
        Each file with the image that it belongs to.
    images
        Of all cases: where two have one name, the folders of a file must be those of its case.
    """

    files: Sequence[tuple[Path, ImageReference]]
    images: Sequence[ImageReference]

    @classmethod
    def of(cls, folder: Path, images: Sequence[ImageReference], problems: list[str]) -> TruthFolder:
        """Look into a folder and those below; `problems` names files that cannot be read."""
        files = []
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            try:
                files.append((path, read_findings(path).image))
            except LungmtlError as error:
                problems.append(f"{sentence(error)} It is left out.")
        return cls(files, images)

    def file_of(self, image: ImageReference) -> Path | None:
        """The file with the truth of a case; None where there is none.

        Raises
        ------
        ReaderStudyError
            Several can be the one.
        """
        named = [(path, own) for path, own in self.files if own.series_uid == image.series_uid]
        own = [(path, at) for path, at in named if not is_another(at, image)]
        shared = sum(other.series_uid == image.series_uid for other in self.images) > 1
        if named_by_file(image) and (len(own) > 1 or shared):
            alike = [folders_alike(at, image) for _, at in own]
            most = max((2, *alike))
            own = [one for one, count in zip(own, alike, strict=True) if count == most]
        if len(own) > 1:
            raise ReaderStudyError(
                f"{own[0][0]} and {own[1][0]} can both be its truth: leave one of them in the folder"
            )
        return own[0][0] if own else None
