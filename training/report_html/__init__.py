"""One HTML file of an evaluation: figures, plots, and its cases from the hardest on; JSON, csv and Parquet beside it."""
