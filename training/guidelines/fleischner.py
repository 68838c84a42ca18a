"""Fleischner Society 2017: what to do about nodules that were found by chance on a CT.

MacMahon H, et al. Guidelines for management of incidental pulmonary nodules detected on CT images. Radiology 2017;284:228–243,
doi 10.1148/radiol.2017161659. Diameters are means of the long and the short axis, to the nearest millimetre (Bankier AA, et al.
Radiology 2017;285:584–600, doi 10.1148/radiol.2017162894): 5.4 mm is less than 6, and 5.5 mm is 6.
"""

from __future__ import annotations

from .inputs import NON_SOLID, PART_SOLID, SOLID, GuidelineError, Inputs, check_solid_part, require, rounded
from .result import Result

NAME = "Fleischner 2017"
LEAST_AGE = 35
SMALL, MIDDLE, LARGE = "< 6 mm", "6–8 mm", "> 8 mm"
FROM_6 = "≥ 6 mm"
VOLUMES = (100.0, 250.0)
_EXCLUDES = (
    ("screening", "Fleischner 2017 does not apply to screening: use Lung-RADS."),
    ("known_cancer", "Fleischner 2017 does not apply to patients with a known cancer."),
    ("immunosuppressed", "Fleischner 2017 does not apply to immunosuppressed patients."),
)
NONE = "No routine follow-up."
OPTIONAL = "CT at 12 months is optional."
_SOLID = {  # class of sizes, more than one, high risk
    (SMALL, False, False): NONE,
    (SMALL, False, True): OPTIONAL,
    (SMALL, True, False): NONE,
    (SMALL, True, True): OPTIONAL,
    (MIDDLE, False, False): "CT at 6–12 months, then consider CT at 18–24 months.",
    (MIDDLE, False, True): "CT at 6–12 months, then CT at 18–24 months.",
    (LARGE, False, False): "Consider CT at 3 months, PET/CT, or tissue sampling.",
    (LARGE, False, True): "Consider CT at 3 months, PET/CT, or tissue sampling.",
    **{(s, True, False): "CT at 3–6 months, then consider CT at 18–24 months." for s in (MIDDLE, LARGE)},
    **{(s, True, True): "CT at 3–6 months, then CT at 18–24 months." for s in (MIDDLE, LARGE)},
}
_SUBSOLID = {
    (NON_SOLID, SMALL): NONE,
    (
        NON_SOLID,
        FROM_6,
    ): "CT at 6–12 months to confirm that it persists, then CT every 2 years until 5 years.",
    (PART_SOLID, SMALL): NONE,
    (PART_SOLID, FROM_6): (
        "CT at 3–6 months to confirm that it persists. If unchanged and the solid part remains < 6 mm, annual CT for 5 years."
    ),
}
_SEVERAL_SUBSOLID = {
    SMALL: "CT at 3–6 months. If stable, consider CT at 2 and 4 years.",
    FROM_6: "CT at 3–6 months. What follows depends on the most suspicious nodule.",
}
SUSPICIOUS = "A solid part of 6 mm or more is highly suspicious."
MOST_SUSPICIOUS = "With several nodules, the most suspicious one decides."


def needs(inputs: Inputs) -> tuple[str, ...]:
    """Names of what the guideline asks for, by what is given already."""
    size = "volume" if inputs.mean_diameter is None and inputs.volume is not None else "mean_diameter"
    names = ["screening", "age", "known_cancer", "immunosuppressed", "texture", "count", size]
    if inputs.texture == SOLID:
        names.append("high_risk")
    if inputs.texture == PART_SOLID and _is_from_6(inputs):
        names.append("solid_diameter")
    return tuple(names)


def advice(inputs: Inputs) -> Result:
    """Say what the guideline proposes for a nodule.

    Raises
    ------
    NotGivenError
        Something is not given; the texture above all: solid and subsolid nodules have tables of their own.
    GuidelineError
        It does not apply: screening, younger than 35 years, a known cancer, immunosuppression; or the solid part is larger than
        the nodule.

    Examples
    --------
    >>> advice(Inputs(screening=False, age=60, known_cancer=False, immunosuppressed=False, texture="solid", count=1,
    ...               mean_diameter=7.2, high_risk=False)).advice
    'CT at 6–12 months, then consider CT at 18–24 months.'
    """
    for name, sentence in _EXCLUDES:
        if getattr(inputs, name):
            raise GuidelineError(sentence)
    if inputs.age is not None and inputs.age < LEAST_AGE:
        raise GuidelineError("Fleischner 2017 does not apply to patients younger than 35 years.")
    names = needs(inputs)
    require(NAME, inputs, names)
    several = bool(inputs.count and inputs.count > 1)
    notes = [MOST_SUSPICIOUS] if several else []
    if inputs.texture == SOLID:
        size = _solid_size(inputs)
        said = _SOLID[size, several, bool(inputs.high_risk)]
    else:
        if inputs.texture == PART_SOLID:
            check_solid_part(inputs)
        size = FROM_6 if _is_from_6(inputs) else SMALL
        said = _SEVERAL_SUBSOLID[size] if several else _SUBSOLID[str(inputs.texture), size]
        if (
            inputs.texture == PART_SOLID
            and inputs.solid_diameter is not None
            and rounded(inputs.solid_diameter, 1) >= 6
        ):
            notes.append(SUSPICIOUS)
    return Result(size, advice=said, used=names, notes=tuple(notes))


def _is_from_6(inputs: Inputs) -> bool:
    if inputs.mean_diameter is not None:
        return rounded(inputs.mean_diameter, 1) >= 6
    return inputs.volume is not None and rounded(inputs.volume, 1) >= VOLUMES[0]


def _solid_size(inputs: Inputs) -> str:
    if not _is_from_6(inputs):
        return SMALL
    if inputs.mean_diameter is not None:
        return LARGE if rounded(inputs.mean_diameter, 1) > 8 else MIDDLE
    return LARGE if inputs.volume is not None and rounded(inputs.volume, 1) > VOLUMES[1] else MIDDLE
