"""Metrics take arrays and give numbers: what is above them (datasets, files, networks) they do not know."""

from ...house import ROOT, imports

ALLOWED = (
    "napari_lungmtl.training.metrics",
    "napari_lungmtl.training.ops",
    "napari_lungmtl.training.findings.ATTRIBUTES",
    "napari_lungmtl.training.findings.lidc_scales",
)


def test_metrics_import_no_dataset_and_no_file_format():
    above = {
        f"{path.relative_to(ROOT)}: {found}"
        for path in (ROOT / "training" / "metrics").rglob("*.py")
        for found in imports(path)
        if found.startswith("napari_lungmtl") and not found.startswith(ALLOWED)
    }
    assert not above
