"""``lungmtl summary``: what it asks for, and a report in the study without anybody's name."""

import pydicom
from typer.testing import CliRunner

from napari_lungmtl.training.case_report import pdf
from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Finding, Provenance
from napari_lungmtl.training.findings.formats.json_file import write_findings
from tests.stand_ins.exchanged import findings_on, opened, series

RUN = CliRunner()


def lungmtl(*words):
    return RUN.invoke(app, [str(word) for word in words])


def test_from_the_question_to_the_study(tmp_path, monkeypatch):
    """The layout of a PDF is tested elsewhere: here it is a stand-in."""
    image, _ = opened(series(tmp_path / "ct", shuffled=True))
    findings = findings_on(image)
    ball = next(f for f in findings if f.kind == "sphere" and f.status != "rejected")
    write_findings(findings, tmp_path / "case.lungmtl.json")
    case, out = tmp_path / "case.lungmtl.json", tmp_path / "case.html"
    brock = ("summary", case, "--guideline", "brock")
    done = lungmtl(*brock, "--out", out)
    assert done.exit_code == 1
    assert "name it with --nodule" in done.output
    rejected = next(f for f in findings if f.status == "rejected")
    done = lungmtl(*brock, "--out", out, "--nodule", rejected.number)
    assert "name it with --nodule" in done.output, "what is not on the page has no calculator there"
    done = lungmtl("summary", case, "--out", out, "--given", "age=62")
    assert "name one with --guideline" in done.output
    brock = (*brock, "--nodule", ball.number)
    done = lungmtl(*brock, "--out", out, "--given", "age=62")
    assert done.exit_code == 1
    assert "add --given known_cancer=yes/no --given woman=yes/no" in done.output
    assert "age" not in done.output.partition("add")[2]
    assert not out.exists()
    answers = {
        **dict.fromkeys(("known_cancer", "woman", "family_history", "emphysema", "spiculated"), "no"),
        "age": "62",
        "count": "4",
        "upper_lobe": "no",
        "texture": "solid",
        "long_axis": "6",
    }
    given = [word for name, text in answers.items() for word in ("--given", f"{name}={text}")]
    done = lungmtl(*brock, "--out", out, "--language", "de", *given)
    assert (done.exit_code, done.output.strip()) == (0, str(out))
    assert "0,5\u00a0%" in out.read_text(encoding="utf-8"), "the published 0.0053"

    class Document:
        pages = (1,)

        def __init__(self, html: str) -> None:
            self.html = html

        def write_pdf(self) -> bytes:
            return b"%PDF-1.7\n" + self.html.encode()

    monkeypatch.setattr(pdf, "render", Document)
    done = lungmtl("summary", case, "--out", tmp_path / "case.dcm", "--deidentify")
    assert done.exit_code == 0, done.output
    dataset = pydicom.dcmread(tmp_path / "case.dcm")
    assert dataset.SOPClassUID.name == "Encapsulated PDF Storage"
    assert b"For research only" in dataset.EncapsulatedDocument
    assert dataset.PatientIdentityRemoved == "YES"
    assert "Dr. M" not in dataset.EncapsulatedDocument.decode("utf-8", "replace")


def test_of_accepted_findings_the_others_are_told_as_not_accepted_whatever_their_score(tmp_path):
    image, _ = opened(series(tmp_path / "ct", shuffled=True))
    findings = findings_on(image)
    marks = [Finding(f.geometry, score=1.0, provenance=Provenance("ag3d", "0.3")) for f in findings]
    write_findings(findings.with_items(tuple(marks)), tmp_path / "case.lungmtl.json")
    out = tmp_path / "case.html"
    done = lungmtl("summary", tmp_path / "case.lungmtl.json", "--out", out, "--which", "accepted")
    assert done.exit_code == 0, done.output
    html = out.read_text(encoding="utf-8")
    assert f"not shown (not accepted): {len(marks)}" in html
    assert "below the thresholds" not in html
