"""What many studies' index holds is evaluated as the networks are that found it; what it lacks is said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cluster.reuse.found import IndexedResults, indexed_results
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.storage.filesystem import filesystem

from ....stand_ins.fresh_models import fresh_model_store
from ....stand_ins.indexed import predict_all, write_failure, write_study
from ....stand_ins.servers import BUCKET, s3_bucket, s3_server
from ....stand_ins.square_finder import SquareFinder, write_simulated
from ....stand_ins.whole_scans_folder import LESION, Marker, write_whole_scans

pytest.importorskip("pyarrow")
NETWORK = Provenance("net", "0.1")
MARKS = [(*LESION[:3], 11.0, 0.9), (*LESION[:2], LESION[2] + 25, 6.0, 1 / 3)]


def lungmtl(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def figures(tmp_path, *arguments, status=0):
    done = lungmtl("evaluate", *arguments, "--json", tmp_path / "f.json")
    assert done.exit_code == status, done.output
    return json.loads((tmp_path / "f.json").read_text()), done


class Hand(dict):
    """Stand-ins for networks, which have the versions and hashes of the cards that are at hand."""

    def give(self, name, stand_in):
        stand_in.info = replace(stand_in.info, version=registry.card(name).version)
        self[name] = stand_in
        model_store.store.release()


@pytest.fixture
def hand(monkeypatch):
    hand = Hand()
    monkeypatch.setattr(registry, "models", lambda: tuple(m.info for m in hand.values()))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: hand[name])
    fresh_model_store(monkeypatch)
    return hand


def no_network(*_arguments):
    raise AssertionError("a network was loaded")


def test_whole_scans_have_the_figures_of_the_network_itself(hand, tmp_path, monkeypatch):
    data = write_whole_scans(tmp_path / "data")
    hand.give("ag3d", Marker(MARKS, "ag3d"))
    direct, _ = figures(tmp_path, "ag3d", "--data", data, "--folds", "all")
    assert direct["metrics"]["by_scan"]["A"]["found"] == 1
    out = predict_all(data, tmp_path / "out")
    monkeypatch.setattr(registry, "load_predictor", no_network)
    asked = ("ag3d", "--data", data, "--folds", "all", "--findings", out)
    assert figures(tmp_path, *asked)[0] == direct
    assert indexed_results(out / "index") == IndexedResults(out)
    with s3_server() as endpoint, s3_bucket(endpoint, monkeypatch) as s3:
        filesystem.cache_clear()
        s3.put(str(out), f"{BUCKET}/out", recursive=True)
        assert figures(tmp_path, *asked[:-1], f"s3://{BUCKET}/out")[0] == direct
    filesystem.cache_clear()

    # Done again by another version: the last result counts, and is said to be of other weights.
    (index,) = out.glob("index/studies/*/*.parquet")
    path = data / "A.nii.gz"
    findings = read_findings(next(out.glob("results/*/A.*.json")))
    models = ({**findings.models[0], "sha256": "00", "version": "8.9"},)
    again = write_study(out, replace(findings, models=models), "again")
    figures_left, done = figures(tmp_path, *asked, status=1)
    assert list(figures_left["metrics"]["by_scan"]) == ["B"]
    (failed,) = figures_left["failed"]
    assert failed["input"] == str(path)
    assert "comes from ag3d 8.9 with other weights" in failed["error"]
    assert failed["error"] in done.stderr

    # Failed, and not there: neither is a scan in which nothing was found.
    index.unlink()
    write_failure(out, str(data / "B.nii.gz"), "B", "B is cut off.")
    done = lungmtl(*("evaluate", *asked))
    assert done.exit_code == 1
    assert "no scan that could be evaluated" in done.stderr
    write_findings(findings, again)
    assert [f["error"] for f in figures(tmp_path, *asked, status=1)[0]["failed"]] == [
        f"{data / 'B.nii.gz'}: B is cut off."
    ]
    (tmp_path / "none").mkdir()
    done = lungmtl("evaluate", *asked[:-1], tmp_path / "none")
    assert done.exit_code == 1
    assert "has no index" in done.stderr


def test_radiographs_have_the_figures_of_the_network_itself(hand, tmp_path, monkeypatch):
    data = write_simulated(tmp_path / "set", 4)
    hand.give("dhn", SquareFinder())
    hand.give("mosegnet", SquareFinder("mosegnet", 0.9))
    out = predict_all(data / "images", tmp_path / "out")
    direct = {name: figures(tmp_path, name, "--data", data)[0] for name in hand}
    assert direct["mosegnet"]["metrics"]["lung_dice"]
    monkeypatch.setattr(registry, "load_predictor", no_network)
    for name, expected in direct.items():
        assert figures(tmp_path, name, "--data", data, "--findings", out)[0] == expected
    done = lungmtl("evaluate", "mtmr", "--data", data, "--findings", out)
    assert done.exit_code == 1
    assert "at the places of a findings.csv" in done.stderr


def found(uid, path, *marks, network=NETWORK):
    """Findings at x with a score."""
    items = (Finding(Sphere((-50.0, 9.0, x), 6.0), score, provenance=network) for x, score in marks)
    return Findings(tuple(items), ImageReference(series_uid=uid, source=path, modality="CT"))


@pytest.fixture
def archive(tmp_path):
    """An index of series that were done again, moved, copied by name, or failed; gives its folder and the files of findings."""
    out = tmp_path / "out"
    write_study(out, found("1.2.3.1", "/archive/a", (10.0, 0.9)), "k1")
    files = {
        "again": write_study(out, found("1.2.3.1", "/moved/a", (12.0, 0.8), (90.0, 0.7)), "k2"),
        "beside": write_study(out, found("1.2.3.2", "/archive/a"), "k3"),
        "scan": write_study(out, found("scan", "/x/scan.nii.gz", (5.0, 0.5)), "k4"),
    }
    write_study(out, found("scan", "/y/scan.nii.gz", (6.0, 0.4)), "k5")
    write_failure(out, "/archive/c", "1.2.3.3", "It is cut off.")
    return out, files


def test_a_study_is_known_by_its_identifier_then_its_path_then_its_name(archive):
    out, files = archive
    look_up = IndexedResults(out).files
    a, x, z = (Path(p) for p in ("/archive/a", "/x/scan.nii.gz", "/z/scan.nii.gz"))
    assert look_up([(a, ("1.2.3.1", "a"))]) == {a: files["again"]}
    assert look_up([(a, ("1.2.3.2",))]) == {a: files["beside"]}
    assert "several studies" in look_up([(a, ())])[a]
    assert "no study" in look_up([(a, ("1.2.3.9",))])[a]
    assert look_up([(x, ("scan",))]) == {x: files["scan"]}
    write_study(out, found("ct", "/p0/ct.nii.gz"), "ct")
    patients = [
        Path(f"/data/{n}/ct.nii.gz") for n in range(2)
    ]  # one was predicted, and maybe neither of these
    assert isinstance(look_up([(patients[0], ("ct",))])[patients[0]], Path)
    assert all("no study" in str(said) for said in look_up([(p, ("ct", "ct")) for p in patients]).values())
    assert "several studies" in look_up([(z, ("scan",))])[z]
    assert look_up([(Path("/archive/c"), ("1.2.3.3",))]) == {Path("/archive/c"): "It is cut off."}


def test_froc_takes_an_index_for_a_submission(archive, tmp_path):
    out, _ = archive
    head = "seriesuid,coordX,coordY,coordZ,"
    (tmp_path / "truth.csv").write_text(
        f"{head}diameter_mm\n1.2.3.1,11,9,-50,6\n1.2.3.2,0,0,0,9\n1.2.3.3,0,0,0,9\n"
    )
    (tmp_path / "marks.csv").write_text(f"{head}probability\n1.2.3.1,12,9,-50,0.8\n1.2.3.1,90,9,-50,0.7\n")

    def froc(series, submission):
        (tmp_path / "series.csv").write_text("\n".join(series))
        files = ("--truth", tmp_path / "truth.csv", "--series", tmp_path / "series.csv")
        done = lungmtl("froc", *files, "--submission", submission, "--json", tmp_path / "f.json")
        return done, json.loads((tmp_path / "f.json").read_text())

    both = ["1.2.3.1", "1.2.3.2"]
    by_another = found("1.2.3.2", "/archive/a", (3.0, 0.1), network=replace(NETWORK, version="0.2"))
    _, expected = froc(both, tmp_path / "marks.csv")
    done, figures = froc(both, out)
    assert done.exit_code == 0, done.output
    assert figures == expected
    assert (figures["true_positives"], figures["false_negatives"], figures["false_positives"]) == (1, 1, 1)
    assert "several networks" not in done.stderr
    write_study(out, by_another, "k6")
    assert "several networks or weights, whose scores differ: net 0.1, net 0.2" in froc(both, out)[0].stderr
    done, figures = froc([*both, "1.2.3.3", "1.2.3.4"], out)
    assert done.exit_code == 1
    assert "1.2.3.3 is left out: It is cut off." in done.stderr
    assert "1.2.3.4 is left out: The index has no study" in done.stderr
    assert (figures["scans"], figures["false_negatives"]) == (2, 1)
