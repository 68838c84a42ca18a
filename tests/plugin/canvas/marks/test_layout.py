"""Where captions and the table stand: never over a mark, each other or the canvas's edge, however many there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.canvas.marks import layout
from napari_lungmtl.canvas.marks.layout import Shape, overlap

CANVAS = (8.0, 8.0, 592.0, 792.0)
SIZE = (18.0, 150.0)

shapes = st.builds(
    lambda row, column, half, wide, round: Shape(
        (row - half, column - half * (1 if round else wide), row + half, column + half), round
    ),
    *(st.floats(-60, 660), st.floats(-60, 860), st.floats(3, 90), st.floats(0.3, 3), st.booleans()),
)
sizes = st.one_of(st.none(), st.tuples(st.floats(12, 22), st.floats(30, 260)))
rectangles = st.builds(
    lambda row, column, high, wide: (row, column, row + high, column + wide),
    *(st.floats(0, 560), st.floats(0, 700), st.floats(5, 120), st.floats(5, 200)),
)


def holds(outer, inner) -> bool:
    return all(inner[i] >= outer[i] - 1e-6 and inner[i + 2] <= outer[i + 2] + 1e-6 for i in (0, 1))


def room_for(size, blocked, step=4.0) -> bool:
    """Whether a caption fits anywhere, by trying every place of a grid."""
    rows = np.arange(CANVAS[0], CANVAS[2] - size[0] + 1e-9, step)
    columns = np.arange(CANVAS[1], CANVAS[3] - size[1] + 1e-9, step)
    free = np.ones((len(rows), len(columns)), bool)
    for top, left, bottom, right in blocked:
        free &= ~np.outer(
            (rows < bottom) & (rows + size[0] > top), (columns < right) & (columns + size[1] > left)
        )
    return bool(free.any())


@given(st.lists(st.tuples(shapes, sizes), max_size=14), st.lists(rectangles, max_size=4))
def test_no_caption_covers_a_mark_another_text_or_a_caption_and_none_is_cut_off(marks, taken) -> None:
    given_shapes = [shape for shape, _ in marks]
    places = layout.place_captions(given_shapes, [size for _, size in marks], CANVAS, taken)
    placed = []
    for (shape, size), place in zip(marks, places, strict=True):
        if place is None:
            continue
        assert (place.rectangle[2] - place.rectangle[0], place.rectangle[3] - place.rectangle[1]) == (
            pytest.approx(size)
        )
        assert holds(CANVAS, place.rectangle)
        assert not any(overlap(place.rectangle, other.rectangle) for other in given_shapes)
        assert not any(overlap(place.rectangle, other) for other in taken)
        assert overlap(shape.rectangle, CANVAS)
        placed.append(place.rectangle)
    assert not any(overlap(a, b) for a, b in itertools.combinations(placed, 2))
    blocked = [*(shape.rectangle for shape in given_shapes), *taken, *placed]
    for (shape, size), place in zip(marks, places, strict=True):
        left_out = place is None and size is not None and overlap(shape.rectangle, CANVAS)
        assert not (left_out and room_for(size, blocked)), "there was room"


@given(shapes, st.tuples(st.floats(0, 500), st.floats(0, 600)))
def test_a_line_leads_from_the_captions_edge_to_the_outline(shape, corner) -> None:
    caption = (*corner, corner[0] + SIZE[0], corner[1] + SIZE[1])
    start, end = layout.leader(caption, shape)
    top, left, bottom, right = shape.rectangle
    assert holds(caption, (*start, *start))
    assert holds(shape.rectangle, (*end, *end))
    middle, half = np.array([top + bottom, left + right]) / 2, np.array([bottom - top, right - left]) / 2
    if shape.round and not overlap(caption, shape.rectangle):
        assert np.hypot(*((end - middle) / half)) == pytest.approx(1, abs=1e-6)


def test_a_lone_caption_stands_close_above_without_a_line() -> None:
    [place] = layout.place_captions([Shape((300, 300, 320, 320), True)], [SIZE], CANVAS)
    assert place.rectangle[2] == 300 - layout.GAP
    assert place.rectangle[1] == 300
    assert place.leader is None


def test_at_the_edge_a_caption_goes_to_the_other_side() -> None:
    [right] = layout.place_captions([Shape((300, 775, 320, 795))], [SIZE], CANVAS)
    assert right.rectangle[3] <= CANVAS[3]
    [top] = layout.place_captions([Shape((2, 300, 40, 340))], [SIZE], CANVAS)
    assert top.rectangle[0] == 40 + layout.GAP


def test_in_a_crowd_captions_move_away_and_lines_cross_no_other_mark() -> None:
    crowd = [
        Shape((200 + 22 * r, 300 + 22 * c, 220 + 22 * r, 320 + 22 * c), True)
        for r in range(4)
        for c in range(4)
    ]
    places = layout.place_captions(crowd, [SIZE] * len(crowd), CANVAS)
    assert None not in places
    leaders = [(n, p.leader) for n, p in enumerate(places) if p.leader is not None]
    assert leaders
    for n, line in leaders:
        if n in (0, 3, 12, 15):  # the corners of the block can be reached from outside
            others = [s.rectangle for k, s in enumerate(crowd) if k != n]
            assert not any(layout.crosses(line, other) for other in others)


def test_the_first_marks_choose_first_and_what_has_no_room_is_left_out() -> None:
    small = (0.0, 0.0, 60.0, 160.0)
    marks = [Shape((22, 70, 38, 86)), Shape((22, 30, 38, 46)), Shape((22, 110, 38, 126))]
    places = layout.place_captions(marks, [SIZE] * 3, small)
    assert [place is not None for place in places] == [True, True, False]


@given(st.lists(shapes, max_size=10), rectangles, st.tuples(st.floats(20, 180), st.floats(60, 240)))
def test_the_table_covers_no_mark_and_stays_on_the_canvas(marks, image, size) -> None:
    obstacles = [mark.rectangle for mark in marks]
    place = layout.place_table(size, CANVAS, obstacles, image)
    if place is None:
        assert not room_for(size, obstacles)
        return
    assert holds(CANVAS, place)
    assert not any(overlap(place, obstacle) for obstacle in obstacles)


def test_the_table_keeps_to_the_corner_and_off_the_image() -> None:
    whole = (0.0, 0.0, 600.0, 800.0)
    assert layout.place_table((160, 200), CANVAS, [], whole) == (8, 592, 168, 792)
    below = layout.place_table((160, 200), CANVAS, [], (0.0, 0.0, 400.0, 800.0))
    assert below[0] >= 400, "where there is no image"
    beside = layout.place_table((160, 200), CANVAS, [(0, 700, 100, 800)], whole)
    assert beside[3] <= 700 or beside[0] >= 100
    assert layout.place_table((160, 200), CANVAS, [whole], whole) is None


@pytest.mark.parametrize(
    ("line", "there"),
    [
        (((0, 0), (10, 10)), True),
        (((0, 0), (3, 3)), False),
        (((0, 6), (20, 6)), True),
        (((0, 4), (20, 4)), False),
        (((9, 9), (6, 6)), True),
    ],
)
def test_lines_and_rectangles(line, there) -> None:
    assert layout.crosses(line, (4, 4, 8, 8)) == there
