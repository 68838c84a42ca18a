"""One radiograph in four files gives the same overlays: both shipped networks, all the way from the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.findings import Findings, Mask
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.dicom.write_projection import write_projection
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import chain_of
from napari_lungmtl.training.inference.predictor import finish

SAMPLE = Path(__file__).resolve().parents[3] / "sample_data" / "radiograph.dcm"


@pytest.fixture(scope="module")
def overlays(tmp_path_factory) -> dict[str, Findings]:
    """What both networks find in each file of the sample radiograph, reduced to 8 bits so that a JPEG's cousin holds it all."""
    folder = tmp_path_factory.mktemp("radiographs")
    sample = read_image(SAMPLE)
    low, high = sample.voxels.min(), sample.voxels.max()
    gray = np.rint((sample.voxels - low) * (255.0 / (high - low))).astype(np.uint8)
    plain = Image(gray.astype(np.int16), modality="DX")
    files = {
        "MONOCHROME2": write_projection(plain, folder / "two.dcm", bits=8),
        "MONOCHROME1": write_projection(plain, folder / "one.dcm", bits=8, bright_air=True),
        "PNG": folder / "film.png",
        "RGB PNG": folder / "colour.png",
    }
    Picture.fromarray(gray).save(files["PNG"])
    Picture.fromarray(np.stack([gray] * 3, -1)).save(files["RGB PNG"])
    infos = [info for info in registry.models() if info.name in ("dhn", "mosegnet")]
    assert len(infos) == 2
    chain = chain_of(infos, "cpu")
    return {name: finish(chain.run(read_image(path))) for name, path in files.items()}


@pytest.mark.parametrize("name", ["MONOCHROME1", "PNG", "RGB PNG"])
def test_the_file_does_not_matter(overlays, name):
    first, other = overlays["MONOCHROME2"], overlays[name]
    assert len(first) > 0
    assert [(f.score, f.geometry) for f in other] == [(f.score, f.geometry) for f in first]
    assert any(isinstance(f.geometry, Mask) for f in first)
    assert [s.probability for s in other.image_scores] == [s.probability for s in first.image_scores]
    assert [(r.name, r.mask) for r in other.regions] == [(r.name, r.mask) for r in first.regions] != []
