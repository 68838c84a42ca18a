"""``lungmtl archive``: an archive (PACS) over DICOMweb."""
