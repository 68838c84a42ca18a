"""A detector on whole scans: what a radiologist meets, lesions found and other marks a scan, at the default and over thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.errors import DatasetError
from ..data.public.ct.layouts import open_scan_set
from ..data.public.ct.scan_set import ScanSet, SetScan
from ..data.public.whole_scans import WholeScan
from ..error_boundary import as_sentences
from ..errors import LungmtlError
from ..findings import Findings
from ..imaging.ct.lung_field import lung_field
from ..imaging.image import Image
from ..inference.predictor import Predictor, finish
from ..inference.progress import OnProgress
from ..inference.weights import ModelCard, seen_cases
from ..log_file import log_error
from ..metrics.froc.luna16 import RATES, by_rate, froc_curve, match_marks, sensitivity_at
from ..metrics.froc.matching import Matching
from ..metrics.froc.patients import SENSITIVITY, true_negative_patients
from ..metrics.intervals.bootstrap import finite
from .case_rows import OnCase, scan_row
from .found_before import FoundBefore
from .mark_regions import REGIONS, regions_of

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Scores at which the table has a row besides the default."""
BESIDE_MM = 5.0
"""A mark at most this far beyond a lesion's surface lies beside it."""
SIZES_MM = {"3-6": (3.0, 6.0), "6-10": (6.0, 10.0), "10-20": (10.0, 20.0), "20+": (20.0, np.inf)}
"""Bands of diameters, each with its lower end; lesions under 3 mm are in none."""


@dataclass(frozen=True, eq=False)
class ScanMarks:
    """One scan's marks, n of them, with what became of them.

    Parameters
    ----------
    spheres, scores
        (n, 4) world z, y, x, diameter in mm, and (n,) scores.
    lesion
        (n,) index of the lesion that a mark hits by LUNA16's rule or lies beside (`near_lesion`), or −1.
    hit
        (n,) whether it hits by LUNA16's rule: its centre lies within the lesion's radius.
    excluded
        (n,) whether it lies on a finding that counts neither way, and on no lesion.
    region
        (n,) names of `REGIONS`.
    litres
        Volume of the lung field.
    """

    scan: WholeScan
    spheres: np.ndarray
    scores: np.ndarray
    lesion: np.ndarray
    hit: np.ndarray
    excluded: np.ndarray
    region: np.ndarray
    litres: float

    def counts(self, threshold: float) -> dict[str, Any]:
        """Lesions found, other marks, extra marks on lesions, and other marks by region, at a threshold."""
        used = self.scores >= threshold
        found = np.unique(self.lesion[used & self.hit])
        other = used & (self.lesion < 0) & ~self.excluded
        regions = Counter(str(r) for r in self.region[other])
        return {
            "lesions": len(self.scan.nodules),
            "found": len(found),
            "other": int(other.sum()),
            "extra": int((used & (self.lesion >= 0)).sum()) - len(found),
            "in_lungs": regions["lung"],
            "outside_lungs": int(other.sum()) - regions["lung"],
            "regions": {name: regions[name] for name in REGIONS},
            "litres": self.litres,
        }


def evaluate_whole_scans(
    predictor: Predictor | FoundBefore,
    card: ModelCard,
    data: Path,
    *,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
    on_case: OnCase = lambda _row, _image: None,
) -> dict[str, Any]:
    """Figures of a detector on a folder of whole scans, in the JSON keys of every evaluation.

    Parameters
    ----------
    predictor
        The detector, or what it found before.
    folds
        Names of scans, or of a set's folds; by default the scans that the card says were never trained on, of a set that the
        network was trained on those of its test folds; ``["all"]`` for every scan.
    on_case
        Gets the row of each scan (``cases_detail``) with its image.

    Raises
    ------
    DatasetError
        No scan is left, or none could be read; those that could not are listed in ``failed`` (``input``, ``error``).
    """
    seen = seen_cases(card)
    scans = chosen_scans(open_scan_set(data, truth=truth, excluded=excluded), card, folds)
    if not scans:
        raise DatasetError(f"{data} has no scan that these weights were not trained on: ask for --folds all.")
    if isinstance(predictor, FoundBefore):
        predictor.look_up((s.path, (s.series_uid, s.name)) for s in scans)
    marked, details, failed = [], [], []
    for i, scan in enumerate(scans):
        on_progress(i / len(scans), scan.name)
        try:
            with as_sentences(scan.path):
                if isinstance(predictor, FoundBefore):
                    predictor.file_of(scan.path)  # or the scan need not be read
                opened = scan.open()
                if isinstance(predictor, FoundBefore):
                    findings = predictor.of(scan.path, opened.image)
                else:
                    findings = finish(predictor.run(opened.image))
                lungs = lung_field(opened.image) if opened.lungs is None else opened.lungs
                marked.append(judge(opened.known, opened.image, lungs, findings))
                details.append(scan_row(opened.known, opened.image, findings, card.default_threshold))
            on_case(details[-1], opened.image)
        except LungmtlError as error:  # one bad file must not cost the others
            log_error(error, scan.path)
            failed.append({"input": str(scan.path), "error": " ".join(str(error).split())})
    if not marked:
        raise DatasetError(f"{data} holds no scan that could be evaluated: {failed[0]['error']}")
    found = figures(marked, card, data, seen)
    told = [entry["error"] for entry in failed]
    return found | {"cases_detail": details, "failed": failed, "warnings": [*found["warnings"], *told]}


def chosen_scans(scans: ScanSet, card: ModelCard, folds: Sequence[str] | None) -> list[SetScan]:
    """Choose the scans to evaluate, see `evaluate_whole_scans`.

    Raises
    ------
    DatasetError
        There is no such scan or fold.
    """
    if folds is None:
        seen, record = seen_cases(card), card.training
        unseen = [s for s in scans.scans if not {s.name, s.series_uid} & seen]
        if record.get("set") == scans.title:
            return [s for s in unseen if s.fold in record["test_folds"]]
        return unseen
    if "all" in folds:
        return list(scans.scans)
    there = {key for s in scans.scans for key in (s.name, s.fold)}
    if unknown := set(folds) - there:
        raise DatasetError(f"{scans.title} has no scan or fold named {', '.join(sorted(unknown))}.")
    return [s for s in scans.scans if {s.name, s.fold} & set(folds)]


def judge(scan: WholeScan, image: Image, lungs: np.ndarray, findings: Findings) -> ScanMarks:
    """What became of a scan's marks; `lungs` is the lung field, of the image's shape."""
    rows = [(*f.geometry.center, f.geometry.diameter, f.score) for f in findings.items]
    table = np.array(rows, float).reshape(-1, 5)
    spheres, scores = table[:, :4], table[:, 4]
    nodules, other = scan.nodules, scan.excluded
    matching = match_marks(
        spheres[:, :3], scores, nodules[:, :3], nodules[:, 3], other[:, :3], other[:, 3], max_marks=None
    )
    hit = matching.hit >= 0
    lesion = np.where(hit, matching.hit, near_lesion(spheres, nodules))
    return ScanMarks(
        scan,
        spheres,
        scores,
        lesion,
        hit,
        matching.on_excluded & (lesion < 0),
        regions_of(spheres, image, lungs),
        float(lungs.sum() * np.prod(image.scale)) * 1e-6,
    )


def near_lesion(spheres: np.ndarray, nodules: np.ndarray) -> np.ndarray:
    """(n,) the lesion beside which each mark lies, or −1: beyond its radius by at most half of it and 5 mm.

    Such a mark is on the same lesion to any eye, though LUNA16's rule makes it a false positive.
    """
    if not len(nodules) or not len(spheres):
        return np.full(len(spheres), -1)
    distance = np.linalg.norm(spheres[:, None, :3] - nodules[None, :, :3], axis=2)
    beyond = distance - nodules[:, 3] / 2
    beside = beyond <= np.minimum(nodules[:, 3] / 4, BESIDE_MM)
    return np.where(beside.any(1), np.where(beside, beyond, np.inf).argmin(1), -1)


def figures(marked: Sequence[ScanMarks], card: ModelCard, data: Path, seen: set[str]) -> dict[str, Any]:
    """Counts at the default and over thresholds, FROC by LUNA16's rules, every mark, and the table for a person."""
    default = card.default_threshold
    at = {f"{t:g}": total(marked, t) for t in (default, *(t for t in THRESHOLDS if t != default))}
    by_scan = {m.scan.name: m.counts(default) for m in marked}
    partly = [m.scan.name for m in marked if not m.scan.complete]
    trained = [m.scan.name for m in marked if {m.scan.name, m.scan.series_uid} & seen]
    matched = matchings(marked)
    negatives = negative_patients(marked, matched)
    warnings = []
    if partly:
        warnings.append(
            f"Not every nodule of {', '.join(partly)} is known: of other marks there, those outside the lungs are false, "
            "the rest are an upper bound."
        )
    if trained:
        warnings.append(f"{', '.join(trained)} took part in the training of these weights.")
    return {
        "network": card.name,
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": sum(len(m.scan.nodules) for m in marked),
        "scans": len(marked),
        "metrics": {
            "default_threshold": default,
            "sensitivity_at": by_rate(RATES, sensitivity_at(froc_curve(matched))),
            "true_negative_patients": negatives,
            "at_threshold": at,
            "by_scan": by_scan,
            "by_diameter_mm": by_diameter(marked, default),
            "lesions": [row for m in marked for row in lesions(m)],
        },
        "marks": [row for m in marked for row in rows(m)],
        "table": [
            *table(by_scan, at, default),
            *size_rows(by_diameter(marked, default)),
            negatives_row(negatives),
        ],
        "warnings": warnings,
    }


def total(marked: Sequence[ScanMarks], threshold: float) -> dict[str, Any]:
    """Sums of `ScanMarks.counts` over scans, and means a scan and a litre."""
    counts = [m.counts(threshold) for m in marked]
    result = {
        key: sum(c[key] for c in counts)
        for key in ("lesions", "found", "other", "extra", "in_lungs", "outside_lungs")
    }
    litres = sum(c["litres"] for c in counts)
    return {
        **result,
        "other_per_scan": result["other"] / len(marked),
        "other_per_litre": result["other"] / max(litres, 1e-9),
        "regions": {name: sum(c["regions"][name] for c in counts) for name in REGIONS},
        "litres": litres,
    }


def matchings(marked: Sequence[ScanMarks]) -> list[Matching]:
    """Match each scan's marks by LUNA16's rules: marks beside a lesion count as it counts them, as false."""
    result = []
    for m in marked:
        nodules, other = m.scan.nodules, m.scan.excluded
        result.append(
            match_marks(m.spheres[:, :3], m.scores, nodules[:, :3], nodules[:, 3], other[:, :3], other[:, 3])
        )
    return result


def negative_patients(marked: Sequence[ScanMarks], matched: Sequence[Matching]) -> dict[str, Any]:
    """Compute the paper's TNP: of the scans without a nodule the fraction without a mark; None where there is no such scan.

    Only a scan of which every nodule is known can be one without.
    """
    free = [
        own for m, own in zip(marked, matched, strict=True) if m.scan.complete and not len(m.scan.nodules)
    ]
    score = true_negative_patients(matched, free)
    return {
        **score.fraction.to_json(),
        "patients": score.patients,
        "threshold": finite(score.threshold),
        "sensitivity": SENSITIVITY,
    }


def by_diameter(marked: Sequence[ScanMarks], threshold: float) -> dict[str, dict[str, int]]:
    """Lesions of each of `SIZES_MM`, how many of them are found, and other marks of that size, at a threshold."""
    each = [row for m in marked for row in lesions(m)]
    others = [row for m in marked for row in rows(m) if row["kind"] == "other" and row["score"] >= threshold]
    result = {}
    for name, (low, high) in SIZES_MM.items():
        own = [row for row in each if low <= row["diameter_mm"] < high]
        found = [row for row in own if row["score"] is not None and row["score"] >= threshold]
        other = [row for row in others if low <= row["diameter_mm"] < high]
        result[name] = {"lesions": len(own), "found": len(found), "other": len(other)}
    return result


def lesions(marked: ScanMarks) -> list[dict[str, Any]]:
    """Each lesion of a scan: its diameter, and score and diameter of the best mark that hits it."""
    result = []
    for i, nodule in enumerate(marked.scan.nodules):
        hits = np.flatnonzero(marked.hit & (marked.lesion == i))
        best = hits[marked.scores[hits].argmax()] if len(hits) else None
        result.append(
            {
                "scan": marked.scan.name,
                "diameter_mm": float(nodule[3]),
                "score": None if best is None else float(marked.scores[best]),
                "marked_diameter_mm": None if best is None else float(marked.spheres[best, 3]),
            }
        )
    return result


def rows(marked: ScanMarks) -> list[dict[str, Any]]:
    """Each mark of a scan, by descending score."""
    kind = np.where(marked.hit, "lesion", np.where(marked.lesion >= 0, "beside a lesion", "other"))
    kind = np.where(marked.excluded, "excluded", kind)
    return [
        {
            "scan": marked.scan.name,
            "center_zyx_mm": [float(c) for c in marked.spheres[i, :3]],
            "diameter_mm": float(marked.spheres[i, 3]),
            "score": float(marked.scores[i]),
            "kind": str(kind[i]),
            "lesion": int(marked.lesion[i]),
            "region": str(marked.region[i]),
        }
        for i in np.argsort(-marked.scores, kind="stable")
    ]


def size_rows(sizes: dict[str, dict[str, int]]) -> list[list[str]]:
    """Lines of the table for a person: what is found and what else is marked, by diameter."""
    return [
        [f"{name} mm", f"{c['found']} of {c['lesions']}", str(c["other"]), "", "", "", "", ""]
        for name, c in sizes.items()
    ]


def negatives_row(score: dict[str, Any]) -> list[str]:
    """Line of the table for a person: the paper's True Negative Patients, or why there is no such figure."""
    if score["value"] is None:
        why = (
            "no scan is known to be without a nodule"
            if not score["patients"]
            else f"no threshold finds {score['sensitivity']:.0%} of the lesions"
        )
        return ["true negative patients", "–", "", "", "", "", "", why]
    what = (
        f"of {score['patients']} without a nodule, at {score['threshold']:.3g}, which finds "
        f"{score['sensitivity']:.0%} of the lesions"
    )
    value = f"{score['value']:.3f} ({score['lower']:.2f}–{score['upper']:.2f})"
    return ["true negative patients", value, "", "", "", "", "", what]


def table(by_scan: dict[str, Any], at: dict[str, Any], default: float) -> list[list[str]]:
    """The table for a person: each scan and all of them at the default threshold, then all of them at others."""
    heading = ["scan", "found", "other", "per litre", "extra", "in lungs", "outside lungs", "where"]

    def line(name: str, c: dict[str, Any], other: str) -> list[str]:
        where = ", ".join(f"{n} {region}" for region, n in c["regions"].items() if n)
        per_litre = f"{c['other'] / max(c['litres'], 1e-9):.1f}"
        return [
            name,
            f"{c['found']} of {c['lesions']}",
            other,
            per_litre,
            str(c["extra"]),
            str(c["in_lungs"]),
            str(c["outside_lungs"]),
            where,
        ]

    found = [heading, *(line(name, c, str(c["other"])) for name, c in by_scan.items())]
    for threshold, c in at.items():
        name = f"all at {threshold}" + (" (default)" if float(threshold) == default else "")
        found.append(line(name, c, f"{c['other_per_scan']:.1f} a scan"))
    return found
