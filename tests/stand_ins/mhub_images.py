"""What is in the stand-in's images: programs that read a DICOM series and write what MHub's publish; nothing of this project.

``mhub_images.py PROGRAM INPUT OUTPUT``. Balls in air are the nodules; their places come from the DICOM headers alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

GRT123 = "gc_grt123_lung_cancer_findings.json"
SMIT = "msk_smit_lung_gtv.seg.dcm"
TISSUE = -300
NAMES = ("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber", "SeriesDescription")


def read(folder: Path):
    """The slices by their height, voxels (z, y, x) in Hounsfield units, and a matrix from indices (x, y, z) to LPS mm."""
    import numpy as np
    import pydicom

    slices = [pydicom.dcmread(file) for file in folder.iterdir()]
    row, column = np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(row, column)
    slices.sort(key=lambda s: float(normal @ np.array(s.ImagePositionPatient, float)))
    first, last = (np.array(slices[i].ImagePositionPatient, float) for i in (0, -1))
    between_rows, between_columns = map(float, slices[0].PixelSpacing)
    matrix = np.stack([row * between_columns, column * between_rows, (last - first) / (len(slices) - 1)], 1)
    voxels = np.stack([s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices])
    if told := [name for name in NAMES if str(slices[0].get(name, ""))]:
        sys.exit(f"the images tell {told}")
    return slices, voxels, matrix, first


def balls(voxels):
    """Where the brightness is, as labels, and how many there are."""
    import cc3d

    return cc3d.connected_components(voxels > TISSUE, return_N=True)


def grt123(given: Path, written: Path) -> None:
    """The report of gc_grt123_lung_cancer, as ``LungCancerClassifierRunner`` writes it."""
    import numpy as np

    slices, voxels, matrix, first = read(given)
    labels, count = balls(voxels)
    found = []
    for k in range(1, count + 1):
        inside = np.argwhere(labels == k)
        weight = voxels[labels == k] + 1000
        place = matrix @ (weight @ inside / weight.sum())[::-1] + first
        found.append((len(inside), dict(zip("xyz", place.tolist(), strict=True))))
    found.sort(key=lambda one: -one[0])
    entries = [
        {"id": k, **place, "probability": 0.9 - 0.2 * k, "cancerprobability": 0.75 - 0.5 * k}
        for k, (_, place) in enumerate(found)
    ]
    spacing = [float(np.linalg.norm(matrix[:, k])) for k in range(3)]
    report = {
        "lungcad": {
            "revision": "9a4ca0415c7fc1d3023a16650bf1cdce86f8bb59",
            "name": "grt123",
            "datetimeofexecution": "07/04/2023 12:25:32",
            "coordinatesystem": "World",
            "computationtimeinseconds": 33.0,
        },
        "imageinfo": {
            "dimensions": list(voxels.shape[::-1]),
            "voxelsize": spacing,
            "origin": first.tolist(),
            "orientation": (matrix / spacing).ravel().tolist(),
            "seriesuid": str(slices[0].SeriesInstanceUID),
        },
        "findings": entries,
        "cancerinfo": {
            "casecancerprobability": 0.957,
            "referencenoduleids": list(range(min(len(entries), 5))),
        },
    }
    write(written, slices, GRT123).write_text(json.dumps(report, indent=4))
    print("\x1b[95morganizing instance\x1b[0m\r\nWriting classification results", flush=True)


def smit(given: Path, written: Path) -> None:
    """The segmentation of msk_smit_lung_gtv: one segment with all lesions, coded as SegDB does, and one of the lung."""
    import highdicom as hd
    import numpy as np
    from highdicom.sr.coding import CodedConcept

    slices, voxels, _, _ = read(given)
    labels, _ = balls(voxels)
    masks = np.stack([labels > 0, voxels < TISSUE], -1).astype(np.uint8)
    malignant = CodedConcept("86049000", "SCT", "Malignant neoplasm, primary (morphologic abnormality)")
    said = (
        (malignant, "49755003", "Morphologically Altered Structure", "Primary malignant neoplasm in Lung"),
        (CodedConcept("10200004", "SCT", "Liver"), "123037004", "Body structure", "Liver"),
    )
    who = hd.AlgorithmIdentificationSequence(
        "SMIT", CodedConcept("123109", "DCM", "Artificial Intelligence"), "1"
    )
    segments = [
        hd.seg.SegmentDescription(n, label, CodedConcept(code, "SCT", category), kind, "AUTOMATIC", who)
        for n, (kind, code, category, label) in enumerate(said, 1)
    ]
    made = {"series_number": 42, "instance_number": 1, "device_serial_number": "0"}
    words = {"manufacturer": "MHub", "manufacturer_model_name": "SMIT", "software_versions": "1"}
    uids = {"series_instance_uid": hd.UID(), "sop_instance_uid": hd.UID()}
    seg = hd.seg.Segmentation(slices, masks, "BINARY", segments, **uids, **made, **words)
    seg.save_as(write(written, slices, SMIT))


def write(written: Path, slices, name: str) -> Path:
    """Where MHub's ``[i:sid]/NAME`` is."""
    folder = written / str(slices[0].SeriesInstanceUID)
    folder.mkdir()
    return folder / name


def csv(given: Path, written: Path) -> None:
    """A submission to LUNA16 with the first voxel as a nodule, and one a metre away."""
    slices, _, _, first = read(given)
    uid, (x, y, z) = slices[0].SeriesInstanceUID, first
    rows = (f"{uid},{x + 3},{y + 4},{z + 5},0.8", f"{uid},{x + 1000},{y},{z},0.7")
    (written / "nodules.csv").write_text("\n".join(("seriesuid,coordX,coordY,coordZ,probability", *rows)))


def fails(_given: Path, _written: Path) -> None:
    """A model that has no weights."""
    print("Traceback (most recent call last):", flush=True)
    sys.exit("FileNotFoundError: weights.pt")


def silent(_given: Path, _written: Path) -> None:
    """As mhub.run does where it has no such workflow: status 0, and nothing is written."""
    print("Error: The specified workflow 'default' was not found in this container.")


def damaged(_given: Path, written: Path) -> None:
    """A report that was cut off."""
    (written / "1.2.3").mkdir()
    (written / "1.2.3" / GRT123).write_text('{"lungcad": {"name": "grt')


def leads_out(given: Path, written: Path) -> None:
    """A report that is a link to a file of the machine."""
    (given.parent / "elsewhere.json").write_text("{}")
    (written / "1.2.3").mkdir()
    (written / "1.2.3" / GRT123).symlink_to(given.parent / "elsewhere.json")


def hangs(_given: Path, _written: Path) -> None:
    """Works for ever, and hears no request to end, as the first process of a container."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(f"working as {os.getpid()}", flush=True)
    while True:
        time.sleep(60)


late = lost = hangs

if __name__ == "__main__":
    program, *folders = sys.argv[1:]
    sys.stdin.read()
    globals()[program](*map(Path, folders))
