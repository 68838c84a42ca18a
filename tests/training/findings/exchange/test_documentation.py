"""The page on formats lists what the program says at export."""

import re
from pathlib import Path

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings.export import FILE_NAMES
from napari_lungmtl.training.findings.held import ASPECTS, LOST, MEANING, OUT

PAGE = Path(__file__).parents[4] / "docs" / "formats.md"


def test_every_format_has_a_file_name_and_its_losses_in_the_page():
    assert set(FILE_NAMES) == set(LOST) == set(Format)
    rows = dict(
        re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", PAGE.read_text().partition("## What a format")[2], re.M)
    )
    said = {
        format.value: ", ".join(a if lost[a] == OUT else f"{a} ({lost[a]})" for a in ASPECTS if a in lost)
        or "nothing"
        for format, lost in LOST.items()
    }
    assert rows == said


def test_words_that_need_it_are_explained():
    page = PAGE.read_text()
    assert all(f"* *{aspect}*: {words}" in page for aspect, words in MEANING.items())
    assert set(MEANING) < set(ASPECTS)
    assert all(set(lost) <= set(ASPECTS) for lost in LOST.values())
