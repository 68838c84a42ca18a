"""ONNX files of detectors with a card beside them: spheres in CT, boxes on radiographs."""
