"""Many studies in one index as a cluster writes it: predicted in this process one after the other, or with given findings."""

from importlib.metadata import version
from pathlib import Path

from napari_lungmtl.training.cluster.find import Finder
from napari_lungmtl.training.cluster.rows import finding_rows
from napari_lungmtl.training.cluster.task import DONE, FAILED, Options, Outcome
from napari_lungmtl.training.cluster.worker import predict_study
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.storage.address import is_remote


def predict_all(root: Path, out: Path) -> Path:
    """Predict the studies below a folder with all models at hand, and give the folder of the results."""
    infos = registry.models()
    networks = tuple((info, registry.card_of(info).sha256) for info in infos)
    options = Options(out, networks, device="cpu", version=version("napari-lungmtl"))
    writer = IndexWriter(out, options.version)
    for found in Finder([root], {m for info in infos for m in info.modalities}, out):
        writer.add(found if isinstance(found, Outcome) else predict_study(found, options))
    writer.flush()
    return out


def write_study(out: Path, findings: Findings, key: str) -> Path:
    """Write a study of given findings, and its rows; give the file of the findings."""
    file = f"results/{key}.lungmtl.json"
    if not is_remote(out):
        (out / file).parent.mkdir(parents=True, exist_ok=True)
    write_findings(findings, out / file)
    path, uid = findings.image.source, findings.image.series_uid
    row = {"path": path, "series_uid": uid, "findings": len(findings)}
    tell(out, Outcome(f"{path} (series {uid})", DONE, "", key, file, row, finding_rows(findings, key, file)))
    return out / file


def write_failure(out: Path, path: str, uid: str, sentence: str) -> None:
    """Write the row of a study that failed."""
    row = {"path": path, "series_uid": uid}
    tell(out, Outcome(f"{path} (series {uid})", FAILED, sentence, row=row))


def tell(out: Path, outcome: Outcome) -> None:
    """Write the rows of an outcome as another run does."""
    writer = IndexWriter(out, "1")
    writer.add(outcome)
    writer.flush()
