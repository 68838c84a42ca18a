"""*Archive…*: find a patient's studies in an archive (DICOMweb), open one, send findings back."""
