"""What goes with findings in the same study: a PDF, a picture, a heat map, each as the DICOM object that holds it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .....imaging.image import Image
from .....imaging.paths import suffix_of
from .....imaging.read import read_image
from ...errors import FindingsFileError, SaveError
from .. import codes
from .file import save
from .identity import NAME, device, equipment, software_version
from .seg import concept
from .source import Source, refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PDF_SERIES, PICTURE_SERIES, MAP_SERIES = 9006, 9007, 9008
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
VOLUMES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".zarr")
_PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
_EXPLICIT = "1.2.840.10008.1.2.1"


def write_attachment(file: Path | str, path: Path | str, source: Source) -> None:
    """Write a file as a DICOM object of the study: PDF, secondary capture, or parametric map of a heat-map volume.

    Parameters
    ----------
    file
        ``.pdf``; a picture; or a volume (NIfTI, NRRD, MetaImage, Zarr) with a value at each place in the patient.
    path
        The DICOM file.
    source
        The series whose patient and study it belongs to.

    Raises
    ------
    SaveError
        The file is none of these, or could not be written.
    """
    file, path = Path(file), Path(path)
    kind = suffix_of(file)
    if not file.exists():
        raise FindingsFileError(f"{file} does not exist: check the path")
    if kind == ".pdf":
        write_pdf(file.read_bytes(), path, source, str(file))
    elif kind in PICTURES:
        write_picture(file, path, source)
    elif kind in VOLUMES:
        write_parametric_map(read_image(file), path, source)
    else:
        raise SaveError(
            f"{path} was not saved: {file.name} is no PDF, picture or volume; attach one of .pdf, "
            f"{', '.join((*PICTURES, *VOLUMES))}"
        )


def write_pdf(data: bytes, path: Path, source: Source, name: str = "the attachment") -> None:
    """Write a PDF as Encapsulated PDF (PS3.3 A.45.1).

    Parameters
    ----------
    data
        The PDF.
    path
        The DICOM file.
    source
        The series whose patient and study it belongs to.
    name
        What the PDF is called in messages.

    Raises
    ------
    SaveError
        It is no PDF, or the file could not be written.
    """
    if not data.startswith(b"%PDF"):
        raise SaveError(f"{path} was not saved: {name} is no PDF; attach the report itself")
    with refused(path):
        dataset = _document(source, PDF_SERIES, "Lung nodules: report")
    dataset.DocumentTitle = "Lung nodule report"
    dataset.ConceptNameCodeSequence = [concept(codes.REPORT)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(data)
    dataset.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    save(dataset, path, source)


def _document(source: Source, series_number: int, description: str) -> Dataset:
    """A document of the study without its content."""
    import highdicom

    first, now = source.datasets[0], datetime.datetime.now()
    dataset = highdicom.SOPClass(
        study_instance_uid=str(first.StudyInstanceUID),
        sop_class_uid=_PDF_CLASS,
        modality="DOC",
        transfer_syntax_uid=_EXPLICIT,
        patient_id=first.PatientID,
        patient_name=first.PatientName,
        patient_birth_date=first.PatientBirthDate,
        patient_sex=first.PatientSex,
        accession_number=first.AccessionNumber,
        study_id=first.StudyID,
        study_date=first.StudyDate,
        study_time=first.StudyTime,
        referring_physician_name=first.ReferringPhysicianName,
        series_description=description,
        manufacturer_model_name=NAME,
        software_versions=software_version(),
        device_serial_number=software_version(),
        specific_character_set="ISO_IR 192",
        **equipment(series_number),
    )
    dataset.copy_patient_and_study_information(first)
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "NO"
    dataset.AcquisitionDateTime = now.strftime("%Y%m%d%H%M%S")
    return dataset


def write_picture(file: Path, path: Path, source: Source) -> None:
    """Write a picture in colours as Secondary Capture; that it shows text is said in the object, for nobody can rule it out.

    Raises
    ------
    SaveError
        It cannot be read, or the file could not be written.
    """
    import highdicom
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(file) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise SaveError(
            f"{path} was not saved: {file} is no picture that can be read; save it as PNG"
        ) from error
    with refused(path):
        capture = highdicom.sc.SCImage.from_ref_dataset(
            source.datasets[0],
            pixel_array=pixels,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "P"),
            transfer_syntax_uid=_EXPLICIT,
            series_description="Lung nodules: pictures",
            **equipment(PICTURE_SERIES),
        )
    capture.BurnedInAnnotation = "YES"
    save(capture, path, source)


def write_parametric_map(values: Image, path: Path, source: Source) -> None:
    """Write a heat map as a Parametric Map in 32-bit floats, interpolated linearly at the pixels of the series.

    Parameters
    ----------
    values
        A value (0 where it says nothing) at each voxel of a lattice in the patient; outside of it the map is 0.
    path
        The file.
    source
        A CT series.

    Raises
    ------
    SaveError
        The series is a radiograph, the map lies elsewhere, or the file could not be written.
    """
    import highdicom

    if source.is_radiograph or values.ndim != 3:
        raise SaveError(f"{path} was not saved: a heat map in DICOM lies in space; attach a picture instead")
    array = _sampled(values, source)
    if not array.any():
        raise SaveError(f"{path} was not saved: the heat map is 0 on all slices; attach one of this series")
    low, high = float(array.min()), float(array.max())
    with refused(path):
        mapping = highdicom.pm.RealWorldValueMapping(
            lut_label="1",
            lut_explanation="Saliency",
            unit=concept(codes.UNITLESS),
            value_range=(low, high),
            slope=1.0,
            intercept=0.0,
            quantity_definition=concept(codes.SALIENCY),
        )
        made = highdicom.pm.ParametricMap(
            source_images=source.datasets,
            pixel_array=array,
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[
                highdicom.VOILUTTransformation(
                    window_center=(low + high) / 2,
                    window_width=max(high - low, 1e-6),
                    voi_lut_function="LINEAR_EXACT",
                )
            ],
            content_label="SALIENCY",
            series_description="Lung nodules: heat map",
            **equipment(MAP_SERIES),
            **device(),
        )
    save(made, path, source)


def _sampled(values: Image, source: Source) -> np.ndarray:
    """The map at the pixels of all frames (frames, rows, columns)."""
    from scipy.ndimage import map_coordinates

    rows, columns = (np.arange(n) for n in source.shape)
    array = np.zeros((len(source.planes), *source.shape), np.float32)
    for frame, plane in enumerate(source.planes):
        if plane is not None:
            index = values.to_index(plane.to_xyz(rows, columns)[..., ::-1])
            array[frame] = map_coordinates(
                values.voxels.astype(np.float32), np.moveaxis(index, -1, 0), order=1, cval=0.0
            )
    return array
