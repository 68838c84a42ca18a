"""The Brock (PanCan) model: the probability that a nodule is cancer, with spiculation.

McWilliams A, et al. Probability of cancer in pulmonary nodules detected on first screening CT. N Engl J Med 2013;369:910–919,
doi 10.1056/NEJMoa1214726; coefficients as table 2 of PMC6717521 prints them (full model with spiculation, centred). The count of
nodules is centred at 4; the diameter enters as (d / 10 mm) ** -0.5, centred at that of 4 mm. It was made from current and former
smokers of 50 to 75 years without lung cancer.
"""

from __future__ import annotations

from math import exp

from .inputs import NON_SOLID, PART_SOLID, GuidelineError, Inputs, require
from .result import Result

NAME = "Brock (PanCan, McWilliams 2013)"
INTERCEPT = -6.7892
AGE, WOMAN, FAMILY, EMPHYSEMA, UPPER, SPICULATED = 0.0287, 0.6011, 0.2961, 0.2953, 0.6581, 0.7729
TEXTURES = {PART_SOLID: 0.3770, NON_SOLID: -0.1276}
SIZE, SIZE_CENTER = -5.3854, 1.58113883
COUNT = -0.0824
CENTER_AGE, CENTER_COUNT = 62.0, 4.0
AGES = (50, 75)
NEEDS = (
    *("known_cancer", "age", "woman", "family_history", "emphysema", "count", "texture", "long_axis"),
    *("upper_lobe", "spiculated"),
)


def probability(inputs: Inputs) -> Result:
    """Compute the probability of cancer of one nodule.

    Parameters
    ----------
    inputs
        `NEEDS` of them; the diameter is the longest one.

    Raises
    ------
    NotGivenError
        Something is not given.
    GuidelineError
        A cancer is known: the model does not know of metastases.

    Examples
    --------
    >>> result = probability(Inputs(known_cancer=False, age=62, woman=False, family_history=False, emphysema=False, count=4,
    ...                             texture="solid", long_axis=6, upper_lobe=False, spiculated=False))
    >>> round(result.probability, 4)
    0.0053
    """
    if inputs.known_cancer:
        raise GuidelineError(
            "The Brock model does not apply where a cancer is known: it was made from people without one."
        )
    require(NAME, inputs, NEEDS)
    i = inputs
    assert i.age is not None
    assert i.long_axis is not None
    assert i.count is not None
    logit = (
        INTERCEPT
        + AGE * (i.age - CENTER_AGE)
        + WOMAN * bool(i.woman)
        + FAMILY * bool(i.family_history)
        + EMPHYSEMA * bool(i.emphysema)
        + UPPER * bool(i.upper_lobe)
        + SPICULATED * bool(i.spiculated)
        + TEXTURES.get(str(i.texture), 0.0)
        + SIZE * ((i.long_axis / 10) ** -0.5 - SIZE_CENTER)
        + COUNT * (i.count - CENTER_COUNT)
    )
    notes = ["A calculator, not the truth: readers are better than it (MacMahon)."]
    if not AGES[0] <= i.age <= AGES[1]:
        notes.append("The age lies outside of the 50 to 75 years that the model was made from.")
    return Result(probability=1 / (1 + exp(-logit)), used=NEEDS, notes=tuple(notes))
