"""An archive (PACS) over DICOMweb: find studies, retrieve a series, send findings back. Needs the extra ``dicomweb``."""
