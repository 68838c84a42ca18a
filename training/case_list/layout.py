"""Where the index of many studies lies below their folder of results."""

INDEX, STUDIES, FINDINGS, DAY = "index", "studies", "findings", "day"
"""Its folder, the folders of its two tables, and the column by which each is divided into folders."""
