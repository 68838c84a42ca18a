"""Text in pixels is pointed at: printed names on radiographs and pictures, and what a header says of them."""

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from napari_lungmtl.training.findings import Findings, ImageReference
from napari_lungmtl.training.findings.identity.burnt_in import burnt_in, text_lines
from napari_lungmtl.training.imaging import read_image
from tests.stand_ins.exchanged import opened, radiograph, series


def ribs(side: int = 600) -> np.ndarray:
    """Smooth shadows, bright stripes and a lead marker of two letters: no text."""
    y, x = np.indices((side, side)) / side
    stripes = 0.25 * (np.sin(28 * (y + 0.3 * (x - 0.5) ** 2)) > 0.8)
    noise = np.random.default_rng(0).normal(0, 0.01, y.shape)
    pixels = 0.5 + 0.3 * np.cos(6 * (x - 0.5)) * np.cos(3 * (y - 0.5)) + stripes + noise
    return printed(pixels, "L 7", (540, 40), 30)


def printed(
    pixels: np.ndarray, words: str, at: tuple[int, int], size: int, bright: bool = True
) -> np.ndarray:
    """The picture with words in its brightest or darkest value; `at` is column and row."""
    stamp = Picture.new("L", pixels.shape[::-1], 0)
    ImageDraw.Draw(stamp).text(at, words, fill=255, font=ImageFont.load_default(size=size))
    mask = np.asarray(stamp) / 255.0
    return pixels * (1 - mask) + mask * (pixels.max() if bright else pixels.min())


@pytest.mark.parametrize("bright", [True, False])
@pytest.mark.parametrize("size", [10, 18, 36])
def test_a_printed_name(size, bright):
    assert text_lines(ribs()) == []
    row, column = (60, 20) if bright else (300, 150)  # dark letters on what is bright
    (line,) = text_lines(printed(ribs(), "WEBER Anna 1950", (column, row), size, bright))
    assert row - 5 <= line.top < line.bottom <= row + 5 + 1.5 * size
    assert column - 5 <= line.left < column + 20


def test_flat_and_tiny_pictures():
    assert text_lines(np.zeros((400, 300))) == []
    assert text_lines(np.ones((4, 4))) == []


def test_what_is_handed_on_is_looked_into(tmp_path):
    image, _ = opened(radiograph(tmp_path / "cr"))
    case = Findings((), ImageReference.of(image))
    assert list(burnt_in([case], None)) == []
    Picture.fromarray((255 * ribs() / ribs().max()).astype(np.uint8)).save(tmp_path / "ribs.png")
    named = printed(ribs(), "WEBER Anna", (20, 60), 18)
    Picture.fromarray((255 * named / named.max()).astype(np.uint8)).save(tmp_path / "named.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    names = ("ribs.png", "named.png", "broken.png", "report.pdf")
    said = list(burnt_in([case], None, [tmp_path / name for name in names]))
    assert [one.split()[0] for one in said] == ["named.png", "broken.png", "report.pdf"]
    assert "1 line of text" in said[0]


def test_the_header_says_so(tmp_path):
    _, source = opened(series(tmp_path / "ct", BurnedInAnnotation="YES"))
    assert "burnt into their pixels" in next(burnt_in([], source))
    _, source = opened(series(tmp_path / "plain", BurnedInAnnotation="NO"))
    assert list(burnt_in([], source)) == []


def test_real_radiographs(lungmtl_data):
    """One with PORTABLE on it, and those of one hospital, which bear markers of lead only."""
    folder = lungmtl_data / "cxr"
    assert text_lines(read_image(next(folder.rglob("00000902_001.jpg"))).voxels)
    films = sorted(folder.glob("jsrt/**/JPCLN*.*"))[:3]
    assert len(films) == 3
    for film in films:
        pixels = read_image(film).voxels
        assert text_lines(pixels) == []
        size = pixels.shape[0] // 50
        assert text_lines(printed(pixels.astype(float), "WEBER Anna 1950", (3 * size, 3 * size), size))
