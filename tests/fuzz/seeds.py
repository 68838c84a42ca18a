"""Small whole files of every format that is read: what the mutator starts from."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 32, 40
VOLUME = np.random.default_rng(0).integers(-1000, 900, (4, ROWS, COLUMNS)).astype(np.int16)


@dataclass(frozen=True)
class Seed:
    """A format with a file of it.

    Parameters
    ----------
    name
        Format, and variant.
    main
        The path in the seed's folder that a reader is given.
    kind
        What reads it: ``image``, or a reader of `tests.fuzz.worker.TABLES`.
    checked_from
        The byte from which a checksum covers what follows, in every file of the folder; None without one.
    counted
        Whether the format states its length, so that a file which was cut off must be noticed.
    """

    name: str
    main: str
    kind: str = "image"
    checked_from: int | None = None
    counted: bool = True


def write_all(folder: Path) -> list[Seed]:
    """Write every seed into a folder of its own, ``folder / name``."""
    seeds: list[Seed] = []
    for write in WRITERS:
        seeds += write(folder)
    return seeds


def _new(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    return path


# DICOM


def _dicom(folder: Path) -> list[Seed]:
    from pydicom.data import get_testdata_file
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, RLELossless

    syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]
    seeds = []
    for name, syntax in zip(("implicit", "explicit", "big", "deflated"), syntaxes, strict=True):
        _save(_slice(), _new(folder, f"dicom-{name}"), syntax)
        seeds.append(Seed(f"dicom-{name}", "a.dcm"))
    for name, uid in (("rle", RLELossless), ("j2k", JPEG2000Lossless)):
        dataset = _slice()
        _stamp(dataset, syntaxes[1])
        dataset.compress(uid, generate_instance_uid=False)
        dataset.save_as(_new(folder, f"dicom-{name}") / "a.dcm", enforce_file_format=True)
        seeds.append(Seed(f"dicom-{name}", "a.dcm"))
    for name, uid, stream, bits in (
        ("jpeg", JPEGBaseline8Bit, _jpeg(), 8),
        ("jpegll", JPEGLosslessSV1, _lossless_jpeg(folder), 16),
    ):
        dataset = _slice(bits)
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
        _save(dataset, _new(folder, f"dicom-{name}"), uid)
        seeds.append(Seed(f"dicom-{name}", "a.dcm"))
    bundled = get_testdata_file("MR_small_jpeg_ls_lossless.dcm", download=False)
    if bundled:
        (_new(folder, "dicom-jpegls") / "a.dcm").write_bytes(Path(str(bundled)).read_bytes())
        seeds.append(Seed("dicom-jpegls", "a.dcm"))
    frames = _slice()
    frames.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
    frames.Modality, frames.NumberOfFrames, frames.PixelData = "OT", 4, VOLUME.tobytes()
    _save(frames, _new(folder, "dicom-frames"), syntaxes[1])
    radiograph = _slice()
    radiograph.SOPClassUID, radiograph.Modality = "1.2.840.10008.5.1.4.1.1.1.1", "DX"
    radiograph.PhotometricInterpretation, radiograph.PixelRepresentation = "MONOCHROME1", 0
    radiograph.WindowCenter, radiograph.WindowWidth = 300, 600
    _save(radiograph, _new(folder, "dicom-dx"), syntaxes[1])
    return [*seeds, Seed("dicom-frames", "a.dcm"), Seed("dicom-dx", "a.dcm")]


def _slice(bits: int = 16):  # type: ignore[no-untyped-def]
    from pydicom.dataset import Dataset

    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.5"
    dataset.Modality, dataset.PatientID, dataset.SeriesDescription = "CT", "fuzz", "slice"
    dataset.SliceThickness, dataset.PixelSpacing = 2.5, [1.5, 1.25]
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
    dataset.InstanceNumber = 1
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(bits == 16)
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.PixelData = VOLUME[0].tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _stamp(dataset, syntax: str) -> None:  # type: ignore[no-untyped-def]
    from pydicom.dataset import FileMetaDataset

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = syntax


def _save(dataset, folder: Path, syntax: str) -> None:  # type: ignore[no-untyped-def]
    _stamp(dataset, syntax)
    if syntax.endswith(".1.2.2"):
        dataset.PixelData = VOLUME[0].astype(">i2").tobytes()
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)


def _jpeg() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray((VOLUME[0] % 256).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _lossless_jpeg(folder: Path) -> bytes:
    """The stream that GDCM writes: process 14, selection value 1."""
    import SimpleITK as sitk
    from pydicom import dcmread
    from pydicom.encaps import get_frame

    path = folder / "gdcm.dcm"
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(VOLUME[0]))
    stream = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    path.unlink()
    return stream


# volumes


def _volumes(folder: Path) -> list[Seed]:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(VOLUME)
    image.SetSpacing((1.25, 1.5, 2.5))
    image.SetOrigin((-10, -20, 30))
    seeds = []
    for name, suffix, packed in (
        *(("nifti", ".nii", False), ("nifti-gz", ".nii.gz", True)),
        *(("nrrd", ".nrrd", False), ("nrrd-gz", ".nrrd", True)),
        *(("mha", ".mha", False), ("mha-zlib", ".mha", True), ("mhd", ".mhd", False)),
    ):
        path = _new(folder, name) / f"a{suffix}"
        sitk.WriteImage(image, str(path), useCompression=packed)
        start = None
        if suffix == ".nii.gz":
            start = 0
        elif packed:
            data = path.read_bytes()
            start = data.index(b"\x1f\x8b") if suffix == ".nrrd" else data.index(b"LOCAL\n") + 6
        seeds.append(Seed(name, path.name, checked_from=start))
    return seeds


def _stores(folder: Path) -> list[Seed]:
    import zarr

    seeds = []
    for name, version in (("zarr2", 2), ("zarr3", 3)):
        path = _new(folder, name) / "a.zarr"
        group = zarr.open_group(str(path), mode="w", zarr_format=version)
        group.create_array("0", data=VOLUME, chunks=(2, ROWS, COLUMNS))
        axes = [{"name": axis, "type": "space", "unit": "millimeter"} for axis in "zyx"]
        scale = {"type": "scale", "scale": [2.5, 1.5, 1.25]}
        image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}], "name": "a"}
        if version == 2:
            group.attrs["multiscales"] = [{"version": "0.4", **image}]
        else:
            group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
        # Chunks of Zarr have no checksum unless a codec brings one.
        seeds.append(Seed(name, "a.zarr", counted=False))
    return seeds


# pictures


def _pictures(folder: Path) -> list[Seed]:
    from PIL import Image

    gray8 = Image.fromarray((VOLUME[0] % 256).astype(np.uint8))
    gray16 = Image.fromarray((VOLUME[0] + 1000).astype(np.uint16))
    options: tuple[tuple[str, str, Image.Image, dict[str, object], int | None], ...] = (
        ("png-8", ".png", gray8, {}, 8),
        ("png-16", ".png", gray16, {}, 8),
        ("jpeg", ".jpg", gray8, {"quality": 90}, None),
        ("tiff", ".tif", gray16, {}, None),
        ("tiff-deflate", ".tif", gray16, {"compression": "tiff_adobe_deflate"}, None),
        ("bmp", ".bmp", gray8, {}, None),
    )
    seeds = []
    for name, suffix, picture, keywords, start in options:
        picture.save(_new(folder, name) / f"a{suffix}", **keywords)
        seeds.append(Seed(name, f"a{suffix}", checked_from=start))
    # A JSRT film is its size: 2048² pixels of two bytes, big endian.
    film = np.zeros((2048, 2048), ">u2")
    film[:ROWS, :COLUMNS] = 100 + VOLUME[0] % 3000
    (_new(folder, "jsrt") / "JPCLN001.IMG").write_bytes(film.tobytes())
    return [*seeds, Seed("jsrt", "JPCLN001.IMG")]


# tables and documents

MARKS = "seriesuid,coordX,coordY,coordZ,{},x\n1.2.3,-128.69,-175.31,-298.38,0.56,a\n1.2.3,1,2,3,1,b\n1.2.4,0,0,0,4.5,c\n"
TABLES = {
    "annotations": MARKS.format("diameter_mm"),
    "submission": MARKS.format("probability"),
    "series": "seriesuid\n1.2.3\n1.2.4\n",
    "metadata": "img_name,height,width,x,y,label\na.png,30,40,5,6,1\nb.png,0,0,0,0,0\n",
    "nih": "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Nodule,1.5,2,3,4,,,\nb.png,Mass,5,6,7,8,,,\n",
    "clndat": "JPCLN001.IMG\t5\t15\t53\tMale\t1634\t692\tmalignant\tl.upper lobe\tlung cancer\r\n",
    "findings_csv": "seriesuid,coordX,coordY,coordZ,probability,diameter_mm,malignancy,kind,status,model,x0,y0,x1,y1\n"
    "1.2.3,1,2,3,0.5,6,0.25,sphere,accepted,ag3d 0.1,,,,\n1.2.5,,,,0.5,,,box,unreviewed,dhn 0.1,1,2,3,4\n",
    "oof": "index,seriesuid,fold,diameter_mm,mean_malignancy,median_malignancy,malignancy,logit,spread\n"
    "0,1.2.3,0,6.5,3.5,4,0.75,1.1,0.1\n1,1.2.4,1,7,2,2,0.25,,\n",
}


def _tables(folder: Path) -> list[Seed]:
    seeds = []
    for name, text in TABLES.items():
        _new(folder, f"csv-{name}").joinpath("a.csv").write_text(text, newline="")
        seeds.append(Seed(f"csv-{name}", "a.csv", name, counted=False))
    packed = gzip.compress(TABLES["annotations"].encode(), mtime=0)
    (_new(folder, "csv-gz") / "a.csv.gz").write_bytes(packed)
    return [*seeds, Seed("csv-gz", "a.csv.gz", "annotations", checked_from=0)]


def _documents(folder: Path) -> list[Seed]:
    from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask, Sphere
    from napari_lungmtl.training.findings.formats.coco import write_coco
    from napari_lungmtl.training.findings.formats.json_file import write_findings
    from napari_lungmtl.training.findings.formats.node21 import write_nodules_json

    ct = ImageReference("1.2.3", "a", "CT", (9, 9, 9), (2.5, 1, 1), (0, 0, 0))
    mask = Mask.from_array(np.eye(5, dtype=bool), (1, 1), (2, 3))
    film = ImageReference("a", "a.png", "DX", (50, 60), (1, 1), (0, 0))
    boxes = Findings((Finding(Box((1, 2), (11, 12))), Finding(mask)), film)
    write_findings(
        Findings((Finding(Sphere((1, 2, 3), 4), 0.5),), ct), _new(folder, "json") / "a.lungmtl.json"
    )
    write_coco([boxes], _new(folder, "coco") / "a.json")
    write_nodules_json([boxes], _new(folder, "nodules") / "nodules.json")
    card = {"name": "x", "version": "1", "title": "X", "purpose": "p", "modalities": ["CT"], "config": {}}
    (_new(folder, "card") / "a.json").write_text(
        json.dumps({**card, "sha256": "ab", "training": {}, "metrics": {}})
    )
    (_new(folder, "lidc-xml") / "a.xml").write_text(
        "<?xml version='1.0'?><LidcReadMessage><readingSession><noduleID>1</noduleID></readingSession></LidcReadMessage>"
    )
    kinds = (
        ("json", "a.lungmtl.json", "findings"),
        ("coco", "a.json", "coco"),
        ("nodules", "nodules.json", "nodules"),
    )
    more = (("card", "a.json", "card"), ("lidc-xml", "a.xml", "truth"))
    return [Seed(name, main, kind, counted=False) for name, main, kind in (*kinds, *more)]


WRITERS: tuple[Callable[[Path], list[Seed]], ...] = (
    _dicom,
    _volumes,
    _stores,
    _pictures,
    _tables,
    _documents,
)
