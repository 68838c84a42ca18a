"""What a person changes of findings: on the canvas, by keys, and in the lists."""
