"""What the report says of each finding, measurement and network, in the words of its language."""

from __future__ import annotations

from dataclasses import dataclass

from ..findings.attribute_words import SCALES
from ..findings.finding import Finding, Findings
from ..findings.history import last_by_person, moved_by
from ..findings.measurements.measurement import Measurement
from ..findings.measurements.of_nodules import axes_of
from ..imaging.image import Image
from ..inference.radiograph_answer import ANSWER, with_prevalence
from ..inference.registry import shown_card
from .words import Words

LONGEST_NOTE = 160
_SIGNS = {"accepted": "✓", "rejected": "✗", "unreviewed": "○"}


@dataclass(frozen=True)
class Bar:
    """A value between the ends of its scale; `fraction` is None where it is the name of a category."""

    title: str
    text: str
    fraction: float | None
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class FindingLine:
    """A finding as it is read: its number, the words of its head, where it lies, bars, further lines, and its pictures."""

    number: str
    facts: tuple[str, ...]
    where: str
    malignancy: Bar | None
    attributes: tuple[Bar, ...]
    said: tuple[str, ...]
    pictures: tuple[str, ...] = ()


def finding_line(finding: Finding, findings: Findings, image: Image | None, words: Words) -> FindingLine:
    """Write a finding, without its pictures."""
    units = unit(findings, words)
    facts = [f"⌀ {words.number(finding.diameter, 1)} {units}"]
    if finding.box is not None:
        height, width = (h - low for low, h in zip(finding.box.low, finding.box.high, strict=True))
        facts = [f"{words.number(width, 1)} × {words.number(height, 1)} {units}"]
    if finding.network_score is not None:
        facts.append(f"{words('Score')} {words.number(finding.network_score, 2)}")
    facts.append(_status(finding, words))
    own = axes_of(findings.measurements, finding.id)
    said = [] if own is None else [f"{words('Measured')}: {measured(own, findings, words)}"]
    mover = moved_by(finding)
    if mover:
        said.append(f"{words('Corrected by')} {mover}")
    if finding.label:
        said.append(words.known(finding.label))
    if finding.note.strip():
        said.append(f"{words('Note')}: {_short(finding.note)}")
    return FindingLine(
        str(finding.number or "–"),
        tuple(facts),
        _where(finding, image, words),
        _malignancy(finding, words),
        tuple(_attributes(finding, words)),
        tuple(said),
    )


def brief_line(finding: Finding, findings: Findings, words: Words) -> str:
    """Write a finding in a few words: ``7: 4.2 mm, score 0.41, malignancy 0.10``."""
    parts = [f"{words.number(finding.diameter, 1)} {unit(findings, words)}"]
    if finding.network_score is not None:
        parts.append(f"{words('Score')} {words.number(finding.network_score, 2)}")
    if finding.malignancy is not None:
        parts.append(f"{words('Malignancy')} {words.number(finding.malignancy, 2)}")
    parts.append(words(finding.status))
    return f"{finding.number or '–'}: {'; '.join(parts)}"


def unit(findings: Findings, words: Words) -> str:
    """``mm``, or ``pixels`` where the image has no spacing."""
    return "mm" if findings.image.units == "mm" else words("pixels")


def measured(measurement: Measurement, findings: Findings, words: Words) -> str:
    """Write a measurement with its unit: ``17.2 × 12.9 mm, mean 15.1 mm, 1,172 mm³``."""
    values, units = measurement.values, unit(findings, words)
    parts = []
    if "length" in values:
        parts.append(f"{words.number(values['length'], 1)} {units}")
    if "angle" in values:
        parts.append(f"{words.number(values['angle'], 1)}°")
    if "long" in values and "short" in values:
        parts.append(f"{words.number(values['long'], 1)} × {words.number(values['short'], 1)} {units}")
        mean = (values["long"] + values["short"]) / 2
        parts.append(f"{words('mean')} {words.number(mean, 1)} {units}")
    if "area" in values:
        parts.append(f"{words.number(values['area'], 1)} {units}²")
    if "volume" in values:
        parts.append(f"{words.number(values['volume'])} {units}³")
    if "mean" in values:
        of = " HU" if findings.image.modality == "CT" else ""
        parts.append(f"{words('mean')} {words.number(values['mean'])}{of}")
    if measurement.slab.words:
        parts.append(measurement.slab.words)
    if measurement.plane:
        parts.append(words.known(measurement.plane))
    return ", ".join(parts)


def other_measurements(findings: Findings, words: Words) -> list[str]:
    """Write what was measured on the image and belongs to no finding."""
    ids = {f.id for f in findings}
    return [
        f"{words(m.kind)} {m.number or ''}".strip() + f": {measured(m, findings, words)}"
        for m in findings.measurements
        if m.finding not in ids
    ]


def networks(findings: Findings) -> list[str]:
    """Name the networks that took part, with versions and the beginning of their weights' hash."""
    told = []
    for model in findings.models:
        name, version = str(model.get("name", "")), str(model.get("version", ""))
        hashed = str(model.get("sha256", ""))[:8]
        told.append(f"{title(name)} {version}".strip() + (f" ({hashed})" if hashed else ""))
    return told


def title(model: str) -> str:
    """A network's name in its paper, from its card; the model's own where there is none."""
    card = shown_card(model)
    return model if card is None else card.title


def image_scores(findings: Findings, words: Words, prevalence: float) -> list[str]:
    """Write what is said of a radiograph as a whole: the one answer at this prevalence (0–1), or else each network's score."""
    said = words("a nodule somewhere")
    answers = [s for s in findings.image_scores if s.model == ANSWER]
    if not answers:
        return [f"{title(s.model)}: {said} {words.number(s.probability, 2)}" for s in findings.image_scores]
    at = f"{words('at a prevalence of')} {_chance(prevalence, words)}"
    chances = (with_prevalence(s.probability, prevalence) for s in answers)
    return [f"{said}: {_chance(p, words)} {at}" for p in chances]


def _chance(part: float, words: Words) -> str:
    """``53%``, ``4.8%``: two digits below ten."""
    return words.percent(part, 0 if part >= 0.0995 else 1)


def _status(finding: Finding, words: Words) -> str:
    text = f"{_SIGNS[finding.status]}\u00a0{words(finding.status)}"
    last = last_by_person(finding)
    if finding.status != "unreviewed" and last is not None and last.by:
        text += f" ({last.by})"
    if not finding.provenance.model:
        return f"{text}, {words('drawn by a person')}"
    return text


def _where(finding: Finding, image: Image | None, words: Words) -> str:
    place = " ".join(
        f"{axis} {words.number(c, 1)}" for axis, c in zip("xyz", reversed(finding.center), strict=False)
    )
    if image is None or image.ndim != 3:
        return place
    index = int(image.to_index(finding.center)[0] + 0.5) + 1
    return f"{place} mm, {words('slice')} {index}/{image.shape[0]}"


def _malignancy(finding: Finding, words: Words) -> Bar | None:
    p = finding.malignancy
    if p is None:
        return None
    text = words.number(p, 2)
    if finding.malignancy_spread:
        text += f" ± {words.number(finding.malignancy_spread, 2)}"
    return Bar(words("Malignancy"), text, p)


def _attributes(finding: Finding, words: Words) -> list[Bar]:
    bars = []
    for name, scale in SCALES.items():
        value = finding.attributes.get(name)
        if value is None:
            continue
        if scale.nominal:
            bars.append(Bar(words(scale.title), words(scale.category(value)), None))
        else:
            text = words.number(value, 1)
            bars.append(
                Bar(words(scale.title), text, scale.fraction(value), words(scale.low), words(scale.high))
            )
    return sorted(bars, key=lambda bar: bar.fraction is None)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"
