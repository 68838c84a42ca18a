"""What the section says: what a threshold is worth, and how far a promise has come."""

from __future__ import annotations

from ...training.operating_point.curve import Expected, OperatingCurve
from ...training.operating_point.risk import CLIP, LEAST_SCANS


def expectation(curve: OperatingCurve, threshold: float) -> str:
    """``Finds 75 % of nodules (19–99), with 2.7 false marks a scan (1.2–5.3).``"""
    sensitivity, false = curve.at(threshold)
    if curve.roc:
        cleared = Expected(1 - false.value, 1 - false.upper, 1 - false.lower)
        return f"Suspects {_percent(sensitivity)} of those with a nodule, clears {_percent(cleared)} of the others."
    found = _percent(sensitivity)
    bounds = f"{_rate(false.lower)}–{_rate(false.upper)}"
    return f"Finds {found} of nodules, with {_rate(false.value)} false marks a scan ({bounds})."


def basis(curve: OperatingCurve) -> str:
    """What a curve rests on."""
    if curve.roc:
        return f"{curve.cases} radiographs, {curve.nodules} of them with a nodule; 95 % intervals"
    scans = "scan" if curve.cases == 1 else "scans"
    nodules = "nodule" if curve.nodules == 1 else "nodules"
    return f"{curve.cases} {scans} with {curve.nodules} {nodules}; 95 % intervals"


def brief(curve: OperatingCurve, threshold: float) -> str:
    """``75 % found, 2.7 false``, or ``sens. 51 %, spec. 76 %``, for the section's title."""
    sensitivity, false = curve.at(threshold)
    if curve.roc:
        return f"sens. {100 * sensitivity.value:.0f} %, spec. {100 * (1 - false.value):.0f} %"
    return f"{100 * sensitivity.value:.0f} % found, {_rate(false.value)} false"


def scans(count: int, radiographs: bool) -> str:
    """``14 scans``, ``1 radiograph``."""
    return f"{count} {'radiograph' if radiographs else 'scan'}{'' if count == 1 else 's'}"


def reviewed(count: int, radiographs: bool) -> str:
    """``3 of 10 reviewed scans``."""
    kind = "radiographs" if radiographs else "scans"
    if count < LEAST_SCANS:
        return f"{count} of {LEAST_SCANS} reviewed {kind}: mark cases done (Shift+D)."
    return f"{count} reviewed {kind}: Tune takes them as they are."


def promise(most: int, threshold: float, count: int, kept: tuple[int, int], radiographs: bool) -> str:
    """What the tuned threshold is, on what it rests, and what it costs."""
    begin = f"Tuned on {scans(count, radiographs)}: "
    if threshold > 1:
        return f"{begin}no score keeps that promise, short of showing nothing."
    reached, accepted = kept
    # Not "shows": what a person accepted is shown at any threshold.
    cost = (
        f"; of {accepted} mark{'s' * (accepted != 1)} that you accepted {reached} score as much"
        if accepted
        else ""
    )
    return f"{begin}score ≥ {threshold:.4g}{cost}."


def held_from_before(most: int, threshold: float, count: int, radiographs: bool) -> str:
    """What a window says that holds a promise of an earlier one: what it hides is not seen otherwise."""
    marks, kind = f"false mark{'s' * (most != 1)}", "radiograph" if radiographs else "scan"
    return (
        f"At most {most} {marks} a {kind}, as you asked for in an earlier window: marks below {threshold:.4g} are hidden, "
        f"unless you accept them (tuned on {scans(count, radiographs)})."
    )


def promise_tip(radiographs: bool) -> str:
    """What is promised, exactly."""
    kind = "radiograph" if radiographs else "scan"
    return (
        f"Of {kind}s like those that you reviewed: on average at most so many marks that you would not accept, with 95 % "
        f"confidence. A {kind} with more than {CLIP:g} times as many counts as {CLIP:g} times. It holds until "
        "you move the threshold."
    )


def _percent(rate: Expected) -> str:
    return f"{100 * rate.value:.0f} % ({100 * rate.lower:.0f}–{100 * rate.upper:.0f})"


def _rate(value: float) -> str:
    return (
        f"{value:.0f}"
        if value >= 9.95 or value == 0
        else f"{value:.1f}"
        if value >= 0.095
        else f"{value:.2f}"
    )
