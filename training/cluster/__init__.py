"""Many studies on many processes and machines by Dask: found lazily, each done once, told in an index of Parquet files."""
