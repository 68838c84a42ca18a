"""OME-Zarr as other programs write it, and stores that are not whole."""

import json
import shutil

import numpy as np
import pytest
import zarr
from numcodecs import Blosc, GZip, Zstd
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec

from napari_lungmtl.training.imaging import ImageError, list_series, read_image, write_volume
from napari_lungmtl.training.imaging.errors import (
    BadGeometryError,
    CorruptFileError,
    TruncatedFileError,
    UnsupportedShapeError,
)

from ....stand_ins.linear_fields import ORIGIN, SPACING, check, field
from ....stand_ins.marked_volumes import marked

PACKED = {
    "blosc 2": (2, Blosc()),
    "gzip 2": (2, GZip()),
    "zstd 2": (2, Zstd()),
    "raw 2": (2, None),
    "blosc 3": (3, BloscCodec()),
    "gzip 3": (3, GzipCodec()),
    "crc32c 3": (3, [ZstdCodec(), Crc32cCodec()]),
}


def multiscale(unit="millimeter", factor=1.0, names="zyx", typed=True, scale=SPACING, shift=ORIGIN, **more):
    axes = [
        {"name": n, **({"type": "space"} if typed else {}), **({"unit": unit} if unit else {})} for n in names
    ]
    order = ["zyx".index(n) for n in names]
    transforms = []
    if scale is not None:
        transforms.append({"type": "scale", "scale": [scale[i] * factor for i in order]})
    if shift is not None:
        transforms.append({"type": "translation", "translation": [shift[i] * factor for i in order]})
    return {
        "version": "0.4",
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": transforms}],
        **more,
    }


def write(path, described, voxels=None, into="", version="0.4"):
    group = zarr.open_group(str(path / into), mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array(
        "0", data=field().voxels if voxels is None else voxels, config={"write_empty_chunks": True}
    )
    described = described if isinstance(described, list) else [described]
    attributes = (
        {"multiscales": described}
        if version == "0.4"
        else {"ome": {"version": version, "multiscales": described}}
    )
    group.attrs.update(attributes)
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("mm", 1),
        ("millimetre", 1),
        ("um", 1e3),
        ("µm", 1e3),
        ("μm", 1e3),
        ("micron", 1e3),
        ("nanometer", 1e6),
        ("cm", 0.1),
        ("meter", 1e-3),
    ],
)
def test_units_in_any_spelling(tmp_path, unit, factor, version):
    check(write(tmp_path / "a.zarr", multiscale(unit, factor), version=version))


@pytest.mark.parametrize("names", ["zyx", "xyz", "yxz"])
def test_axes_without_types_in_any_order(tmp_path, names):
    voxels = field().voxels.transpose(["zyx".index(n) for n in names])
    path = write(tmp_path / "a.zarr", multiscale(names=names, typed=False), voxels)
    check(path)
    assert list_series(path)[0].shape == (8, 10, 12)


def test_what_is_not_stated_is_said(tmp_path):
    check(write(tmp_path / "a.zarr", multiscale(unit=None)), "does not state the unit")
    image = read_image(write(tmp_path / "b.zarr", multiscale(scale=None)))
    assert image.spacing is None
    assert "does not state its voxel size" in image.warnings[0]
    image = read_image(write(tmp_path / "c.zarr", multiscale(factor=1e-3)))
    assert "far too small" in image.warnings[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": "second"},
        {"scale": (1, 0, 1)},
        {"scale": (1, -1, 1)},
        {"scale": (1, np.nan, 1)},
        {"shift": (0, np.inf, 0)},
        {"coordinateTransformations": [{"type": "affine", "affine": np.eye(4).tolist()}]},
        {"coordinateTransformations": [{"type": "scale", "scale": [2.0]}]},
        {"coordinateTransformations": [{"type": "scale", "path": "numbers"}]},
    ],
)
def test_places_that_are_none_are_refused(tmp_path, wrong):
    with pytest.raises(BadGeometryError, match=r"a\.zarr"):
        read_image(write(tmp_path / "a.zarr", multiscale(**wrong)))


@pytest.mark.parametrize("count", [1, 2])
def test_bioformats2raw(tmp_path, count):
    path = tmp_path / "a.zarr"
    zarr.open_group(str(path), mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    for k in range(count):
        write(path, multiscale(), field().voxels[None, None], into=str(k))
        axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *multiscale()["axes"]]
        transforms = [
            {"type": "scale", "scale": [1, 1, *SPACING]},
            {"type": "translation", "translation": [0, 0, *ORIGIN]},
        ]
        described = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": transforms}]}
        zarr.open_group(str(path / str(k)), mode="r+").attrs["multiscales"] = [described]
    check(path, "holds 2 images, of which '0' was opened" if count > 1 else "")


def test_groups_that_are_no_image(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    group.create_array("volume", data=field().voxels)
    image = read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(image.voxels, field().voxels)
    assert image.spacing is None
    group.create_array("other", data=field().voxels)
    with pytest.raises(CorruptFileError, match="holds the arrays 'other', 'volume'"):
        read_image(tmp_path / "a.zarr")
    group.attrs["plate"] = {}
    with pytest.raises(UnsupportedShapeError, match="is a plate"):
        read_image(tmp_path / "a.zarr")


# -- damage -----------------------------------------------------------------------------------------------------


def chunks(path):
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".z", "zarr.")))


@pytest.fixture(params=sorted(PACKED))
def store(request, tmp_path):
    version, codec = PACKED[request.param]
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=version)
    voxels = np.random.default_rng(0).integers(-999, 400, (8, 16, 16)).astype(np.int16)
    group.create_array("0", data=voxels, chunks=(2, 16, 16), compressors=codec)
    key = {"multiscales": [multiscale()]}
    group.attrs.update(key if version == 2 else {"ome": key})
    return tmp_path / "a.zarr"


def test_missing_chunks_are_said_and_too_many_refused(store):
    assert read_image(store).warnings == ()
    files = chunks(store)
    files[1].unlink()
    assert "lacks 1 of its 4 chunks of pixels: they were filled with 0" in " ".join(
        read_image(store).warnings
    )
    files[0].unlink()
    files[2].unlink()
    with pytest.raises(CorruptFileError, match="lacks 3 of its 4 chunks"):
        read_image(store)


@pytest.mark.parametrize("shape", [[8, 16, 2**64], [8, 2**90, 2**90], [-1, 16, 16], [8, 16.5, 16]])
def test_a_shape_beyond_all_memory_is_refused(store, shape):
    described = next(p for name in ("zarr.json", ".zarray") for p in store.glob(f"0/{name}"))
    values = json.loads(described.read_text())
    described.write_text(json.dumps(values | {"shape": shape}))
    with pytest.raises(CorruptFileError):
        read_image(store)


@pytest.mark.parametrize("entry", ["fill_value", "chunks"])
def test_numbers_that_no_array_has_are_refused(store, entry):
    described = next(p for name in ("zarr.json", ".zarray") for p in store.glob(f"0/{name}"))
    values = json.loads(described.read_text())
    if entry == "fill_value":
        values["fill_value"] = 99999999
    elif "chunks" in values:
        values["chunks"] = [0, 0, 0]
    else:
        values["chunk_grid"]["configuration"]["chunk_shape"] = [0, 0, 0]
    described.write_text(json.dumps(values))
    with pytest.raises(CorruptFileError):
        read_image(store)


@pytest.mark.parametrize("keep", [0, 0.3, 0.999])
def test_cut_chunks_are_refused(store, keep):
    chunk = chunks(store)[1]
    data = chunk.read_bytes()
    chunk.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises((CorruptFileError, TruncatedFileError), match=r"a\.zarr"):
        read_image(store)


@pytest.mark.parametrize("name", ["gzip 2", "gzip 3", "crc32c 3"])
def test_changed_chunks_with_a_checksum_are_refused(tmp_path, name):
    version, codec = PACKED[name]
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        data=field().voxels,
        chunks=(4, 10, 12),
        compressors=codec,
        zarr_format=version,
    )
    assert array.shape == (8, 10, 12)
    chunk = chunks(tmp_path / "a.zarr")[0]
    data = bytearray(chunk.read_bytes())
    for at in range(20, len(data), 37):
        changed = bytearray(data)
        changed[at] ^= 0x10
        chunk.write_bytes(changed)
        with pytest.raises(ImageError, match=r"a\.zarr"):
            read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("shape", [(8, 10, 12), (7, 9, 11)])
def test_chunks_that_a_shard_lacks_are_said(tmp_path, shape):
    voxels = np.random.default_rng(0).integers(1, 400, shape).astype(np.int16)
    fields = {"shards": (4, 10, 12), "chunks": (2, 5, 4), "config": {"write_empty_chunks": False}}
    zarr.create_array(str(tmp_path / "a.zarr"), data=voxels, **fields)
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr").voxels, voxels)
    assert not any("lacks" in said for said in read_image(tmp_path / "a.zarr").warnings)
    voxels[:2, :5, :4] = 0
    zarr.create_array(str(tmp_path / "b.zarr"), data=voxels, **fields)
    assert "lacks 1 of its 24 chunks" in " ".join(read_image(tmp_path / "b.zarr").warnings)
    chunks(tmp_path / "b.zarr")[0].write_bytes(b"")
    with pytest.raises(TruncatedFileError, match="cut off"):
        read_image(tmp_path / "b.zarr")


def test_what_is_written_has_all_its_chunks(tmp_path):
    image = marked(shape=(70, 70, 70))
    image.voxels[:] = 0
    path = write_volume(image, tmp_path / "a.zarr")
    assert read_image(path).warnings == ()
    assert json.loads((path / ".zattrs").read_text())["multiscales"]
    shutil.rmtree(path / "0" / "1")
    assert "lacks 4 of its 8 chunks" in " ".join(read_image(path).warnings)
