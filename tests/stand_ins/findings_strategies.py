"""Arbitrary findings for property tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_lungmtl.training.findings import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    ImageReference,
    ImageScore,
    Mask,
    Opinion,
    Provenance,
    Region,
    Sphere,
)
from napari_lungmtl.training.findings.formats.pixels import PixelBox
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation

mm = st.floats(-2000, 2000, allow_nan=False)
unit = st.floats(0, 1)
words = st.text(max_size=20)
sizes = st.floats(0.01, 300)
spheres = st.builds(Sphere, st.tuples(mm, mm, mm), sizes)
boxes = st.builds(
    lambda y, x, h, w: Box((y, x), (y + h, x + w)), *(st.floats(-100, 3000),) * 2, *(st.floats(0.5, 500),) * 2
)


@st.composite
def masks(draw):
    dims = draw(st.integers(2, 3))
    array = draw(npst.arrays(bool, draw(npst.array_shapes(min_dims=dims, max_dims=dims, max_side=6))))
    array.flat[draw(st.integers(0, array.size - 1))] = True
    spacing = draw(st.tuples(*(st.floats(0.1, 5),) * dims))
    return Mask.from_array(array, spacing, draw(st.tuples(*(mm,) * dims)))


scales = st.dictionaries(st.sampled_from(ATTRIBUTES), st.floats(1, 6))
shares = st.lists(st.floats(0.01, 1), min_size=2, max_size=6).map(lambda v: tuple(x / sum(v) for x in v))
votes = st.dictionaries(st.sampled_from(("malignancy", *ATTRIBUTES)), shares, max_size=3)
parts = st.lists(st.tuples(unit, words), max_size=4)


def opinions_of(model):
    """What a network of that name might say."""
    return st.builds(
        lambda said, **fields: Opinion(
            model, view_scores=tuple(p for p, _ in said), view_names=tuple(w for _, w in said), **fields
        ),
        parts,
        version=words,
        malignancy=unit,
        std=unit,
        fold_scores=st.lists(unit, max_size=5).map(tuple),
        attributes=scales,
        attribute_spread=st.dictionaries(st.sampled_from(ATTRIBUTES), st.floats(0, 3)),
        notes=st.lists(words, max_size=2).map(tuple),
    )


opinions = st.lists(st.sampled_from(["mtmr", "mtcnn"]), unique=True).flatmap(
    lambda names: st.tuples(*(opinions_of(name) for name in sorted(names, reverse=True)))
)
findings_items = st.builds(
    Finding,
    geometry=spheres | boxes | masks(),
    score=unit,
    malignancy=st.none() | unit,
    malignancy_spread=st.none() | unit,
    attributes=scales,
    votes=votes,
    unlike=st.none() | unit,
    opinions=opinions,
    scores=st.dictionaries(words, unit, max_size=3),
    members=st.lists(spheres, max_size=3).map(tuple),
    provenance=st.builds(Provenance, words, words, words),
    status=st.sampled_from(["unreviewed", "accepted", "rejected"]),
    note=words,
)
references = st.builds(
    ImageReference,
    series_uid=words,
    source=words,
    modality=st.sampled_from(["CT", "DX", ""]),
    shape=st.tuples(*(st.integers(1, 900),) * 3),
    spacing=st.none() | st.tuples(*(st.floats(0.1, 5),) * 3),
    origin=st.tuples(mm, mm, mm),
    units=st.sampled_from(["mm", "pixel"]),
)
models = st.lists(st.fixed_dictionaries({"name": words, "version": words, "sha256": words}), max_size=2)
image_scores = st.lists(
    st.builds(ImageScore, words, words, unit, unit), max_size=2, unique_by=lambda s: s.model
).map(tuple)
regions = st.lists(
    st.builds(Region, words, masks(), st.builds(Provenance, words, words, words)),
    max_size=2,
    unique_by=lambda r: r.name,
).map(tuple)
all_findings = st.builds(
    Findings,
    st.lists(findings_items, max_size=5).map(tuple),
    references,
    models.map(tuple),
    image_scores,
    regions,
    st.none() | st.builds(Orientation, st.integers(0, 3), st.booleans(), st.booleans()),
    st.lists(words, max_size=2).map(tuple),
    done_by=words,
)


def assert_same_sphere(a: Sphere, b: Sphere) -> None:
    np.testing.assert_array_equal(a.center, b.center)
    assert a.diameter == b.diameter


lengths = st.floats(0.05, 3)
planes = st.builds(
    lambda spacing, origin: ImageReference("a", shape=(4000, 4000), spacing=spacing, origin=origin),
    st.none() | st.tuples(lengths, lengths),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
pixel_boxes = st.builds(
    PixelBox, *(st.integers(-50, 3000).map(float),) * 2, *(st.integers(1, 900).map(float),) * 2
)
