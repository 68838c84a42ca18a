"""The report of a case: what is in it, in both languages; nothing that people wrote becomes markup; one page of PDF."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.case_report import pdf as pdf_module
from napari_lungmtl.training.case_report import pictures
from napari_lungmtl.training.case_report.calculator_lines import TITLES
from napari_lungmtl.training.case_report.language import Language
from napari_lungmtl.training.case_report.pdf import PdfError
from napari_lungmtl.training.case_report.report import (
    CaseReport,
    CaseReportError,
    page,
    pdf,
    write_case_report,
)
from napari_lungmtl.training.case_report.words import Words
from napari_lungmtl.training.export_options import Which
from napari_lungmtl.training.findings import ATTRIBUTES, Box, Finding, Findings, Measurement, Provenance
from napari_lungmtl.training.findings.attribute_words import SCALES
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.finding import REASONS, ImageScore
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.guidelines import brock, fleischner, lung_rads
from napari_lungmtl.training.guidelines.calculation import Given, Source, calculate, known
from napari_lungmtl.training.guidelines.guideline import Guideline
from napari_lungmtl.training.guidelines.inputs import NAMES
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.radiograph_answer import ANSWER

SAMPLES = Path(__file__).parents[3] / "sample_data"
NASTY = "<script>alert('größer')</script> & {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def image() -> Image:
    return read_image(SAMPLES / "ct")


@pytest.fixture(scope="module")
def findings(image) -> Findings:
    """The sample's six nodules, as if networks had found them; one of them rejected besides, one measured."""
    truth = read_findings(SAMPLES / "ct_truth.lungmtl.json")
    items = [
        f.with_(
            number=i,
            id=f"f{i}",
            score=1 - 0.08 * i,
            malignancy=0.8 - 0.1 * i,
            malignancy_spread=0.05,
            provenance=Provenance("net", "1.0"),
        )
        for i, f in enumerate(truth, 1)
    ]
    items[1] = items[1].with_(
        status="accepted", note=NASTY, provenance=Provenance("net", "1.0", "Dr. Nora Nguyen")
    )
    items.append(items[0].with_(id="r", number=7, status="rejected", reason="vessel"))
    z, y, x = items[1].center
    axes = Measurement(
        "axes",
        ((z, y, x), (z, y, x + 16), (z, y + 6, x + 8), (z, y - 6, x + 8)),
        axis=0,
        finding="f2",
        values={"long": 16.0, "short": 12.5, "volume": 1172.0},
    )
    return replace(
        truth,
        items=tuple(items),
        measurements=(axes,),
        done_by="Dr. Nora Nguyen",
        models=({"name": "net", "version": "1.0", "sha256": "00ff11aa22bb"},),
    )


@pytest.fixture(scope="module")
def calculations(findings):
    given = known(findings, findings["f2"]) | {
        name: Given(value, Source.PERSON)
        for name, value in {
            **dict.fromkeys(("known_cancer", "immunosuppressed", "screening", "spiculated"), False),
            **dict.fromkeys(("woman", "family_history", "emphysema", "upper_lobe", "high_risk"), True),
            "age": 93.0,
            "count": 6,
            "texture": "solid",
        }.items()
    }
    without_age = {name: one for name, one in given.items() if name != "age"}
    return (
        calculate(Guideline.BROCK, given, 2),
        calculate(Guideline.FLEISCHNER, without_age, 2),
        calculate(Guideline.LUNG_RADS, given, 2),
    )


def text_of(html: str) -> str:
    """What is read on a page: one line, without markup."""
    from html import unescape

    body = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", html)
    return " ".join(unescape(body).replace("\u00a0", " ").split())


def test_all_of_a_case_is_on_the_page(findings, image, calculations):
    html = page(
        CaseReport(
            findings, findings.items, image, "Müller", calculations=calculations, made=date(2026, 11, 5)
        )
    )
    text = text_of(html)
    for words in (
        *("Müller", "CT · Synthetic chest CT (phantom)", "80 × 280 × 320", "Report of 5 Nov 2026"),
        *("Read by Dr. Nora Nguyen", "⌀ 15.0 mm · Score 0.84 · ✓ accepted", "slice 69/80", "0.60 ± 0.05"),
        *("Measured: 16.0 × 12.5 mm, mean 14.2 mm, 1,172 mm³", "Corrected by Dr. Nora Nguyen"),
        *("Rejected: 1 (1 vessel)", "net 1.0 (00ff11aa)", "For research only"),
        *("Age 93 years (a person)", "Mean diameter 14.2 mm (measured)", "Age (not given)"),
        "nothing is assumed: Age",
        "Lung-RADS applies to screening only",
    ):
        assert words in text, words
    assert html.count("<img") == 18
    assert "<script" not in html
    assert f"Note: {NASTY}" in text, "and neither is it run as a template"
    numbers = re.findall(r'<td class="number">(\d)', html)
    assert numbers == ["2", "1", "3", "4", "5", "6"], "accepted first, then by score"


def test_german_words_and_numbers(findings, image, calculations):
    text = text_of(
        page(
            CaseReport(findings, findings.items, image, "", Language.DE, calculations, made=date(2026, 11, 5))
        )
    )
    for words in (
        *("Fall ohne Namen", "Bericht vom 05.11.2026", "2,00 × 1,20 × 1,20 mm", "✓ bestätigt"),
        *("16,0 × 12,5 mm, Mittel 14,2 mm, 1.172 mm³", "Malignität 0,60 ± 0,05", "Verworfen: 1 (1 Gefäß)"),
        *("Alter 93 Jahre (eine Person)", "Alter (nicht angegeben)", "Nur für die Forschung"),
    ):
        assert words in text, words


def test_german_has_all_words_that_reports_can_need():
    """One that is missing would be an error on a person's page."""
    words = Words(Language.DE)
    module_texts = [
        value
        for module in (brock, fleischner, lung_rads)
        for value in vars(module).values()
        if isinstance(value, str) and value.endswith(".") and "\n" not in value
    ]
    tables = (fleischner._SOLID, fleischner._SUBSOLID, fleischner._SEVERAL_SUBSOLID, lung_rads.ADVICE)
    sentences = [*module_texts, *(said for table in tables for said in table.values())]
    sentences += [said for _, said in fleischner._EXCLUDES]
    scales = [part for s in SCALES.values() for part in (s.title, s.low, s.high, *s.categories) if part]
    assert set(TITLES) == set(NAMES)
    for english in (*sentences, *scales, *TITLES.values(), *(s.value for s in Source), *REASONS):
        assert words(english), english
    assert len(sentences) > 20
    assert set(SCALES) == set(ATTRIBUTES)


def test_without_identity_nobody_is_named(findings, image, calculations):
    secret = replace(
        image, metadata={"patient_id": "Müller", "study_date": "20000131"}, warnings=("/home/x",)
    )
    html = page(
        CaseReport(findings, findings.items, secret, "Müller", Language.EN, calculations, Deidentifier())
    )
    for told in ("Müller", "Jan 2000", "Nguyen", "alert", "/home/x", "Report of", "93 years"):
        assert told not in text_of(html), told
    assert "> 89 years" in text_of(html)
    assert re.search(r"case-[0-9a-f]{8}", html)


def test_many_findings_are_named_and_counted_and_no_image_is_said(findings):
    many = replace(
        findings,
        items=tuple(findings["f1"].with_(id=str(i), number=i, score=1 - i / 100) for i in range(1, 31)),
    )
    html = page(CaseReport(many, many.items[:28], None))
    text = text_of(html)
    assert "The image is not at hand" in text
    assert "<img" not in html
    assert "7: 21.0 mm; Score 0.93; Malignancy 0.70; unreviewed" in text
    assert "and more: 10" in text
    assert "not shown (below the thresholds): 2" in text
    few = CaseReport(many, many.items[:28], None, which=Which.ACCEPTED)
    assert "not shown (not accepted): 2" in text_of(page(few))
    assert "nicht gezeigt (nicht bestätigt): 2" in text_of(page(replace(few, language=Language.DE)))


def test_pdf_of_six_findings_and_three_calculators_is_one_page(findings, image, calculations):
    """In the language with the longer words, with a long note; its text is text, and its pictures are there."""
    pypdf = pytest.importorskip("pypdf")
    long = replace(findings, items=tuple(f.with_(note="Größer als im Vorjahr? " * 5) for f in findings))
    try:
        data = pdf(CaseReport(long, long.items, image, "Fall 7", Language.DE, calculations))
    except PdfError as error:
        pytest.skip(str(error))
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert len(reader.pages) == 1
    width, height = (float(side) / 72 * 25.4 for side in reader.pages[0].mediabox[2:])
    assert (width, height) == (pytest.approx(210, abs=0.5), pytest.approx(297, abs=0.5))
    text = " ".join(reader.pages[0].extract_text().split())
    for words in ("Fall 7", "16,0 × 12,5 mm", "Weitere Befunde", "Nur für die Forschung"):
        assert words in text
    assert len(reader.pages[0].images) >= 3
    assert "Fall 7" not in str(reader.metadata)


def test_numbers_of_marks_on_one_lesion_do_not_lie_over_each_other(monkeypatch):
    written = []
    real = pictures.write

    def write(pen, place, text, font, anchor):
        written.append((text, pen.textbbox(place, text, font, anchor)))
        real(pen, place, text, font, anchor)

    monkeypatch.setattr(pictures, "write", write)
    image = Image(np.zeros((400, 400), np.uint8), "DX", (1.0, 1.0))
    marks = [Finding(Box((180.0 - k, 180.0), (220.0, 220.0 + k)), number=10 + k) for k in range(4)]
    pictures.film(image, marks)
    assert [text for text, _ in written] == ["10", "11", "12", "13"]
    boxes = [box for _, box in written]
    for n, a in enumerate(boxes):
        for b in boxes[n + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_a_radiograph_has_its_boxes_where_they_are_also_turned(tmp_path):
    from base64 import b64decode

    from PIL import Image as Pillow

    from napari_lungmtl.training.case_report.pictures import MARK, film
    from napari_lungmtl.training.imaging.radiograph.orientation import Orientation

    image = read_image(SAMPLES / "radiograph.dcm")
    truth = read_findings(SAMPLES / "radiograph_truth.lungmtl.json")
    box = truth[0].geometry
    for orientation in (Orientation(), Orientation(quarters=1), Orientation(mirrored=True)):
        picture = Pillow.open(io.BytesIO(b64decode(film(image, truth[:1], orientation).partition(",")[2])))
        pixels = np.asarray(picture).astype(int)
        marked = np.abs(pixels - MARK).sum(axis=-1) < 120
        rows, columns = np.nonzero(marked)
        middle = np.array([rows.min() + rows.max(), columns.min() + columns.max()]) / 2
        scale = np.array(orientation.apply(np.empty(image.shape)).shape) / marked.shape
        index = orientation.index_to_stored((middle + 0.5) * scale - 0.5, image.shape)
        np.testing.assert_allclose(image.to_world(index), box.center, atol=2.0)
    scored = replace(truth, image_scores=(ImageScore("net", "1", 0.81),))
    html = page(CaseReport(scored, scored.items, image))
    assert "a nodule somewhere 0.81" in text_of(html)
    answered = replace(scored, image_scores=(*scored.image_scores, ImageScore(ANSWER, "1", 0.91)))
    told = text_of(page(CaseReport(answered, (), image)))
    assert "a nodule somewhere: 53% at a prevalence of 10%" in told, "as the banner has it"
    assert "0.81" not in told
    german = CaseReport(answered, (), image, language=Language.DE, prevalence=0.005)
    assert "irgendwo ein Rundherd: 4,8 % bei einer Prävalenz von 0,5 %" in text_of(page(german))
    assert html.count("<img") == 4
    write_case_report(CaseReport(scored, scored.items, image), tmp_path / "film.html")
    assert (tmp_path / "film.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_cannot_be_written_is_said(findings, tmp_path, monkeypatch):
    report = CaseReport(findings, findings.items)
    with pytest.raises(CaseReportError, match=r"\.html"):
        write_case_report(report, tmp_path / "report.docx")

    import builtins

    real = builtins.__import__

    def without_pango(name, *args, **kwargs):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pango)
    with pytest.raises(PdfError, match=r"apt-get install libpango-1\.0-0 .* \.html"):
        write_case_report(report, tmp_path / "report.pdf")
    assert pdf_module.PANGO in (Path(__file__).parents[3] / "scripts" / "setup.sh").read_text()
    assert not list(tmp_path.iterdir())
