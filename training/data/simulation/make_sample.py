"""The sample radiograph with its truth: ``python -m napari_lungmtl.training.data.simulation.make_sample [--out sample_data]``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ...findings import Box, Finding, Findings, ImageReference, Mask, Provenance, Region
from ...findings.formats.json_file import write_findings
from ...imaging.dicom.write_projection import write_projection
from ...imaging.image import Image
from ..phantoms.phantom import make_phantom
from ..phantoms.spec import NoduleSpec, Phantom, PhantomSpec, Scanner
from .phantom_radiograph import Projection, project

SAMPLE = PhantomSpec(
    seed=23,
    nodules=(
        NoduleSpec(22, spiculation=4, lobulation=3, margin=4),
        NoduleSpec(14, sphericity=4.5),
        NoduleSpec(10, sphericity=4.5),
    ),
    spacing=(0.8, 2.0, 0.8),
    scanner=Scanner(noise=0.0, bed_table=False),
)
"""The committed radiograph. A change of it, or of the phantom, means making ``sample_data`` again."""
WHITE = 4095
NAME = "radiograph"


def sample_radiograph(spec: PhantomSpec = SAMPLE) -> tuple[Image, Findings]:
    """The radiograph of a phantom, 12 bit, and its truth: boxes of the nodules, both lungs."""
    phantom = make_phantom(spec)
    projection = project(phantom, np.random.default_rng(spec.seed), photons=1e5, scatter=0.008)
    gray = projection.gray / projection.gray.max()
    image = Image(
        np.rint(gray * WHITE).astype(np.int16),
        modality="DX",
        spacing=(spec.spacing[0], spec.spacing[2]),
        series_uid=phantom.image.series_uid,
        window=(WHITE * 0.5, float(WHITE)),
        metadata={"series_description": "Synthetic chest radiograph (phantom)", "patient_id": "PHANTOM-DX"},
    )
    return image, truth(image, projection, phantom)


def truth(image: Image, projection: Projection, phantom: Phantom) -> Findings:
    """Nodules as boxes and lungs as regions, in mm."""
    assert image.spacing is not None
    who = Provenance(person="phantom")
    items = []
    for number, nodule in enumerate(phantom.truth, 1):
        ys, xs = np.nonzero(projection.nodules == number)
        low, high = image.to_world([[ys.min() - 0.5, xs.min() - 0.5], [ys.max() + 0.5, xs.max() + 0.5]])
        box = Box((low[0], low[1]), (high[0], high[1]))
        items.append(
            Finding(box, provenance=who, id=f"radiograph-{number}", note=f"{nodule.diameter:.1f} mm")
        )
    regions = tuple(
        Region(name, Mask.from_array(mask, image.spacing, image.origin), who)
        for name, mask in zip(("right lung", "left lung"), projection.lungs, strict=True)
    )
    return Findings(tuple(items), ImageReference.of(image), regions=regions)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("sample_data"), help="folder to fill (sample_data)")
    out = parser.parse_args().out
    image, findings = sample_radiograph()
    write_projection(image, out / f"{NAME}.dcm")
    write_findings(findings, out / f"{NAME}_truth.lungmtl.json")


if __name__ == "__main__":
    main()
