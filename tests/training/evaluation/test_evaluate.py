"""The way from ``lungmtl evaluate`` to a network's figures, with the shipped weights."""

import pytest

from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.inference.predictor import PredictorError

from ...stand_ins.rated_cubes import write_rated_cubes


@pytest.mark.parametrize("network", ["mtmr", "mtcnn"])
def test_characterisers_say_how_far_they_are_and_refuse_what_they_do_not_know(network, tmp_path):
    write_rated_cubes(tmp_path)
    steps = []
    figures = evaluate_network(network, tmp_path, device="cpu", on_progress=lambda f, s: steps.append((f, s)))
    assert figures["cases"] == 20
    assert [f for f, _ in steps] == sorted(f for f, _ in steps)
    assert steps[-1][0] == pytest.approx(1.0, abs=0.1)
    with pytest.raises(PredictorError, match=f"{network} is judged by the truth in the folder.*--truth"):
        evaluate_network(network, tmp_path, truth=tmp_path / "annotations.csv")
