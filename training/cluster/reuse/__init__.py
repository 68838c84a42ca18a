"""What an index is read for again: figures beside a truth, and the map of a cohort."""
