"""What is read of a measurement."""

from __future__ import annotations

from napari_lungmtl.text.measurements import brief, lines, summary, where
from napari_lungmtl.training.findings import Measurement
from napari_lungmtl.training.imaging.slab import Slab

FLAT = ((0.0, 0.0), (3.0, 4.0))


def test_every_kind_says_its_values_with_their_units():
    line = Measurement("line", FLAT, values={"length": 5.04}, plane="at the detector")
    assert lines(line, "mm", False) == ("5.0 mm", "at the detector")
    assert lines(line, "pixel", False)[0] == "5.0 px"
    region = {"area": 1171.6, "mean": -117.6, "std": 9.04, "min": -920.0, "max": 0.0}
    ellipse = Measurement("ellipse", FLAT, values=region)
    assert lines(ellipse, "mm", True) == ("1,172 mm²", "mean −118 HU, SD 9.04", "−920 to 0 HU")
    assert brief(ellipse, "mm", True) == "mean −118 HU"
    assert lines(ellipse.with_(values={"area": 12.34}), "pixel", False) == (
        "12.3 px²",
        "outside of the image",
    )
    assert lines(Measurement("angle", (*FLAT, (1, 1)), values={"angle": 45.04}), "mm", True) == ("45.0°",)
    axes = Measurement(
        *("axes", ((-1.5, 0, 0), (-1.5, 0, 9), (-1.5, 1, 2), (-1.5, 4, 2)), 0),
        values={"long": 17.24, "short": 12.96, "volume": 1834.4},
    )
    assert lines(axes, "mm", True) == ("17.2 × 13.0 mm", "mean diameter 15.1 mm", "1,834 mm³")
    assert summary(axes, "mm", True) == "Axes 17.2 × 13.0 mm · mean diameter 15.1 mm · 1,834 mm³"
    assert where(axes) == "z −1.5"
    assert where(line) == ""


def test_what_was_read_of_a_slab_names_it():
    values = {"area": 50.0, "mean": -117.6, "std": 90.0, "min": -920.0, "max": 0.0}
    points = ((0.0, 0.0, 0.0), (0.0, 8.0, 8.0))
    ellipse = Measurement("ellipse", points, 0, values, slab=Slab("MIP", 10.0))
    assert brief(ellipse, "mm", True) == "mean of MIP −118 HU"
    assert lines(ellipse, "mm", True)[1:] == ("mean of MIP −118 HU, SD 90", "−920 to 0 HU", "MIP 10 mm")
    line = Measurement("line", points, 0, {"length": 11.3}, slab=Slab("minIP", 5.0))
    assert lines(line, "mm", True) == ("11.3 mm", "minIP 5 mm")
