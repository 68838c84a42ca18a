"""What a person reads: words for attributes, boxes and networks."""
