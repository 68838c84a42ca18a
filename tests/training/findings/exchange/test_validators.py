"""What is written passes the validators that others use; dcmtk reads it. Debian: dicom3tools, dcmtk."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Provenance
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.export import IN_DICOM, export
from napari_lungmtl.training.findings.formats.dicom.writing.attachments import write_attachment
from napari_lungmtl.training.imaging import Image, write_volume
from tests.stand_ins.exchanged import ODD, findings_on, opened, radiograph, series


def tool(name: str, package: str) -> str:
    """A program, or a skip that says where it comes from."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every DICOM object of a CT and of a radiograph."""
    folder = tmp_path_factory.mktemp("written")
    image, source = opened(series(folder / "ct", shuffled=True, **ODD))
    findings = findings_on(image)
    for format in sorted(IN_DICOM):
        of = findings.with_items(findings.items[:2]) if format is Format.DICOM_LABELMAP else findings
        export([of], folder / f"{format.value}.dcm", format)
    Picture.fromarray(np.zeros((20, 30, 3), np.uint8)).save(folder / "key.png")
    (folder / "report.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    heat = np.random.default_rng(0).random((4, 5, 6), np.float32)
    write_volume(Image(heat, spacing=(5, 4, 4), origin=(30, -20, -10)), folder / "heat.nrrd")
    for name in ("key.png", "report.pdf", "heat.nrrd"):
        write_attachment(folder / name, folder / f"{name.partition('.')[0]}.dcm", source)
    film, _ = opened(radiograph(folder / "cr"))
    boxes = Findings((Finding(Box((5, 6), (9, 12)), 0.5, provenance=Provenance("net", "1")),), findings.image)
    boxes = findings_of_film(boxes, film)
    for format in (Format.DICOM_SR, Format.DICOM_CAD, Format.DICOM_KO, Format.DICOM_GSPS):
        export([boxes], folder / f"film-{format.value}.dcm", format)
    outline = Mask.from_voxels(np.argwhere(np.ones((3, 4), bool)) + 5, film.scale, film.origin)
    export([boxes.with_items((boxes[0].with_(geometry=outline),))], folder / "film-seg.dcm", Format.DICOM_SEG)
    hide = Deidentifier()
    hidden, without = hide.findings(findings), hide.source(source)
    for format in sorted(IN_DICOM - {Format.DICOM_LABELMAP}):
        export([hidden], folder / f"hidden-{format.value}.dcm", format, source=without)
    return sorted(folder.glob("*.dcm"))


def findings_of_film(findings: Findings, film: Image) -> Findings:
    from dataclasses import replace

    from napari_lungmtl.training.findings import ImageReference

    return replace(findings, image=ImageReference.of(film))


def test_dciodvfy_finds_no_error(written):
    program = tool("dciodvfy", "dicom3tools")
    # It is older than label maps (DICOM 2024c, supplement 243), and does not know their class.
    known = [file for file in written if not file.name.startswith("dicom-labelmap")]
    assert len(written) - len(known) == 2
    for file in known:
        done = subprocess.run([program, file], capture_output=True, text=True, check=False)
        errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
        assert not errors, file.name


def test_dcmtk_reads_every_object(written):
    for file in written:
        subprocess.run([tool("dcmdump", "dcmtk"), "-q", file], capture_output=True, check=True)
    reports = [file for file in written if pydicom.dcmread(file).Modality in ("SR", "KO")]
    assert len(reports) == 9
    for file in reports:
        done = subprocess.run([tool("dsrdump", "dcmtk"), file], capture_output=True, text=True, check=True)
        assert "E:" not in done.stderr
        if file.name == "dicom-sr.dcm":
            assert done.stdout.count("Measurement Group") == 3
            assert "VERIFIED" not in done.stdout.replace("UNVERIFIED", "")


def test_a_heat_map_lies_where_it_was(tmp_path):
    """Linear in space, so that every pixel of the map must be the value at its own place."""
    image, source = opened(series(tmp_path / "ct", (-1, 0, 0, 0, -1, 0)))
    heat = Image(np.zeros((9, 9, 9), np.float32), spacing=(4, 4, 4), origin=(28, -40, -30))
    z, y, x = (heat.to_world(np.indices(heat.shape).reshape(3, -1).T).T).reshape(3, 9, 9, 9)
    write_volume(
        Image((z + 2 * y + 3 * x).astype(np.float32), spacing=heat.spacing, origin=heat.origin),
        tmp_path / "h.nrrd",
    )
    write_attachment(tmp_path / "h.nrrd", tmp_path / "h.dcm", source)
    written = pydicom.dcmread(tmp_path / "h.dcm")
    array = np.frombuffer(written.FloatPixelData, np.float32).reshape(-1, 10, 12)
    for group, frame in zip(written.PerFrameFunctionalGroupsSequence, array, strict=True):
        x0, y0, z0 = map(float, group.PlanePositionSequence[0].ImagePositionPatient)
        expected = z0 + 2 * (y0 - np.arange(10)[:, None] * 1.5) + 3 * (x0 - np.arange(12) * 1.25)
        inside = np.ones_like(frame, bool) & (z0 <= 60)
        assert np.allclose(frame[inside], expected[inside], atol=1e-3)
    assert image.shape == (8, 10, 12)
