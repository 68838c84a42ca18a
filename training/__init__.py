"""What is known about lungs: images, findings, networks, data and metrics. No napari, no Qt.

Always imported as ``napari_lungmtl.training`` (see ``docs/architecture.md``).
"""
