import csv
import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    ImageReference,
    Mask,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.formats.csv_file import read_csv, write_csv
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.luna16 import read_submission

from ...stand_ins.findings_strategies import findings_items, references, spheres

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def test_columns_are_the_documented_ones(tmp_path):
    write_csv([], tmp_path / "f.csv", ("mtmr", "mtcnn"))
    assert (tmp_path / "f.csv").read_text().strip() == (
        "seriesuid,coordX,coordY,coordZ,probability,diameter_mm,malignancy,subtlety,internalStructure,calcification,"
        "sphericity,margin,lobulation,spiculation,texture,kind,status,model,x0,y0,x1,y1,"
        "malignancy_spread,malignancy_votes,subtlety_votes,internalStructure_votes,calcification_votes,sphericity_votes,"
        "margin_votes,lobulation_votes,spiculation_votes,texture_votes,unlike,"
        "person,described_as,reason,confidence,remark,changed_at,history,"
        "mtmr_malignancy,mtmr_spread,mtcnn_malignancy,mtcnn_spread"
    )


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=10)  # 0.15 s each
@given(
    st.lists(
        st.lists(findings_items.flatmap(lambda f: spheres.map(lambda s: f.with_(geometry=s))), min_size=1),
        max_size=3,
    )
)
def test_spheres_come_back_exactly(tmp_path, cases):
    # Identifiers that a spreadsheet would take for numbers.
    written = [Findings(tuple(items), ImageReference(f"00{i}")) for i, items in enumerate(cases)]
    write_csv(written, tmp_path / "findings.csv", ("mtmr", "mtcnn"))
    read = read_csv(tmp_path / "findings.csv")
    assert list(read) == [case.image.series_uid for case in written]
    for case in written:
        for a, b in zip(case, read[case.image.series_uid], strict=True):
            for name in (
                "geometry",
                "score",
                "malignancy",
                "malignancy_spread",
                "attributes",
                "status",
                "unlike",
            ):
                assert getattr(a, name) == getattr(b, name)
            assert a.votes.keys() == b.votes.keys()
            assert all(b.votes[name] == pytest.approx(shares, abs=1e-3) for name, shares in a.votes.items())
            assert [judged(o) for o in a.opinions] == [judged(o) for o in b.opinions]


def judged(opinion):
    """What a row can hold of an opinion."""
    return opinion.model, opinion.malignancy, opinion.std


def test_a_table_from_before_the_characterisers_reads_as_before(tmp_path):
    path = tmp_path / "findings.csv"
    path.write_text(
        "seriesuid,coordX,coordY,coordZ,probability,diameter_mm,malignancy,spiculation,kind,status,model\n"
        "1,1,2,3,0.9,8,0.25,4,sphere,accepted,ag3d 0.1\n"
    )
    (finding,) = read_csv(path)["1"]
    assert (finding.malignancy, finding.malignancy_spread, finding.opinions) == (0.25, None, ())
    assert finding.attributes == {"spiculation": 4}


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(findings_items, references)
def test_every_kind_keeps_its_place(tmp_path, finding, image):
    image = ImageReference("7", spacing=image.spacing and image.spacing[:2], origin=image.origin[:2])
    write_csv([Findings((finding,), image)], tmp_path / "findings.csv")
    back = read_csv(tmp_path / "findings.csv", [image])["7"][0]
    if isinstance(finding.geometry, Mask) and len(finding.center) == 2:
        assert all(
            a <= c <= b for a, c, b in zip(back.geometry.low, finding.center, back.geometry.high, strict=True)
        )
    else:
        np.testing.assert_allclose(back.center, finding.center, atol=1e-6)
        assert back.diameter == pytest.approx(finding.diameter)


def test_boxes_are_written_in_pixels(tmp_path):
    image = ImageReference("r", modality="DX", spacing=(0.5, 0.2), origin=(10, 20))
    write_csv([Findings((Finding(Box((11, 22), (13, 24)), 0.4),), image)], tmp_path / "f.csv")
    (row,) = csv.DictReader((tmp_path / "f.csv").open())
    assert [float(row[c]) for c in ("x0", "y0", "x1", "y1")] == pytest.approx([10, 2, 20, 6])
    assert row["coordX"] == row["diameter_mm"] == ""
    assert row["kind"] == "box"
    assert read_csv(tmp_path / "f.csv")["r"].image.units == "pixel"


def test_model_and_status(tmp_path):
    items = (
        Finding(Sphere((1, 2, 3), 4), 0.9, provenance=Provenance("ag3d", "0.1"), status="accepted"),
        Finding(Sphere((1, 2, 3), 4), provenance=Provenance(person="Dr Mabuse")),
        Finding(Sphere((1, 2, 3), 4), provenance=Provenance("other")),
    )
    write_csv([Findings(items, ImageReference("1"))], tmp_path / "f.csv.gz")
    assert (tmp_path / "f.csv.gz").read_bytes()[:2] == b"\x1f\x8b"
    a, b, c = read_csv(tmp_path / "f.csv.gz")["1"]
    assert (a.provenance, a.status) == (Provenance("ag3d", "0.1"), "accepted")
    assert b.provenance == Provenance(person="Dr Mabuse")
    assert c.provenance == Provenance("other")


def test_the_table_is_a_luna16_submission(tmp_path):
    sphere, box = Finding(Sphere((1, 2, 3), 4), 0.9), Finding(Box((1, 2), (3, 4)), 0.8)
    cases = [Findings((sphere,), ImageReference("ct")), Findings((box,), ImageReference("dx"))]
    write_csv(cases, tmp_path / "f.csv")
    marks = read_submission(tmp_path / "f.csv")
    assert list(marks) == ["ct"]
    np.testing.assert_array_equal(marks["ct"].center, [[1, 2, 3]])
    np.testing.assert_array_equal(marks["ct"].value, [0.9])


def test_a_bare_annotation_table_is_enough(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEADER.encode().replace(b"\n", b"\r\n") + b" 0012 , 1, 2, 3, 4.5 \r\n\r\n,,,,\r\n"
    )
    (finding,) = read_csv(path)["0012"]
    assert finding.geometry == Sphere((3, 2, 1), 4.5)
    assert finding.score == 1
    assert set(finding.attributes) <= set(ATTRIBUTES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column seriesuid"),
        ("a;b;c\n", "no column seriesuid"),
        (HEADER + "1,2,3\n", "line 2: coordX.*needed"),
        (HEADER + "1,2,3,x,5\n", "line 2: coordZ is 'x'"),
        (HEADER + "1,2,3,nan,5\n", "line 2: coordZ is 'nan'"),
        (HEADER + "1,2,3,4,-5\n", "line 2: a sphere's diameter is positive"),
        (HEADER + ",2,3,4,5\n", "line 2: no seriesuid"),
        (HEADER.replace("\n", ",status\n") + "1,2,3,4,5,perhaps\n", "unknown status"),
        (HEADER.replace("\n", ",mtmr_malignancy\n") + "1,2,3,4,5,1.5\n", "line 2: probabilities lie between"),
        (HEADER.replace("\n", ",malignancy_spread\n") + "1,2,3,4,5,-1\n", "line 2: a spread is not negative"),
    ],
)
def test_bad_tables_name_the_line(tmp_path, text, says):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(FindingsFileError, match=says) as caught:
        read_csv(path)
    assert "bad.csv" in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00\x80", gzip.compress(b"seriesuid\n" * 99, mtime=0)[:30], b"\x1f\x8bnonsense" * 9]
)
def test_damaged_bytes(tmp_path, data):
    (tmp_path / "bad.csv.gz").write_bytes(data)
    with pytest.raises(FindingsFileError, match=r"bad\.csv\.gz"):
        read_csv(tmp_path / "bad.csv.gz")
