"""Tags and notes of a case: beside its findings, where a person may write, and of no harm where they are damaged."""

import pytest

from napari_lungmtl.session.case_notes import SUFFIX, CaseNotes, read_notes, write_notes
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.imaging.find import Unreadable, find_series
from napari_lungmtl.training.imaging.series import Series

from ...stand_ins.case_folder import write_film, write_scan


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """The folder of the user, who runs no tests."""
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *_, **__: tmp_path / "mine")
    return tmp_path / "mine"


def sidecar(path):
    (series,) = (found for found in find_series(path) if isinstance(found, Series))
    return Sidecar.of_series(series)


def test_what_is_typed_is_tidied():
    typed = CaseNotes.typed([" ground  glass,vessel; ;vessel", "big"], "  one\nline ")
    assert typed == CaseNotes(("ground glass", "vessel", "big"), "one line")


def test_notes_lie_beside_the_image_and_are_no_image(tmp_path):
    film, scan = write_film(tmp_path / "films" / "a.png"), write_scan(tmp_path / "ct" / "b.nii.gz")
    for path, notes in ((film, CaseNotes(("x",))), (scan, CaseNotes((), "see März"))):
        place = sidecar(path)
        write_notes(place, notes)
        assert read_notes(sidecar(path)) == notes
        assert (path.parent / f"{path.name.partition('.')[0]}{SUFFIX}").is_file()
        assert not [found for found in find_series(path.parent) if isinstance(found, Unreadable)]
        write_notes(place, CaseNotes())
        assert not list(path.parent.glob(f"*{SUFFIX}"))
        assert read_notes(place) == CaseNotes()


def test_beside_what_may_not_be_written_they_are_kept_for_the_user(tmp_path, mine):
    scan = write_scan(tmp_path / "ct" / "b.nii.gz")
    earlier = CaseNotes((), "when it was writable")
    write_notes(sidecar(scan), earlier)
    scan.parent.chmod(0o555)
    try:
        assert read_notes(sidecar(scan)) == earlier
        write_notes(sidecar(scan), CaseNotes(("mine",)))
        assert read_notes(sidecar(scan)) == CaseNotes(("mine",))
        assert list((mine / "findings").glob(f"*{SUFFIX}"))
    finally:
        scan.parent.chmod(0o755)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tags": 3, "note": ""}', '{"note": "x"}'])
def test_a_damaged_file_says_nothing(tmp_path, text):
    place = sidecar(write_scan(tmp_path / "b.nii.gz"))
    (tmp_path / f"b{SUFFIX}").write_text(text)
    assert read_notes(place) == CaseNotes()
