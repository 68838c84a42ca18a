"""3D-AG on a CT: lung field, 1 mm, sliding slabs, spheres in world coordinates."""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from ...findings import Finding, Findings, ImageReference, Provenance
from ...findings.models import PRECISION
from ...imaging import resample
from ...imaging.ct.lung_field import lung_field
from ...imaging.image import Image
from ...inference.device import run_with_cpu_fallback
from ...inference.predictor import ModelInfo, PredictorError, Progress, finish
from ...inference.suitability import check_ct
from .cpu.folded import CELLS, FoldedAg3d
from .cpu.streamed import Streamed
from .detect import GRID, Detections, PaddedVolume, detect_arrays, normalise, pad_edge, read_all
from .marking.marks import RIM_MM, Lungs, Selection, select
from .marking.trace import Ag3dTrace, Seen, sphere_of
from .network import Ag3d

if TYPE_CHECKING:
    from .cpu.openvino_engine import OpenVinoAg3d

MARGIN = 32
"""Context (mm) around the lungs."""
HALO = 8
"""Voxels that the network's first part sees beyond a slab: four 3³ convolutions at stride 2."""
SLAB = 10_000_000
"""Voxels of a slab that does not stream, at least: they bound the memory; thinner slabs spend more of their time on halos."""
LARGEST_SLAB = 200_000_000
"""Voxels, at most: maps of more than 2³¹ numbers are beyond what convolutions on GPUs count."""
BYTES_PER_VOXEL = 400
"""Of GPU memory for a slab, generously: on a CPU the first part held 125 for each voxel at most, and GPUs add working space."""
STREAMED = ("cpu",)
"""Devices where the volume streams through the folded network (`folded`), slab by slab without halos."""


def slices_of_slab(shape: Sequence[int]) -> int:
    """Slices of a slab that streams: as many as `CELLS` hold, whole cells of the map at stride 4, at least four of them."""
    return max(CELLS * 2 // (shape[1] // 2 * (shape[2] // 2)) // 4 * 4, GRID)


def voxels_of_slab(device: torch.device) -> int:
    """Voxels of a slab that does not stream: what a GPU's free memory holds.

    A larger slab does what a batch of slabs would, and has fewer halos.
    """
    if device.type != "cuda":
        return SLAB
    free, _ = torch.cuda.mem_get_info(device)
    return min(max(free // BYTES_PER_VOXEL, SLAB), LARGEST_SLAB)


def copied(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to a device; to a GPU from pinned memory, so that the next slab is made while it is at work on this one."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def thickness(shape: Sequence[int], voxels: int) -> int:
    """Slices of a slab of at most about `voxels` with its halo: whole grid steps, at least one."""
    return max((voxels // (shape[1] * shape[2]) - 2 * HALO) // GRID * GRID, GRID)


class Ag3dPredictor:
    """The detector as a `Predictor`.

    Parameters
    ----------
    net
        Trained network.
    info
        Name, version and default threshold, from the card.
    device
        Where to run. When a GPU runs out of memory, slabs are halved, and at last the CPU takes over.
    precision
        Of the convolutions on a CPU without an `engine`, told by the findings. bfloat16 is faster where the processor has it; its
        scores differ in the second decimal (``experiments/ag3d/precision_scans.py``), its FROC in nothing that matters
        (``experiments/ag3d/precision.py``).
    engine
        What runs backbone and RPN in the place of PyTorch, on the CPU; None for PyTorch.
    note
        What a person must know about each run, or empty.
    """

    def __init__(
        self,
        net: Ag3d,
        info: ModelInfo,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        engine: OpenVinoAg3d | None = None,
        note: str = "",
    ) -> None:
        self.info = info
        self.device = device
        self.net = net.eval().to(memory_format=torch.channels_last_3d)
        self.precision = precision
        self.engine = engine
        self.note = note

    @property
    def streams(self) -> bool:
        """Whether the volume streams through the folded network, in `precision`; everything else computes in float32."""
        return self.device.type in STREAMED and self.engine is None

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return spheres by descending score, all from `SCORE_FLOOR` on; one step holds the trace.

        Raises
        ------
        PredictorError
            The image is no CT volume.
        NoLungFoundError
            There is no lung in it.
        """
        check_ct(image, "3D-AG", "detects")
        low, high = float(image.voxels.min()), float(image.voxels.max())
        if high - low < 500:
            name = image.source or image.series_uid or "the image"
            raise PredictorError(f"{name} spans only {low:.0f} to {high:.0f}: it shows no tissue.")
        yield Progress(0.0, "finding the lungs", note=self.note)
        lungs = lung_field(image)
        yield Progress(0.1, "resampling to 1 mm")
        volume, near_lung = prepare(image, lungs)
        del lungs  # as many bytes as the scan has voxels, for as long as the network runs
        padded = PaddedVolume(volume.voxels)
        seen = yield from self.detect_volume(padded)
        field = Lungs(volume.voxels, near_lung)
        selection = select(seen.reading.detections.moved(-padded.offset), field, self.net.config)
        yield Progress(0.95, "scoring", trace=self._trace(seen, padded.offset, volume, field, selection))
        return self._findings(selection.marks, volume, image)

    def detect_cubes(self, volumes: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Spheres (n, 4; z, y, x and diameter in voxels) and scores (n,) in volumes of HU at 1 mm, without a lung field."""
        return [(d.spheres, d.score) for d in detect_arrays(self.net.to(self.device), volumes, self.device)]

    def detect_part(self, hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find spheres (n, 4; z, y, x and diameter in voxels) and scores (n,) in a part of a scan (HU, 1 mm), as `run` does.

        The part is not padded where its sides are multiples of 16, and its lungs are not looked for: what lies in its middle has
        the surroundings that it has in the whole scan.
        """
        padded = PaddedVolume(hu, least=0)
        found = finish(self.detect_volume(padded)).reading.detections.moved(-padded.offset)
        marks = select(found, Lungs(hu, np.ones(hu.shape, bool)), self.net.config).marks
        return marks.spheres, marks.score

    @torch.inference_mode()
    def trace_cube(self, hu: np.ndarray) -> Ag3dTrace:
        """The trace of `detect_cubes` on one volume of HU at 1 mm; its world has the volume's voxel indices."""
        padded, offset = pad_edge(hu)
        x = normalise(torch.from_numpy(padded)[None, None].to(self.device), self.net.config)
        pyramid, rpn = self.net.to(self.device)(x.contiguous(memory_format=torch.channels_last_3d))
        reading = read_all(self.net.fprn, pyramid, rpn)[0]
        seen = Seen([m.cpu() for m in pyramid], rpn.cpu(), reading)
        fprn = copy.deepcopy(self.net.fprn).cpu()
        return Ag3dTrace(self.info, fprn, seen, offset, Image(hu, "CT", (1.0, 1.0, 1.0)))

    def _trace(
        self, seen: Seen, offset: np.ndarray, volume: Image, field: Lungs, selection: Selection
    ) -> Ag3dTrace:
        fprn = copy.deepcopy(self.net.fprn).cpu()  # the network may go to another device, or from memory
        return Ag3dTrace(self.info, fprn, seen, offset, volume, field, selection)

    def detect_volume(self, padded: PaddedVolume) -> Generator[Progress, None, Seen]:
        """The network on a volume (HU, 1 mm, sides multiples of 16)."""
        if self.streams:
            return (yield from self._detect_streamed(padded))
        features = yield from self._first(padded)
        yield Progress(0.8, "scoring")
        seen, note = self._rest(features)
        if note:
            yield Progress(0.9, "scoring", note=note)
        return seen

    def _detect_streamed(self, padded: PaddedVolume) -> Generator[Progress, None, Seen]:
        folded = FoldedAg3d(self.net, self.precision)
        streamed, done = Streamed(folded, padded.shape), 0
        step = slices_of_slab(padded.shape)
        yield Progress(0.2, "detecting")
        while done < padded.shape[0]:
            high = min(done + step, padded.shape[0])
            with torch.inference_mode():
                hu = torch.from_numpy(padded.slab(done, high))
                x = normalise(hu, folded.config).to(folded.dtype)
                streamed.push(x, high == padded.shape[0])
            done = high
            yield Progress(0.2 + 0.6 * done / padded.shape[0], "detecting")
        yield Progress(0.8, "scoring")
        reading = read_all(self.net.fprn, streamed.pyramid, streamed.rpn)[0]
        return Seen(streamed.pyramid, streamed.rpn, reading)

    def _first(self, padded: PaddedVolume) -> Generator[Progress, None, torch.Tensor]:
        """The network's first part, slab by slab; returns the map at stride 4.

        Slabs overlap by what the convolutions see, so the map is the one of the whole volume: there are no seams.
        """
        net, device, note = self.net, self.device, ""
        voxels = voxels_of_slab(device)
        net.to(device)
        depth, height, width = (n // 4 for n in padded.shape)
        features = torch.empty((1, net.config.pyramid_channels, depth, height, width), device=device)
        done = 0
        while done < padded.shape[0]:
            high = min(done + thickness(padded.shape, voxels), padded.shape[0])
            try:
                features[:, :, done // 4 : high // 4] = self._slab(padded, done, high, device)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                if high - done > GRID:
                    voxels, note = voxels // 2, "The GPU's memory is short: going on with smaller slabs."
                else:
                    device, note = (
                        torch.device("cpu"),
                        "The GPU's memory does not suffice: going on with the CPU.",
                    )
                    net.to(device)
                    features = features.cpu()
            else:
                done = high
            yield Progress(0.2 + 0.6 * done / padded.shape[0], "detecting", note=note)
            note = ""
        return features

    @torch.inference_mode()
    def _slab(self, padded: PaddedVolume, low: int, high: int, device: torch.device) -> torch.Tensor:
        start, stop = max(low - HALO, 0), min(high + HALO, padded.shape[0])
        hu = copied(padded.slab(start, stop)[None, None], device)
        x = normalise(hu, self.net.config).contiguous(memory_format=torch.channels_last_3d)
        first = self.net.backbone.first if self.engine is None else self.engine.first
        return first(x)[:, :, (low - start) // 4 : (high - start) // 4]

    @torch.inference_mode()
    def _rest(self, features: torch.Tensor) -> tuple[Seen, str]:
        """Everything from stride 4 on, on the whole volume: maps there have an eighth of the cells. With a note."""

        def on(device: torch.device) -> Seen:
            self.net.to(device)
            if self.engine is None:
                pyramid = self.net.backbone.rest(features.to(device))
                rpn = self.net.rpn(pyramid)
            else:
                pyramid, rpn = self.engine.rest(features)
            reading = read_all(self.net.fprn, pyramid, rpn)[0]
            return Seen([m.cpu() for m in pyramid], rpn.cpu(), reading)

        return run_with_cpu_fallback(on, features.device)

    def _findings(self, found: Detections, volume: Image, image: Image) -> Findings:
        provenance = Provenance(self.info.name, self.info.version)
        items = tuple(
            Finding(
                sphere_of(sphere, volume),
                score=float(score),
                scores={"rpn": float(rpn), "fprn": float(fprn)},
                members=tuple(sphere_of(m, volume) for m in members) if len(members) > 1 else (),
                provenance=provenance,
            )
            for sphere, score, rpn, fprn, members in zip(
                found.spheres, found.score, found.rpn, found.fprn, found.members, strict=True
            )
        )
        precision = self.precision if self.streams else torch.float32
        said = {
            "name": self.info.name,
            "version": self.info.version,
            PRECISION: str(precision).removeprefix("torch."),
        }
        return Findings(items, ImageReference.of(image), (said,))


def prepare(image: Image, lungs: np.ndarray) -> tuple[Image, np.ndarray]:
    """The part around the lungs at 1 mm, and on the same grid where a nodule's centre may lie."""
    spacing = np.asarray(image.spacing)
    margin = np.ceil(MARGIN / spacing).astype(int)
    low, high = [], []
    for axis in range(3):
        where = np.flatnonzero(lungs.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(max(int(where[0]) - margin[axis], 0))
        high.append(min(int(where[-1]) + 1 + margin[axis], image.shape[axis]))
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    origin = tuple(image.to_world(low))
    # A single slice still stands for its thickness; interpolation needs two.
    cropped = Image(image.voxels[part], image.modality, image.spacing, origin, image.series_uid, image.source)
    volume = resample(cropped, (1.0, 1.0, 1.0))
    index = [
        np.clip(np.round((np.arange(n) * s + o - co) / cs).astype(int), 0, m - 1)
        for n, s, o, co, cs, m in zip(
            volume.shape,
            volume.scale,
            volume.origin,
            cropped.origin,
            cropped.scale,
            cropped.shape,
            strict=True,
        )
    ]
    mask = lungs[part][np.ix_(*index)]
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij")), axis=0) <= RIM_MM / 2
    # Dilating at half resolution with half the radius: the same rim for an eighth of the work.
    coarse = binary_dilation(mask[::2, ::2, ::2], ball)
    near = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[: mask.shape[0], : mask.shape[1], : mask.shape[2]]
    return volume, near | mask
