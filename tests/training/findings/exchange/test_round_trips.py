"""Generated findings through every format: what comes back differs from what went by what `held.LOST` lists, and nothing else.

LUNGMTL_ROUND_TRIPS=200 makes it two hundred sets of findings for each format instead of a few.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    ImageReference,
    Mask,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.export import FILE_NAMES, export, tellable
from napari_lungmtl.training.findings.held import LOST, OUT, lost_of
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.findings.lidc_scales import SCALE_MAX
from tests.stand_ins.exchanged import opened, radiograph, series

GRID = (8, 10, 12)
HEIGHTS = [30 + 2.5 * k for k in range(8)]
grades = {name: st.integers(1, SCALE_MAX[name]).map(float) for name in ATTRIBUTES}
words = st.text("abcäöü =+-@'\"é漢", max_size=12).map(lambda text: " ".join(text.split()))


def fields() -> dict[str, st.SearchStrategy]:
    return {
        "score": st.floats(0, 0.999),
        "malignancy": st.none() | st.floats(0, 1),
        "malignancy_spread": st.none() | st.floats(0, 0.5),
        "attributes": st.fixed_dictionaries({}, optional=grades),
        "status": st.sampled_from(["unreviewed", "accepted", "rejected"]),
        "note": words,
        "provenance": st.sampled_from([Provenance("net", "0.1"), Provenance("other", "2.0")]),
        "number": st.integers(0, 0),
    }


@st.composite
def ct_findings(draw, image):
    """Spheres and masks that do not overlap: each has a block of the lattice of its own."""
    items = []
    for place in draw(st.lists(st.integers(0, 7), min_size=1, max_size=5, unique=True)):
        corner = np.array([place % 2 * 4, place // 2 % 2 * 5, place // 4 * 6])
        if draw(st.booleans()):
            middle = image.to_world(corner + [1.5, 2.0, 2.5])
            shift = draw(st.tuples(*(st.floats(-0.5, 0.5),) * 3))
            geometry = Sphere(tuple(middle + shift), draw(st.floats(3.5, 4.0)))
        else:
            inside = np.zeros(GRID, bool)
            block = draw(st.integers(1, 2**24 - 1))
            bits = np.array([block >> k & 1 for k in range(24)], bool).reshape(2, 3, 4)
            inside[corner[0] : corner[0] + 2, corner[1] : corner[1] + 3, corner[2] : corner[2] + 4] = bits
            geometry = Mask.from_voxels(np.argwhere(inside), image.scale, image.origin)
        items.append(draw(st.builds(Finding, geometry=st.just(geometry), **fields())))
    return _findings(items, image)


@st.composite
def film_findings(draw, image):
    """Boxes and planar masks of a radiograph."""
    items = []
    corners = st.tuples(st.integers(0, 20), st.integers(0, 30))
    for y, x in draw(
        st.lists(corners, min_size=1, max_size=4, unique=True)
    ):  # a box that is there twice counts once
        h, w = draw(st.integers(2, 12)), draw(st.integers(2, 12))
        if draw(st.booleans()):
            low, high = (image.to_world(np.array(corner) - 0.5) for corner in ((y, x), (y + h, x + w)))
            geometry = Box(tuple(low), tuple(high))
        else:
            index = np.argwhere(np.ones((h, w), bool))[draw(st.integers(0, h * w - 1)) :] + (y, x)
            geometry = Mask.from_voxels(index, image.scale, image.origin)
        items.append(draw(st.builds(Finding, geometry=st.just(geometry), **fields())))
    return _findings(items, image)


def _findings(items, image) -> Findings:
    return Findings(
        tuple(f.with_(number=n) for n, f in enumerate(items, 1)),
        ImageReference.of(image),
        models=({"name": "net", "version": "0.1", "sha256": "ab" * 32},),
    )


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return opened(series(tmp_path_factory.mktemp("ct"), shuffled=True))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return opened(radiograph(tmp_path_factory.mktemp("cr")))


WRITTEN_ONLY = (Format.DICOM_CAD, Format.DICOM_KO)
OF_CT = [f for f in Format if f not in (Format.NODE21, Format.COCO, Format.YOLO, *WRITTEN_ONLY)]
OF_FILM = [
    *(Format.JSON, Format.CSV, Format.NODE21, Format.COCO, Format.YOLO, Format.DICOM_SR, Format.DICOM_GSPS),
    *(Format.DICOM_SEG, Format.DICOM_LABELMAP),
]
BOXES = (Format.CSV, Format.NODE21, Format.YOLO, Format.DICOM_SR, Format.DICOM_GSPS)
"""Formats that hold a radiograph's mask as the box around it."""


def same_geometry(was, now, format: Format) -> bool:
    """Whether a geometry came back, or became what the table says."""
    if isinstance(was, Sphere) and format in (Format.DICOM_SEG, Format.DICOM_LABELMAP):
        return isinstance(now, Mask) and np.linalg.norm(np.subtract(was.center, now.center)) < 2.5
    if isinstance(was, Sphere):
        if (
            format is Format.DICOM_GSPS and now.center[0] in HEIGHTS
        ):  # cut by one slice: how high it lies is lost
            return abs(was.center[0] - now.center[0]) < 1.26 and np.allclose(
                was.center[1:], now.center[1:], atol=0.1
            )
        size = abs(was.diameter - now.diameter) < 0.1 or format is Format.LUNA16
        return isinstance(now, Sphere) and size and np.abs(np.subtract(was.center, now.center)).max() < 0.1
    if (
        isinstance(was, Mask)
        and len(was.shape) == 3
        and format in (Format.CSV, Format.DICOM_GSPS, Format.LUNA16)
    ):
        equal = Sphere(was.center, was.diameter)
        return same_geometry(equal, now, format)
    if isinstance(was, Mask) and len(was.shape) == 2 and format in BOXES:
        return same_geometry(was.box, now, format)
    if isinstance(was, Box):
        return isinstance(now, Box) and np.allclose([was.low, was.high], [now.low, now.high], atol=1e-3)
    return _voxels(was) == _voxels(now)


def _voxels(mask: Mask) -> set:
    index = np.argwhere(mask.to_array()) * np.asarray(mask.spacing) + np.asarray(mask.origin)
    return set(map(tuple, np.round(index, 3).tolist()))


def check(findings: Findings, image, format: Format) -> None:
    lost = LOST[format]
    sent = tellable(findings, format)
    if lost.get("boxes") == OUT:
        sent = sent.with_items(tuple(f for f in sent if not isinstance(f.geometry, Box)))
    if format is Format.DICOM_LABELMAP and len(image.shape) == 2:
        sent = sent.with_items(sent.items[:1])
    if not len(sent):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAMES[format]
        export([sent], path, format)
        back, _ = import_findings(path, image)
    if lost.get("numbers") == OUT:  # found again by their order
        pairs = list(zip(sent, back, strict=True))
    else:
        assert {f.id for f in back} == {f.id for f in sent}
        pairs = [(f, back[f.id]) for f in sent]
    for was, now in pairs:
        assert same_geometry(was.geometry, now.geometry, format), (format, was.geometry, now.geometry)
        kept = {
            "scores": np.isclose(was.score, now.score, atol=1e-6),
            "malignancy": (was.malignancy is None) == (now.malignancy is None)
            and np.isclose(was.malignancy or 0, now.malignancy or 0, atol=1e-6),
            "spread": was.malignancy_spread == now.malignancy_spread,
            "attributes": dict(was.attributes) == dict(now.attributes),
            "status": was.status == now.status,
            "notes": was.note == now.note,
            "networks": was.provenance == now.provenance,
            "numbers": was.number == now.number,
        }
        wrong = {aspect for aspect, held in kept.items() if not held and aspect not in lost}
        assert not wrong, (format, wrong, was, now)


QUICK = settings(
    max_examples=int(os.environ.get("LUNGMTL_ROUND_TRIPS", "4")),
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # an example of a DICOM object takes too long to be made small
)


@pytest.mark.parametrize("format", OF_CT)
def test_findings_of_a_ct(scan, format):
    image, _ = scan

    @QUICK
    @given(ct_findings(image))
    def through(findings):
        check(findings, image, format)

    through()


@pytest.mark.parametrize("format", OF_FILM)
def test_findings_of_a_radiograph(film, format):
    image, _ = film

    @QUICK
    @given(film_findings(image))
    def through(findings):
        check(findings, image, format)

    through()


def test_only_what_findings_have_is_said_to_be_lost(scan):
    image, _ = scan
    plain = Findings(
        (Finding(Sphere((40, -10, -5), 4), provenance=Provenance("net", "1")),), ImageReference.of(image)
    )
    assert lost_of([plain], Format.DICOM_SR) == {}
    noted = plain.with_items((plain[0].with_(note="here"),))
    assert lost_of([noted], Format.CSV) == {}
    assert lost_of([noted], Format.LUNA16)["notes"] == OUT
    assert lost_of([replace(plain, done_by="A")], Format.CSV) == {
        "people": "who drew or corrected, not who read"
    }
