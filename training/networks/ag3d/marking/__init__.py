"""From detections to the marks of a scan, and why a place has one or none."""
