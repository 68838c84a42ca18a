"""DICOM objects made of findings, through highdicom; each refers to the instances of the series that the findings belong to."""
