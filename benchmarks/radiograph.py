"""From a radiograph's file to overlays' findings, with both networks; torchvision's Faster R-CNN beside them.

Run: ``python benchmarks/radiograph.py`` (``--repeat 3 --device cpu``). The file is the sample radiograph enlarged to 2500 × 2048
pixels, 12 bit, with noise, written as DICOM.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.dicom.write_projection import write_projection
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import chain_of
from napari_lungmtl.training.inference.predictor import Predictor, finish

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "radiograph.dcm"
SHAPE = (2500, 2048)
BUDGET = 3.0
"""Seconds on two cores after loading weights (issue 4, shared/DESIGN.md)."""


def large_radiograph(folder: Path) -> Path:
    """The sample radiograph at `SHAPE`, as DICOM."""
    image = read_image(SAMPLE)
    zoom = [n / m for n, m in zip(SHAPE, image.shape, strict=True)]
    values = ndimage.zoom(image.voxels.astype(np.float32), zoom, order=1)
    values += np.random.default_rng(0).normal(0, 12, values.shape)
    voxels = np.clip(np.rint(values), 0, 4095).astype(np.int16)
    return write_projection(Image(voxels, modality="DX", spacing=(0.14, 0.14)), folder / "large.dcm")


def timed(work: Callable[[], object], repeat: int) -> float:
    """Median seconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def _run(model: Predictor, image: Image) -> object:
    return finish(model.run(image))


def peer(side: int) -> Callable[[], object]:
    """torchvision's Faster R-CNN with ResNet-50 and FPN, random weights, on one radiograph."""
    import torch
    from torchvision.models.detection import fasterrcnn_resnet50_fpn

    net = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=2, min_size=side, max_size=side
    )
    net.eval()
    radiograph = [torch.rand(3, side, side)]

    def run() -> object:
        with torch.inference_mode():
            return net(radiograph)

    return run


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    infos = [i for i in registry.models() if "DX" in i.modalities]
    table = Table(title=f"A radiograph of {SHAPE[0]} × {SHAPE[1]}, {options.device}", title_justify="left")
    table.add_column("what")
    table.add_column("median s", justify="right")
    with tempfile.TemporaryDirectory() as folder:
        path = large_radiograph(Path(folder))
        image = read_image(path)
        table.add_row("read the DICOM file", f"{timed(lambda: read_image(path), options.repeat):.2f}")
        table.add_row(
            "make the radiograph", f"{timed(lambda: make_radiograph_input(image), options.repeat):.2f}"
        )
        for info in infos:
            model = registry.load_predictor(info.name, options.device)
            finish(model.run(image))  # the first run of a network is slower
            table.add_row(info.title, f"{timed(partial(_run, model, image), options.repeat):.2f}")
        chain = chain_of(infos, options.device)
        whole = timed(lambda: finish(chain.run(read_image(path))), options.repeat)
        table.add_row(f"file to findings, both (budget {BUDGET:g})", f"{whole:.2f}", end_section=True)
    table.add_row(
        "Faster R-CNN ResNet-50-FPN at 512², network only", f"{timed(peer(512), options.repeat):.2f}"
    )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
