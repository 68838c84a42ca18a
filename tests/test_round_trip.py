"""One nodule of known place through everything: each file format, the reader, the drawn layer, JSON and CSV."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from napari.components import ViewerModel

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.spheres.layer import SphereBinding
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.data.phantoms import NoduleSpec, PhantomSpec, make_phantom
from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.findings.formats.csv_file import read_csv, write_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.imaging import Image, read_image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series

TOLERANCE_MM = 0.5


@pytest.fixture(scope="module")
def phantom():
    """A slab of thorax with one dense, isolated nodule, thick slices, world origin away from zero."""
    spec = PhantomSpec(
        seed=5, nodules=(NoduleSpec(14, calcification="solid"),), spacing=(2.0, 1.2, 1.2), z_range=(-40, 30)
    )
    return make_phantom(spec)


def dicom_shuffled(image: Image, folder: Path) -> Path:
    write_series(image, folder / "shuffled", shuffle=True)
    return folder / "shuffled"


def dicom_feet_to_head(image: Image, folder: Path) -> Path:
    write_series(image, folder / "series")
    return folder / "series"


def dicom_head_to_feet(image: Image, folder: Path) -> Path:
    files = write_series(image, folder / "series")
    for number, file in enumerate(reversed(files)):
        file.rename(folder / "series" / f"{number:04d}_head_first")
    return folder / "series"


def mhd_flipped(image: Image, folder: Path) -> Path:
    """x and y reversed by a direction matrix, as some LUNA16 scans are."""
    volume = sitk.GetImageFromArray(image.voxels[:, ::-1, ::-1])
    volume.SetSpacing(image.spacing[::-1])
    last = image.to_world(np.array([0, image.shape[1] - 1, image.shape[2] - 1]))
    volume.SetOrigin(tuple(last[::-1].tolist()))
    volume.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(volume, str(folder / "flipped.mhd"))
    return folder / "flipped.mhd"


def nifti_ras(image: Image, folder: Path) -> Path:
    """Stored right-anterior-superior with a RAS affine, as most NIfTI files are."""
    nibabel = pytest.importorskip("nibabel")
    data = image.voxels.transpose(2, 1, 0)[::-1, ::-1]
    z, y, x = image.spacing
    last = image.to_world(np.array([0, image.shape[1] - 1, image.shape[2] - 1]))
    affine = np.diag([x, y, z, 1.0])
    affine[:3, 3] = (-last[2], -last[1], last[0])  # LPS -> RAS
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(data), affine), folder / "ras.nii.gz")
    return folder / "ras.nii.gz"


def nrrd(image: Image, folder: Path) -> Path:
    return write_volume(image, folder / "volume.nrrd")


def ome_zarr(image: Image, folder: Path) -> Path:
    return write_volume(image, folder / "volume.zarr")


def weighted_center(image: Image, near: np.ndarray, radius: float) -> np.ndarray:
    """Where the dense voxels within `radius` mm of a world point really are."""
    index = np.indices(image.shape).reshape(3, -1).T
    world = image.to_world(index)
    close = np.linalg.norm(world - near, axis=1) < radius
    weight = np.clip(image.voxels.reshape(-1)[close].astype(float) + 500, 0, None)
    return (world[close] * weight[:, None]).sum(0) / weight.sum()


@pytest.mark.parametrize(
    "write", [dicom_shuffled, dicom_feet_to_head, dicom_head_to_feet, mhd_flipped, nifti_ras, nrrd, ome_zarr]
)
def test_nodule_keeps_its_place(phantom, tmp_path, write):
    truth = phantom.truth[0]
    image = read_image(write(phantom.image, tmp_path))

    assert np.array_equal(image.voxels, phantom.image.voxels)
    found = weighted_center(image, np.array(truth.center), truth.diameter)
    assert np.linalg.norm(found - truth.center) < TOLERANCE_MM

    finding = Finding(Sphere(tuple(found), truth.diameter), score=0.9)
    viewer, session = ViewerModel(), Session()
    add_image_layer(viewer, image)
    session.open(image, Findings((finding,)))
    binding = SphereBinding(viewer, session)
    drawn = np.asarray(binding.layer.data_to_world(binding.layer.data[0]))
    assert np.linalg.norm(drawn - truth.center) < TOLERANCE_MM
    assert binding.layer.size[0] * binding.layer.scale[-1] == pytest.approx(truth.diameter, abs=TOLERANCE_MM)

    write_findings(session.findings, tmp_path / "a.lungmtl.json")
    write_csv([session.findings], tmp_path / "findings.csv")
    (by_series,) = read_csv(tmp_path / "findings.csv").values()
    for back in (read_findings(tmp_path / "a.lungmtl.json")[0], by_series[0]):
        assert np.linalg.norm(np.subtract(back.center, truth.center)) < TOLERANCE_MM
        assert back.diameter == pytest.approx(truth.diameter, abs=TOLERANCE_MM)
    session.close()
