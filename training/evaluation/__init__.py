"""What ``lungmtl evaluate`` prints."""
