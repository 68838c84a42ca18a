"""Whether thick slices and noise light the lamp: real scans of one protocol, calibrated on those of all patients but one.

    python experiments/operating_point/likeness.py --data ../shared/data/ct/whole

Each QIN-LSC and QIN-LUNG scan (slices of 3 mm) is cut into thirds from feet to head, so that four patients give twelve parts; the
fifth's three are looked at as they are, with pairs of slices averaged (6 mm), with white noise of 20, 40 and 80 HU added, smoothed
in the plane (σ of 1 pixel, as a softer kernel does), and cut to the middle half of the field.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.read import read_image
from napari_lungmtl.training.operating_point.features import features_of
from napari_lungmtl.training.operating_point.likeness import likeness

PARTS = 3


def thirds(image: Image) -> list[Image]:
    """A scan in three parts."""
    return [replace(image, voxels=part) for part in np.array_split(image.voxels, PARTS)]


def thick(image: Image) -> Image:
    """Pairs of slices averaged."""
    assert image.spacing is not None
    even = image.voxels[: len(image.voxels) // 2 * 2].astype(np.float32)
    spacing = (2 * image.spacing[0], *image.spacing[1:])
    return replace(image, voxels=(even[0::2] + even[1::2]) / 2, spacing=spacing)


def noisy(sigma: float) -> Callable[[Image], Image]:
    """White noise of so many HU added."""
    random = np.random.default_rng(0)
    return lambda image: replace(
        image, voxels=image.voxels + random.normal(0, sigma, image.shape).astype(np.float32)
    )


def smooth(image: Image) -> Image:
    """A softer kernel."""
    return replace(image, voxels=gaussian_filter(image.voxels.astype(np.float32), (0, 1, 1)))


def narrow(image: Image) -> Image:
    """The middle half of the field."""
    height, width = image.shape[1:]
    return replace(image, voxels=image.voxels[:, height // 4 : -height // 4, width // 4 : -width // 4])


CHANGES: dict[str, Callable[[Image], Image]] = {
    "as they are": lambda image: image,
    "slices of 6 mm": thick,
    "noise 20 HU": noisy(20),
    "noise 40 HU": noisy(40),
    "noise 80 HU": noisy(80),
    "softer kernel": smooth,
    "half the field": narrow,
}


def held_out(scans: dict[str, list[Image]]) -> Iterator[tuple[str, list[Image], list[dict[str, float]]]]:
    """Each patient with the features of all others."""
    measured = {name: [features_of(part) for part in parts] for name, parts in scans.items()}
    for name, parts in scans.items():
        yield name, parts, [row for other, rows in measured.items() if other != name for row in rows]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of whole scans")
    args = parser.parse_args()
    scans = {path.name: thirds(read_image(path)) for path in sorted(args.data.glob("QIN-*.nii.gz"))}
    began = time.monotonic()
    for name, parts in scans.items():
        print(name, *({k: round(v, 3) for k, v in features_of(part).items()} for part in parts), sep="\n  ")
    print(f"features of {PARTS * len(scans)} parts: {time.monotonic() - began:.1f} s\n")
    print("change            lamp lit   example")
    for change, make in CHANGES.items():
        said = [
            likeness(features_of(make(part)), others)
            for _, parts, others in held_out(scans)
            for part in parts
        ]
        lit = [s for s in said if s is not None and s.unlike]
        print(f"{change:16} {len(lit):3d} of {len(said):2d}   {lit[0].words if lit else ''}")


if __name__ == "__main__":
    main()
