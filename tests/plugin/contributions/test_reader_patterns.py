"""The manifest's patterns are those of the format table, DICOM's and our own."""

from npe2 import PluginManifest

from napari_lungmtl.contributions.reader import CLAIMED

from ...house import ROOT

IDENTIFIERS = {"1.2.*", "1.3.*", "*.1.2.840.*"}
"""Slices are often named by their identifier, with no suffix."""


def test_the_manifest_claims_what_the_table_reads():
    manifest = PluginManifest.from_file(ROOT / "napari_lungmtl" / "napari.yaml")
    (reader,) = manifest.contributions.readers or []
    patterns = set(reader.filename_patterns)
    assert patterns > IDENTIFIERS
    # Patterns heed case, and JSRT's files are named in capitals.
    assert patterns - IDENTIFIERS == {f"*{suffix}" for suffix in (*CLAIMED, ".IMG", ".lungmtl.json")}
