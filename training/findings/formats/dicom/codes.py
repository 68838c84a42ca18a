"""Codes of what is written in DICOM and read again: (value, scheme, meaning).

DICOM PS3.16 (CID 7150, 7151, 6170, 7162), SNOMED CT, UCUM; the LIDC attributes as in the public objects of Fedorov et al.
(doi:10.1002/mp.14445), so that tools made for those read these.
"""

from __future__ import annotations

from typing import NamedTuple

from ...lidc_scales import SCALE_MAX


class Code(NamedTuple):
    """A code of DICOM (PS3.3 section 8)."""

    value: str
    scheme: str
    meaning: str


NODULE = Code("27925004", "SCT", "Nodule")
MASS = Code("4147007", "SCT", "Mass")
MASS_MM = 30.0
"""From this diameter on a nodule is called a mass (Fleischner Society's glossary)."""
LUNG = Code("39607008", "SCT", "Lung")
LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
REPORT = Code("126000", "DCM", "Imaging Measurement Report")
DIAMETER = Code("81827009", "SCT", "Diameter")
LONG_AXIS = Code("103339001", "SCT", "Long axis")
SHORT_AXIS = Code("103340004", "SCT", "Short axis")
VOLUME = Code("118565006", "SCT", "Volume")
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
CANCER = Code("111047", "DCM", "Probability of cancer")
COMMENT = Code("121106", "DCM", "Comment")
RENDERING = Code("111056", "DCM", "Rendering Intent")
MM = Code("mm", "UCUM", "millimeter")
MM3 = Code("mm3", "UCUM", "cubic millimeter")
PERCENT = Code("%", "UCUM", "Percent")
OF_INTEREST = Code("113000", "DCM", "Of Interest")
SALIENCY = Code("130404", "DCM", "Saliency")
UNITLESS = Code("1", "UCUM", "no units")
CHEST_CT = Code("24627-2", "LN", "CT Chest")
CHEST_RADIOGRAPH = Code("30745-4", "LN", "XR Chest Views")
READERS_OPINION = Code("1", "99LUNGMTL", "As readers would rate it; not from histology")
LABEL = Code("2", "99LUNGMTL", "What it is, in the reader's words")
REASON = Code("3", "99LUNGMTL", "Why the reader decided so")
CONFIDENCE = Code("4", "99LUNGMTL", "How sure the reader is")

STATUS = {
    "accepted": Code("111150", "DCM", "Presentation Required: Rendering device is expected to present"),
    "unreviewed": Code("111151", "DCM", "Presentation Optional: Rendering device may present"),
    "rejected": Code("111152", "DCM", "Not for Presentation: Rendering device expected not to present"),
}
"""What a reviewer decided, as the intent to render a mark (TID 4104 of PS3.16)."""

SCHEMES = {
    "99LIDCQIICR": "LIDC nodule attributes of QIICR, github.com/qiicr/lidc2dicom",
    "99LUNGMTL": "napari-lungmtl",
}
"""Names of the private schemes, which an object must give."""

_LIDC, _NCIT, _RADLEX = "99LIDCQIICR", "NCIt", "RadLex"
ATTRIBUTE = {
    "subtlety": Code("C45992", _NCIT, "Subtlety score"),
    "internalStructure": Code("200", _LIDC, "Internal structure"),
    "calcification": Code("C3672", _NCIT, "Calcification"),
    "sphericity": Code("400", _LIDC, "Sphericity"),
    "margin": Code("C25563", _NCIT, "Margin"),
    "lobulation": Code("C62175", _NCIT, "Lobular Pattern"),
    "spiculation": Code("C28749", _NCIT, "Spiculation"),
    "texture": Code("C41144", _NCIT, "Texture"),
    "malignancy": Code("RID36042", _RADLEX, "Malignancy"),
}
"""The concepts of LIDC's ratings."""
_NAMED = {
    "subtlety": {
        1: Code("101", _LIDC, "1 out of 5 (Extremely subtle)"),
        2: Code("102", _LIDC, "2 out of 5 (Moderately subtle)"),
        3: Code("103", _LIDC, "3 out of 5 (Fairly subtle)"),
        4: Code("104", _LIDC, "4 out of 5 (Moderately obvious)"),
        5: Code("105", _LIDC, "5 out of 5 (Obvious)"),
    },
    "internalStructure": {
        1: Code("C12471", _NCIT, "Soft tissue"),
        2: Code("C25278", _NCIT, "Fluid"),
        3: Code("C12472", _NCIT, "Adipose tissue"),
        4: Code("C73434", _NCIT, "Air"),
    },
    "calcification": {
        1: Code("RID35453", _RADLEX, "Popcorn calcification sign"),
        2: Code("302", _LIDC, "Laminated appearance"),
        3: Code("RID5741", _RADLEX, "Solid appearance"),
        4: Code("304", _LIDC, "Non-central appearance"),
        5: Code("RID5827", _RADLEX, "Central calcification"),
        6: Code("RID28473", _RADLEX, "Absent"),
    },
    "sphericity": {
        1: Code("RID5811", _RADLEX, "linear"),
        3: Code("RID5800", _RADLEX, "ovoid"),
        5: Code("RID5799", _RADLEX, "round"),
    },
    "margin": {
        1: Code("RID5709", _RADLEX, "Indistinct margin"),
        5: Code("RID5707", _RADLEX, "Circumscribed margin"),
    },
    "lobulation": {
        1: Code("601", _LIDC, "1 out of 5 (No lobulation)"),
        5: Code("605", _LIDC, "5 out of 5 (Marked lobulation)"),
    },
    "spiculation": {
        1: Code("701", _LIDC, "1 out of 5 (No spiculation)"),
        5: Code("705", _LIDC, "5 out of 5 (Marked spiculation)"),
    },
    "texture": {
        1: Code("RID50153", _RADLEX, "non-solid pulmonary nodule"),
        3: Code("RID50152", _RADLEX, "part-solid pulmonary nodule"),
        5: Code("RID50151", _RADLEX, "solid pulmonary nodule"),
    },
    "malignancy": {
        1: Code("901", _LIDC, "1 out of 5 (Highly Unlikely for Cancer)"),
        2: Code("902", _LIDC, "2 out of 5 (Moderately Unlikely for Cancer)"),
        3: Code("903", _LIDC, "3 out of 5 (Indeterminate Likelihood)"),
        4: Code("904", _LIDC, "4 out of 5 (Moderately Suspicious for Cancer)"),
        5: Code("905", _LIDC, "5 out of 5 (Highly Suspicious for Cancer)"),
    },
}


def grade_code(attribute: str, value: float) -> Code:
    """The code of a rating: of the whole grade that is nearest, within the attribute's scale."""
    grade = int(min(max(round(value), 1), SCALE_MAX.get(attribute, 5)))
    return _NAMED[attribute].get(grade) or Code(f"00{grade}", _LIDC, f"{grade} out of 5")


def grade_of(attribute: str, value: str) -> int | None:
    """The grade that a code's value stands for, or None for one that is no grade of the attribute.

    Between the named ones the public objects have 00x; others write the attribute's own row of numbers (602, 603).
    """
    named = {code.value: grade for grade, code in _NAMED[attribute].items()}
    if value in named:
        return named[value]
    digits = value.isdigit() and len(value) == 3 and value[1] == "0" and value[2] in "12345"
    return int(value[2]) if digits else None


def attribute_of(concept: str) -> str | None:
    """The attribute that a concept's code value stands for."""
    return next((name for name, code in ATTRIBUTE.items() if code.value == concept), None)
