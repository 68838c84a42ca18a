"""Generated findings through every format: what comes back differs from what went by what `held.LOST` lists, and nothing else.

LUNGMTL_ROUND_TRIPS=200 makes it two hundred sets of findings for each format instead of a few.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import fields as fields_of
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
    Opinion,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.change import Change
from napari_lungmtl.training.findings.export import FILE_NAMES, export, tellable
from napari_lungmtl.training.findings.held import ASPECTS, LOST, OUT, lost_of
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


FULL = Finding(
    Sphere((40.2, -10.3, -5.1), 5.3),
    0.625,
    malignancy=0.7,
    malignancy_spread=0.125,
    attributes={"spiculation": 4.0, "texture": 5.0},
    opinions=(Opinion("net", "0.1", 0.7, 0.125, notes=("padded",)),),
    scores={"rpn": 0.5},
    members=(Sphere((40.0, -10.0, -5.0), 4.0),),
    provenance=Provenance("net", "0.1", "ann"),
    status="rejected",
    note="beside the fissure",
    id="0123456789ab",
    number=3,
    tracking_uid="1.2.826.0.1.3680043.8.498.7",
    reason="vessel",
    confidence=0.75,
    label="spiculated",
    votes={"malignancy": (0.1, 0.2, 0.3, 0.2, 0.2)},
    unlike=0.25,
    history=(Change("status", "rejected", "ann", "2024-05-06T10:11:12+02:00"),),
)
ASPECTS_OF = {
    "geometry": {"spheres", "masks", "boxes"},
    "score": {"scores"},
    "malignancy": {"malignancy"},
    "malignancy_spread": {"spread"},
    "attributes": {"attributes"},
    "opinions": {"opinions"},
    "scores": {"parts"},
    "members": {"parts"},
    "provenance": {"networks", "people"},
    "status": {"status", "rejected"},
    "note": {"notes"},
    "id": {"numbers"},
    "number": {"numbers"},
    "tracking_uid": {"numbers"},
    "reason": {"reasons"},
    "confidence": {"confidence"},
    "label": {"labels"},
    "votes": {"votes"},
    "unlike": {"votes"},
    "history": {"histories"},
}
"""By field of a finding what `held` calls it."""


def test_every_field_has_a_name_and_is_counted_by_it():
    names = {field.name for field in fields_of(Finding)}
    assert set(ASPECTS_OF) == names
    plain = Finding(Sphere((0, 0, 0), 1))
    assert {n for n in names if getattr(FULL, n) == getattr(plain, n)} == set(), "the example has them all"
    counted = {aspect for aspect, count in ASPECTS.items() if count(Findings((FULL,)))}
    assert all(aspects & counted for aspects in ASPECTS_OF.values())


@pytest.mark.parametrize("format", [*OF_CT, *(f for f in OF_FILM if f not in OF_CT)])
def test_each_field_comes_back_or_is_named_as_lost(scan, film, format, tmp_path):
    image, _ = scan if format in OF_CT else film
    sent = FULL if format in OF_CT else FULL.with_(geometry=Box((2.0, 3.0), (8.0, 9.0)), members=())
    if "rejected" in LOST[format]:
        sent = sent.with_(status="accepted")
    findings = Findings((sent,), ImageReference.of(image), models=({"name": "net", "version": "0.1"},))
    export([findings], tmp_path / FILE_NAMES[format], format)
    (back,), _ = import_findings(tmp_path / FILE_NAMES[format], image)
    lost = lost_of([findings], format)
    kept = {name: getattr(sent, name) == getattr(back, name) for name in ASPECTS_OF} | {
        "geometry": same_geometry(sent.geometry, back.geometry, format),
        "score": np.isclose(sent.score, back.score, atol=1e-6),
        "malignancy": back.malignancy is not None and np.isclose(sent.malignancy, back.malignancy, atol=1e-6),
    }
    silent = {name for name, same in kept.items() if not same and not ASPECTS_OF[name] & set(lost)}
    assert not silent, (format, silent, back)


def test_a_report_and_its_reader_keep_what_a_person_said(scan, tmp_path):
    image, _ = scan
    findings = Findings(
        (FULL, Finding(Sphere((42.0, -8.0, -3.0), 4.0), id="ba9876543210")), ImageReference.of(image)
    )
    export([findings], tmp_path / "a.dcm", Format.DICOM_SR)
    back, _ = import_findings(tmp_path / "a.dcm", image)
    said = [(f.label, f.reason, f.confidence, f.note, f.score) for f in back]
    assert said == [("spiculated", "vessel", 0.75, "beside the fissure", 0.625), ("", "", None, "", 1.0)]
    assert not {"labels", "reasons", "confidence", "notes"} & set(lost_of([findings], Format.DICOM_SR))
