"""Places beyond the local disk: S3, SSH and HTTP, by fsspec."""
