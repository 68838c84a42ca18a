"""The table of what networks say of whole images."""

import csv

from napari_lungmtl.training.findings import Findings, ImageScore
from napari_lungmtl.training.findings.finding import ImageReference
from napari_lungmtl.training.findings.formats.images_csv import write_images_csv
from napari_lungmtl.training.findings.models import doubted, oriented
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation


def test_probabilities_that_do_not_count_say_why_and_how_the_film_was_seen(tmp_path):
    models = oriented(({"name": "a", "version": "1"}, {"name": "b", "version": "1"}), Orientation(3, True))
    case = Findings(
        (),
        ImageReference("film", shape=(20, 10)),
        models=doubted(models, "No two lungs were found."),
        image_scores=(ImageScore("a", "1", 0.7, 0.5), ImageScore("b", "1", 0.2, 0.5)),
    )
    write_images_csv([case], tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["model"], first["doubt"]) == ("a 1", "No two lungs were found.")
    assert second["doubt"] == first["doubt"]
    assert first["orientation"] == second["orientation"] == "mirrored, turned by 90° clockwise"
