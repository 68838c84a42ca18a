"""What a study on a server costs until its first slice is there, and what a patch of a prepared scan costs.

A web server on 127.0.0.1 answers each request after a delay. Prints requests and seconds until the middle slice and the whole are
there, then sizes and the processor time of a patch of 64 for the sharded store and for the memory map of earlier versions.

    python experiments/storage/measure.py
"""

from __future__ import annotations

import argparse
import functools
import http.server
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import zarr
from scipy.ndimage import gaussian_filter

from napari_lungmtl.training.data.sharded import open_sharded, write_sharded
from napari_lungmtl.training.imaging.formats.ome_zarr.stream import open_stream
from napari_lungmtl.training.imaging.formats.ome_zarr.write import multiscale
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.storage.address import address_of


class Slow(http.server.SimpleHTTPRequestHandler):
    """Answers after a delay, and counts chunks."""

    delay = 0.0
    chunks = 0

    def do_GET(self) -> None:
        time.sleep(self.delay)
        Slow.chunks += self.path.rpartition("/")[2].isdigit()
        super().do_GET()

    def log_message(self, *_args: object) -> None:
        """Nothing."""


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """Hounsfield units that compress as a CT does, roughly."""
    return gaussian_filter(np.random.default_rng(0).normal(-700, 300, shape).astype(np.float32), 1).astype(
        "i2"
    )


def first_slice(folder: Path, chunks: tuple[int, ...]) -> None:
    """Print what it takes until one slice and until all are there."""
    image = Image(noise((300, 512, 512)), "CT", (1.0, 0.7, 0.7), (0.0, 0.0, 0.0), series_uid="x")
    name = "x".join(map(str, chunks))
    group = zarr.open_group(str(folder / name), mode="w", zarr_format=2)
    group.create_array(
        "0", data=image.voxels, chunks=chunks, chunk_key_encoding={"name": "v2", "separator": "/"}
    )
    group.attrs["multiscales"] = [multiscale(image, "zyx")]
    handler = functools.partial(Slow, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Slow.chunks, start = 0, time.perf_counter()
    address = address_of(f"http://127.0.0.1:{server.server_port}/{name}")
    assert address is not None
    stream = open_stream(address, early=True)
    opened, first = time.perf_counter() - start, ""
    for _ in stream.read():
        if not first and stream.has(stream.near):
            first = f"{Slow.chunks} chunks, {time.perf_counter() - start:.2f} s"
    whole = f"{Slow.chunks} chunks, {time.perf_counter() - start:.2f} s"
    print(f"chunks {name}: opened after {opened:.2f} s, first slice after {first}, whole after {whole}")
    server.shutdown()


def patches(folder: Path) -> None:
    """Print sizes, and the processor time of a patch."""
    voxels = np.clip((noise((300, 320, 300)) + 1024) / 8, 0, 255).astype(np.uint8)
    np.save(folder / "voxels.npy", voxels)
    write_sharded(folder / "voxels.zarr", voxels)
    for name, array in (
        ("memory map", np.load(folder / "voxels.npy", mmap_mode="r")),
        ("sharded", open_sharded(folder / "voxels.zarr")),
    ):
        rng, start = np.random.default_rng(1), time.process_time()
        for _ in range(50):
            low = [int(rng.integers(n - 64)) for n in voxels.shape]
            np.array(array[tuple(slice(a, a + 64) for a in low)])
        spent = (time.process_time() - start) / 50
        place = folder / ("voxels.npy" if name == "memory map" else "voxels.zarr")
        size = sum(f.stat().st_size for f in (place, *place.rglob("*")) if f.is_file())
        print(f"{name}: {size / 1e6:.1f} MB, {spent * 1e3:.2f} CPU ms a patch of 64")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.1, help="seconds until the server answers")
    Slow.delay = parser.parse_args().delay
    with tempfile.TemporaryDirectory() as name:
        for chunks in ((64, 64, 64), (16, 256, 256), (4, 512, 512)):
            first_slice(Path(name), chunks)
        patches(Path(name))
