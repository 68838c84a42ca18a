"""The sample CT study with its truth: ``python -m napari_lungmtl.training.data.phantoms.make_samples [--out sample_data]``."""

from __future__ import annotations

import argparse
import csv
import shutil
from dataclasses import replace
from pathlib import Path

from ...findings.finding import Findings
from ...findings.formats.json_file import write_findings
from ...imaging.dicom.write_series import write_series
from .phantom import make_phantom
from .spec import NoduleSpec, Phantom, PhantomSpec, Scanner

SAMPLE = PhantomSpec(
    seed=20,
    nodules=(
        NoduleSpec(21, spiculation=4.5, lobulation=3, sphericity=3.5, margin=4),
        NoduleSpec(15, texture="part-solid", lobulation=2, sphericity=4, margin=3),
        NoduleSpec(12, place="juxtapleural", lobulation=2, sphericity=4),
        NoduleSpec(14, texture="ground-glass", sphericity=4, margin=2),
        NoduleSpec(8, sphericity=4.5),
        NoduleSpec(6, calcification="solid", sphericity=4.5, place="juxtavascular"),
    ),
    spacing=(2.0, 1.2, 1.2),
    z_range=(-100.0, 60.0),
    field_of_view=(336.0, 384.0),
    contrast=False,
    scanner=Scanner(noise=22, sharpness=0.45),
)
"""The committed study. A change of it, or of the phantom, means making ``sample_data`` again."""


def sample_study(spec: PhantomSpec = SAMPLE) -> Phantom:
    """The sample phantom, its image described for a series list."""
    phantom = make_phantom(spec)
    metadata: dict[str, object] = {
        "series_description": "Synthetic chest CT (phantom)",
        "patient_id": "PHANTOM-CT",
    }
    return replace(phantom, image=replace(phantom.image, metadata=metadata))


def write_samples(out: Path, spec: PhantomSpec = SAMPLE) -> None:
    """Write ``ct/*.dcm``, ``annotations.csv`` and ``ct_truth.lungmtl.json`` into `out`, replacing older ones."""
    phantom = sample_study(spec)
    shutil.rmtree(out / "ct", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    write_series(phantom.image, out / "ct", compress=True)
    write_annotations(phantom.truth, out / "annotations.csv")
    write_findings(phantom.truth, out / "ct_truth.lungmtl.json")


def write_annotations(truth: Findings, path: Path) -> None:
    """LUNA16's ``annotations.csv``: one line per nodule, x, y, z in LPS mm."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"])
        for finding in truth:
            z, y, x = finding.center
            rows.writerow([truth.image.series_uid, *(f"{v:.4f}" for v in (x, y, z, finding.diameter))])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("sample_data"), help="folder to fill (sample_data)")
    write_samples(parser.parse_args().out)


if __name__ == "__main__":
    main()
