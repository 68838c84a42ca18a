"""Reading a CT series of 99 uncompressed slices, files in the page cache: ours beside its peers.

    python benchmarks/read_series.py [FOLDER] [--repeats N]

Without a folder a series is generated in a temporary one. Rounds are interleaved, so that a busy machine slows all
rows alike; the table shows medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_lungmtl.training.imaging import Image, list_series, read_image
from napari_lungmtl.training.imaging.dicom.write_series import write_series


def generate(folder: Path) -> None:
    """Write 99 slices of 512 × 512 noise."""
    voxels = np.random.default_rng(0).integers(-1000, 1000, (99, 512, 512)).astype(np.int16)
    write_series(Image(voxels, modality="CT", spacing=(1.25, 0.7, 0.7)), folder, shuffle=True)


def simpleitk(folder: Path) -> np.ndarray:
    """SimpleITK's ImageSeriesReader, files sorted by its own GDCM."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.GetArrayFromImage(reader.Execute())


def simpleitk_sorted(files: list[str]) -> np.ndarray:
    """SimpleITK's ImageSeriesReader on files already in order, without the pass that sorts them."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    return sitk.GetArrayFromImage(reader.Execute())


def pydicom_loop(folder: Path) -> np.ndarray:
    """What most scripts do: dcmread, sort by position, stack pixel_array × slope + intercept."""
    from pydicom import dcmread

    files = [f for f in folder.iterdir() if f.suffix != ".json"]  # findings may lie beside the slices
    slices = sorted((dcmread(f) for f in files), key=lambda ds: ds.ImagePositionPatient[2])
    return np.stack([(s.pixel_array * s.RescaleSlope + s.RescaleIntercept).astype(np.int16) for s in slices])


def bare(folder: Path) -> int:
    """Read the bytes and do nothing with them: the floor."""
    return sum(len(f.read_bytes()) for f in folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if arguments.folder is None:
            generate(folder)
        ours = read_image(folder)
        peer = simpleitk(folder)
        assert np.array_equal(ours.voxels, np.maximum(peer, -1024)), "readers disagree"
        files = [str(f) for f in list_series(folder)[0].files]
        readers: dict[str, Callable[[], object]] = {
            "read_image": lambda: read_image(folder),
            "list_series (headers only)": lambda: list_series(folder),
            "SimpleITK ImageSeriesReader": lambda: simpleitk(folder),
            "SimpleITK, files already sorted": lambda: simpleitk_sorted(files),
            "pydicom loop": lambda: pydicom_loop(folder),
            "bare file read": lambda: bare(folder),
        }
        times: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(arguments.repeats):
            for name, reader in readers.items():
                start = time.perf_counter()
                reader()
                times[name].append(time.perf_counter() - start)
    # The stricter peer: sorting is our work, not SimpleITK's, in that row.
    reference = statistics.median(times["SimpleITK, files already sorted"])
    print(f"{ours.shape[0]} slices of {ours.shape[1]} x {ours.shape[2]}, medians of {arguments.repeats}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:34s} {1e3 * median:7.0f} ms   {median / reference:5.2f} x SimpleITK sorted")


if __name__ == "__main__":
    main()
