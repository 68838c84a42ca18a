"""The lung field on phantoms, whose lungs are known exactly, and on real slices."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.data.phantoms import NoduleSpec, Phantom, PhantomSpec, Scanner, make_phantom
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.imaging.errors import ImageError, NoLungFoundError
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.orient import to_lps
from napari_lungmtl.training.ops.masks import dice

DATA = os.environ.get("LUNGMTL_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="LUNGMTL_DATA is not set")


@cache
def phantom(seed: int = 3) -> Phantom:
    nodules = (
        NoduleSpec(30, place="juxtapleural"),
        NoduleSpec(20, place="juxtapleural", lobulation=3),
        NoduleSpec(10, place="juxtapleural"),
        NoduleSpec(8),
        NoduleSpec(12, place="juxtavascular", texture="part-solid"),
    )
    return make_phantom(
        PhantomSpec(seed, nodules, spacing=(2, 1.5, 1.5), z_range=(-60, 50), scanner=Scanner(noise=40))
    )


@cache
def straight(seed: int = 3) -> np.ndarray:
    """The field of the whole phantom, to be read only."""
    return lung_field(phantom(seed).image)


def part(image: Image, where: tuple[slice, slice, slice]) -> Image:
    """A cut of an image that keeps its place."""
    start = image.to_index(image.origin) + [s.indices(n)[0] for s, n in zip(where, image.shape, strict=True)]
    return replace(image, voxels=image.voxels[where], origin=tuple(image.to_world(start)))


@pytest.mark.parametrize("seed", [3, 5])
def test_agrees_with_the_exact_lungs_and_keeps_every_nodule(seed):
    p = phantom(seed)
    field = straight(seed)
    assert field.shape == p.image.shape
    assert field.dtype == bool
    assert dice(field, p.lung_mask) > 0.97
    for number, finding in enumerate(p.truth):
        assert field[tuple(np.rint(p.image.to_index(finding.center)).astype(int))], finding.note
        assert field[p.nodule_mask(number)].mean() > 0.9, (finding.note, finding.diameter)


def test_a_slab_of_25_mm_and_slices_of_5_mm_are_enough():
    whole = phantom().image
    slab = lung_field(part(whole, np.s_[16:26, :, :]))
    assert dice(slab, phantom().lung_mask[16:26]) > 0.94
    thick = make_phantom(PhantomSpec(3, spacing=(5, 1.5, 1.5), z_range=(-30, 0)))
    assert dice(lung_field(thick.image), thick.lung_mask) > 0.95


@pytest.mark.parametrize("left", [False, True])
def test_a_single_lung_is_found(left):
    p = phantom()
    middle = p.image.shape[2] // 2
    side = np.s_[:, :, middle:] if left else np.s_[:, :, :middle]
    assert dice(lung_field(part(p.image, side)), p.lung_mask[side]) > 0.95


@pytest.mark.parametrize("cut", ["right", "back", "all around"])
def test_a_field_of_view_that_cuts_the_lungs_keeps_them(cut):
    p = phantom()
    _, y, x = np.nonzero(p.lung_mask)
    inside = 8  # voxels of lung that are cut off
    front, back, right, left = y.min() + inside, y.max() - inside, x.min() + inside, x.max() - inside
    where = {
        "right": np.s_[:, :, right:],
        "back": np.s_[:, :back, :],
        "all around": np.s_[:, front:back, right:left],
    }[cut]
    assert dice(lung_field(part(p.image, where)), p.lung_mask[where]) > 0.94


def test_round_field_of_view_with_padding_against_the_lung():
    p = phantom()
    voxels = p.image.voxels.copy()
    _, ny, nx = voxels.shape
    y, x = np.ogrid[:ny, :nx]
    width = np.ptp(np.nonzero(p.lung_mask)[2])
    round_ = (y - ny / 2) ** 2 + (x - nx / 2) ** 2 < (0.46 * width) ** 2
    voxels[:, ~round_] = -2000
    assert (p.lung_mask & ~round_).any()
    assert dice(lung_field(replace(p.image, voxels=voxels)), p.lung_mask & round_) > 0.9


def test_table_mattress_and_arms_are_not_lung():
    p = phantom()
    voxels = np.pad(p.image.voxels, ((0, 0), (0, 40), (60, 60)), constant_values=-1000).astype(np.float32)
    voxels += np.random.default_rng(0).normal(0, 15, voxels.shape)
    voxels[:, -34:-14, 20:-20] = -820  # a foam mattress as dense as lung
    voxels[:, -36:-34, 18:-18] = voxels[:, -14:-12, 18:-18] = -100
    y, x = np.ogrid[: voxels.shape[1], : voxels.shape[2]]
    voxels[:, (y - 80) ** 2 + (x - 30) ** 2 < 22**2] = 40
    origin = np.asarray(p.image.origin) - [0, 0, 60 * 1.8]
    field = lung_field(replace(p.image, voxels=voxels, origin=tuple(origin)))
    expected = np.pad(p.lung_mask, ((0, 0), (0, 40), (60, 60)))
    assert dice(field, expected) > 0.95
    assert not field[:, -36:].any()
    assert not field[:, :, :58].any()


@pytest.mark.parametrize(
    ("axes", "degrees", "lowest"), [((0, 1), 3, -1000), ((0, 2), -8, -1000), ((1, 2), 20, -1024)]
)
def test_an_oblique_scan_has_the_lungs_of_a_straight_one(axes, degrees, lowest):
    """What lies beside a resampled scan is no air: else the cut lungs would run into the room."""
    image = phantom().image
    turn = np.eye(3)
    one, other = axes
    turn[one, one] = turn[other, other] = np.cos(np.radians(degrees))
    turn[one, other] = np.sin(np.radians(degrees))
    turn[other, one] = -turn[one, other]
    steps = np.diag(image.scale) @ turn
    voxels = np.maximum(image.voxels, lowest)
    straightened, spacing, origin, kind = to_lps(voxels, steps, np.zeros(3), "a scan")
    assert kind == "oblique"
    read = Image(straightened, "CT", spacing, origin)
    litres = lung_field(read).sum() * np.prod(spacing)
    assert litres == pytest.approx(straight().sum() * np.prod(image.scale), rel=0.03)


@pytest.mark.parametrize("padding", [-2000, -3024])
def test_a_round_field_of_view_may_be_padded_with_any_value(padding):
    """Scanners write −2000, LUNA16 holds −3024."""
    image = phantom().image
    y, x = (np.arange(n) - (n - 1) / 2 for n in image.shape[1:])
    beside = np.hypot(y[:, None], x) > min(image.shape[1:]) / 2
    expected = lung_field(replace(image, voxels=np.where(beside, np.int16(-1024), image.voxels)))
    field = lung_field(replace(image, voxels=np.where(beside, np.int16(padding), image.voxels)))
    assert dice(field, expected) > 0.98


def test_integers_and_floats_agree():
    image = phantom().image
    as_float = replace(image, voxels=image.voxels.astype(np.float32))
    assert np.array_equal(straight(), lung_field(as_float))


@pytest.mark.parametrize("level", [0, -1000, 40])
def test_says_when_there_is_no_lung(level):
    voxels = np.full((30, 100, 100), level, np.int16)
    with pytest.raises(NoLungFoundError, match="no lung was found"):
        lung_field(Image(voxels, "CT", (2.0, 2.0, 2.0), source=Path("water.nii")))


def test_a_body_without_lungs_is_named_in_the_message():
    voxels = np.full((30, 120, 120), -1000, np.int16)
    voxels[:, 20:100, 20:100] = 40
    voxels[10:20, 40:60, 40:70] = -990  # gas in the bowel
    with pytest.raises(NoLungFoundError, match="abdomen"):
        lung_field(Image(voxels, "CT", (2.0, 2.0, 2.0), source=Path("abdomen.nii")))


def test_asks_for_a_volume_with_spacing():
    with pytest.raises(ImageError, match="spacing"):
        lung_field(Image(np.zeros((4, 4))))


def real(name: str) -> Image:
    """Slices read with pydicom alone: these tests are about the field, not about our reader."""
    pydicom = pytest.importorskip("pydicom")
    # Findings may have been saved beside the slices.
    files = [f for f in sorted((Path(str(DATA)) / name).iterdir()) if not f.name.endswith(".lungmtl.json")]
    slices = [pydicom.dcmread(f) for f in files]
    slices.sort(key=lambda d: float(d.ImagePositionPatient[2]))
    hu = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in slices])
    first, second = (d.ImagePositionPatient for d in slices[:2])
    spacing = (float(second[2] - first[2]), *map(float, slices[0].PixelSpacing))
    return Image(hu.astype(np.int16), "CT", spacing, tuple(float(c) for c in first[::-1]))


def litres(field: np.ndarray, image: Image) -> float:
    return float(field.sum() * np.prod(image.scale)) / 1e6


@needs_data
def test_real_slices_with_the_nodule_of_lidc_3():
    image = real("dicom/LIDC-IDRI-0003")
    field = lung_field(image)
    assert 0.7 < litres(field, image) < 0.9
    z, y, x = np.moveaxis(image.to_world(np.moveaxis(np.indices(image.shape), 0, -1)), -1, 0)
    ball = (z + 190.46) ** 2 + (y - 76.90) ** 2 + (x - 72.29) ** 2 < (21.45 / 2) ** 2
    assert field[ball].all()
    # Nothing of the bed or of the air around the patient.
    assert not field[:, 420:].any()
    assert not field[:, :60].any()


@needs_data
def test_real_slices_near_the_apex():
    image = real("dicom/LIDC-IDRI-0002")
    assert 0.2 < litres(lung_field(image), image) < 0.32


@needs_data
def test_gas_in_the_bowel_is_no_lung():
    with pytest.raises(NoLungFoundError):
        lung_field(real("ct/totalsegmentator/example_ct_dicom"))
