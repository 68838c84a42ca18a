"""Findings as napari-lungmtl 0.0 wrote them, with every field: these texts never change, whatever the code calls its fields."""

from __future__ import annotations

SAVED_CT = """{
 "format": "lungmtl-findings",
 "schema_version": 3,
 "image": {
  "series_uid": "1.2.840.1",
  "source": "scan.mha",
  "modality": "CT",
  "units": "mm",
  "shape_zyx": [11, 512, 512],
  "spacing_zyx": [2.5, 0.75, 0.75],
  "origin_zyx": [-200.0, 0.0, 0.0]
 },
 "models": [
  {"name": "ag3d", "version": "0.1", "sha256": "00ff"},
  {"name": "mtmr", "version": "0.2", "sha256": "11"}
 ],
 "image_scores": [],
 "regions": [],
 "findings": [
  {
   "id": "a1",
   "kind": "sphere",
   "sphere": {
    "center_lps_mm": [72.0, 76.25, -190.5],
    "diameter_mm": 21.5
   },
   "score": 0.97,
   "malignancy": 0.81,
   "malignancy_spread": 0.12,
   "attributes": {"spiculation": 4.1, "margin": 2.5},
   "scores": {"rpn": 0.9, "fprn": 0.8, "detector": 0.95, "mtcnn_fpr": 0.7},
   "status": "accepted",
   "note": "größer?",
   "origin": {"model": "ag3d", "version": "0.1", "person": "ann"},
   "opinions": [
    {
     "model": "mtmr",
     "version": "0.2",
     "malignancy": 0.81,
     "spread": 0.12,
     "parts": [0.7, 0.9],
     "places": ["axial −1.0 mm", "axial +0.0 mm"],
     "folds": [0.8, 0.82],
     "attributes": {"spiculation": 4.1},
     "attribute_spread": {"spiculation": 0.3},
     "notes": ["At the edge of the scan."]
    },
    {
     "model": "mtcnn",
     "version": "0.1",
     "malignancy": 0.6,
     "spread": 0.2,
     "parts": [0.5, 0.7],
     "places": ["axial", "coronal"],
     "folds": [0.6],
     "attributes": {},
     "attribute_spread": {},
     "notes": []
    }
   ]
  },
  {
   "id": "b2",
   "kind": "sphere",
   "sphere": {
    "center_lps_mm": [20.0, 10.0, -100.0],
    "diameter_mm": 6.0
   },
   "score": 1.0,
   "malignancy": null,
   "malignancy_spread": null,
   "attributes": {},
   "scores": {},
   "status": "rejected",
   "note": "",
   "origin": {"model": "", "version": "", "person": "ann"},
   "opinions": []
  }
 ]
}"""
"""A CT: a sphere that two networks characterised, edited and accepted by a person, and one that the person drew."""

SAVED_RADIOGRAPH = """{
 "format": "lungmtl-findings",
 "schema_version": 3,
 "image": {
  "series_uid": "radiograph",
  "source": "",
  "modality": "DX",
  "units": "pixel",
  "shape_zyx": [30, 40],
  "spacing_zyx": null,
  "origin_zyx": [0.0, 0.0]
 },
 "models": [
  {"name": "dhn", "version": "0.2", "sha256": "22"},
  {"name": "mosegnet", "version": "0.4", "sha256": "33"}
 ],
 "image_scores": [
  {"model": "dhn", "version": "0.2", "probability": 0.8, "threshold": 0.45}
 ],
 "regions": [
  {
   "name": "left lung",
   "mask": {
    "shape": [2, 2],
    "spacing": [2.0, 2.0],
    "origin": [0.0, 0.0],
    "runs": [
     [0, 1],
     [2, 2]
    ]
   },
   "origin": {"model": "mosegnet", "version": "0.4", "person": "ann"}
  }
 ],
 "findings": [
  {
   "id": "d1",
   "kind": "box",
   "box": {
    "low_yx": [1.0, 2.0],
    "high_yx": [3.5, 4.5]
   },
   "score": 0.5,
   "malignancy": null,
   "malignancy_spread": null,
   "attributes": {},
   "scores": {"rpn": 0.4},
   "status": "unreviewed",
   "note": "",
   "origin": {"model": "dhn", "version": "0.2", "person": ""},
   "opinions": []
  },
  {
   "id": "m1",
   "kind": "mask",
   "mask": {
    "shape": [2, 2],
    "spacing": [1.0, 1.0],
    "origin": [4.0, 5.0],
    "runs": [
     [1, 3]
    ]
   },
   "score": 0.75,
   "malignancy": null,
   "malignancy_spread": null,
   "attributes": {},
   "scores": {"peak": 0.7},
   "status": "unreviewed",
   "note": "",
   "origin": {"model": "mosegnet", "version": "0.4", "person": ""},
   "opinions": []
  }
 ]
}"""
"""A radiograph: a box, a mask, an image score and an edited lung."""
