"""Rows of the list of cases, without a window: their order, which are listed, what tells them apart, their pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.panel.cases.case import ORDERS, Case, case_of, is_listed, key_of, ordered
from napari_lungmtl.panel.cases.open_cases import beside
from napari_lungmtl.panel.cases.thumbnail import SIDE, read_thumbnail, thumbnail_of
from napari_lungmtl.session.case_notes import CaseNotes
from napari_lungmtl.session.case_summary import CaseSummary
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.case_list.figures import CaseFigures
from napari_lungmtl.training.findings import Findings, ImageReference
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.imaging.find import Unreadable, find_series
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation

from ...stand_ins.linear_series import stack, write


def case(name: str, **values: object) -> Case:
    summary = {k: values.pop(k) for k in ("state", "score", "findings") if k in values}
    return Case(name, name, summary=CaseSummary(**summary), **values)  # type: ignore[arg-type]


def names(cases: list[Case]) -> list[str]:
    return [each.name for each in cases]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_keeps_every_case_and_puts_the_unknown_last(order, descending):
    cases = [
        case("b", score=0.5, findings=2, modality="CT", date="2000-01-31", state="done"),
        case("a"),
        case("c", score=0.9, findings=0, modality="DX", date="2001-01-31", state="in work"),
        case("d", problem="d is cut off."),
    ]
    result = ordered(cases, order, descending)
    assert sorted(names(result)) == ["a", "b", "c", "d"]
    expected = {
        "score": ["c", "b", "a", "d"] if descending else ["b", "c", "a", "d"],
        "state": ["d", "b", "c", "a"] if descending else ["a", "c", "b", "d"],
        "as found": ["b", "a", "c", "d"],
        "name": ["d", "c", "b", "a"] if descending else ["a", "b", "c", "d"],
    }
    assert names(result) == expected.get(order, names(result))


def test_words_and_state_choose():
    one = case("Anna", modality="CT", date="2000-01-31", state="in work")
    assert is_listed(one, "ct 2000", "")
    assert is_listed(one, "anna", "in work")
    assert not is_listed(one, "anna", "done")
    assert not is_listed(one, "anna dx", "")
    assert is_listed(case("x", problem="x is cut off."), "", "unreadable")


def test_the_next_one_is_round_at_the_ends_and_over_what_cannot_be_read(tmp_path):
    write(stack(4), tmp_path)
    (series,) = [found for found in find_series(tmp_path) if found is not None]
    rows = [case_of(series), case_of(Unreadable(tmp_path / "x.png", "x.png is empty.")), case_of(series)]
    assert beside(rows, rows[0], 1) is rows[2]
    assert beside(rows, rows[2], 1) is rows[0]
    assert beside(rows, None, -1) is rows[2]
    assert beside(rows[:2], rows[0], 1) is None


def test_dicom_is_one_case_whichever_file_of_it_is_opened_and_films_of_one_name_are_two(tmp_path):
    file = write(stack(4), tmp_path / "ct")[0]
    (series,) = [found for found in find_series(tmp_path) if found is not None]
    image = read_image(file)
    assert key_of(series.path, series.uid) == key_of(image.source, image.series_uid) == "1.2.3.4"
    films = [tmp_path / patient / "frontal.png" for patient in ("p1", "p2")]
    for film in films:
        film.parent.mkdir()
        film.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert len({key_of(film, "frontal") for film in films}) == 2


def test_thumbnails_have_square_pixels_and_the_lung_window():
    voxels = np.full((5, 100, 200), 40, np.int16)
    voxels[2, :, :100] = -1000  # the middle slice alone
    picture = thumbnail_of(Image(voxels, "CT", (2.5, 1.0, 0.5)))
    assert picture.shape == (SIDE, SIDE)
    assert (picture[:, : SIDE // 2 - 1].max(), picture[:, SIDE // 2 + 1 :].min()) == (60, 236)
    film = thumbnail_of(Image(np.linspace(0, 4000, 600).reshape(30, 20)))
    assert film.shape == (SIDE, round(SIDE * 20 / 30))
    assert film[0].max() < 20 < 230 < film[-1].min()


def test_the_thumbnail_of_a_turned_film_is_held_as_it_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *_, **__: tmp_path)
    image = Image(np.linspace(0, 4000, 600).reshape(30, 20))
    held = Orientation(quarters=1, inverted=True)
    stored = thumbnail_of(image)
    np.testing.assert_array_equal(thumbnail_of(image, held), held.apply(255 - stored))
    path = tmp_path / "film.png"
    Picture.fromarray(np.add.outer(np.arange(60), np.arange(40)).astype(np.uint8)).save(path)
    (series,) = [found for found in find_series(tmp_path) if found is not None]
    film = read_image(path)
    write_findings(Findings(image=ImageReference.of(film), orientation=held), Sidecar(film).path)
    np.testing.assert_array_equal(read_thumbnail(series), thumbnail_of(film, held))


def test_of_a_dicom_series_the_middle_file_is_read(tmp_path):
    files = write(stack(5), tmp_path)
    (series,) = [found for found in find_series(tmp_path) if found is not None]
    for file in files:
        if file != series.files[2]:
            file.unlink()
    assert read_thumbnail(series).shape == (SIDE, SIDE)


def test_conditions_ask_for_figures_and_words_for_tags():
    hard = case(
        "a", score=0.9, figures=CaseFigures(2, 0.8), notes=CaseNotes(("ground glass",), "beside a vessel")
    )
    easy = case("b", figures=CaseFigures(0))
    for words, listed in {
        "missed>0": [hard],
        "missed=0": [easy],
        "missed>=0": [hard, easy],
        "false>0.7 glass": [hard],
        "false<1": [hard],  # of the other nobody knows
        "distance>0": [],
        "score>.5 VESSEL": [hard],
        "missed>": [],  # no condition, and no word of theirs
        "other>3": [],
    }.items():
        assert [each for each in (hard, easy) if is_listed(each, words, "")] == listed, words
