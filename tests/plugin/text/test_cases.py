"""How an image is named: by what a person knows it by, never by sixty digits where there is anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.text.cases import case_name, date_words, file_name, series_words, title
from napari_lungmtl.training.imaging.image import Image

UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.100925"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"metadata": {"patient_id": "LIDC-3", "series_description": "Thorax"}, "series_uid": UID}, "LIDC-3"),
        ({"source": Path("/data/case7.nii.gz"), "series_uid": UID}, "case7"),
        ({"source": Path(f"/data/{UID}.mhd"), "series_uid": UID, "metadata": {"series_description": "Thorax"}}, "Thorax"),
        ({"source": Path(f"/data/{UID}.mhd"), "series_uid": UID}, "…01.100925"),
        ({"series_uid": "by hand"}, "by hand"),
    ],
)  # fmt: skip
def test_the_case_has_the_name_that_people_know(fields, name):
    image = Image(np.zeros((2, 3, 4), np.int16), "CT", (1.0, 1.0, 1.0), **fields)
    assert case_name(image) == name
    assert title(image) == f"CT  {name}"


def test_kinds_dates_and_files_in_words():
    film = Image(np.zeros((3, 4), np.uint8), "", None, series_uid="x")
    assert series_words(film) == "radiograph"
    assert (date_words("20000131"), date_words("unknown"), date_words("")) == ("2000-01-31", "unknown", "")
    assert (file_name(None), file_name(Path("a/b.png")), file_name(f"{UID}.dcm")) == ("", "b", "")
