"""``lungmtl train``: training a network, or letting one learn from reviewed studies."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .common import Failed, complain, debugging, explained, output_file, progress, write_json

if TYPE_CHECKING:
    from ..inference.predictor import Progress
    from ..inference.progress import OnProgress

Result = TypeVar("Result")


def train(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="The model, as 'lungmtl models' lists them.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for checkpoints, the log, the weights and their card.")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder in the layout of the network's dataset.")
    ] = None,
    reviewed: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Instead of --data: learn from studies that were reviewed in the window; may be repeated.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON or TOML file with what differs from the shipped settings."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Start from these weights (.safetensors) instead of from scratch."),
    ] = None,
    sweep: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Many trainings: all that the lists of a settings file span, or all settings files of a folder.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Of --sweep: trainings at a time, on this machine."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|FILE", help="Of --sweep: on the Dask cluster of this scheduler."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the last checkpoint in --out; --reviewed does so in any case."
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="Of --reviewed: auto, cpu or cuda:N.")
    ] = "auto",
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", callback=output_file, help="Write where the weights are here too."
        ),
    ] = None,
) -> None:
    """Train a network and write weights with their card.

    Example: lungmtl train ag3d --data LUNA16 --out runs/luna16
    Resume: lungmtl train ag3d --data luna16_nodules --out runs/ag3d --resume
    Fine-tune: lungmtl train dhn --data NODE21 --out runs/mine --weights training/networks/dhn/weights/dhn.safetensors
    Variants, two at a time: lungmtl train ag3d --data luna16_nodules --out runs/variants --sweep experiments/ag3d --workers 2
    Learn from your corrections: lungmtl train dhn --reviewed ~/studies --out runs/ours
    """
    with explained():
        from ..inference.registry import NETWORKS

        if network not in NETWORKS:
            raise Failed(f"there is no model {network!r}; the models are: {', '.join(NETWORKS)}")
        if config is not None and not config.is_file():
            raise Failed(f"{config} does not exist: check --config")
        if (data is None) == (not reviewed):
            raise Failed(
                "name either --data, a set to train on, or --reviewed, folders with studies that you reviewed"
            )
        if sweep is not None:
            if data is None or config is not None or resume:
                raise Failed(
                    "--sweep has its own settings and goes on by itself: name --data, and no --config or --resume"
                )
            if not _sweep(network, data, out, sweep, weights, workers, cluster, json_file):
                raise typer.Exit(1)
            return
        if workers is not None or cluster is not None:
            raise Failed("--workers and --cluster are for many trainings: name --sweep, or leave them out")
        if data is None:
            if config is not None:
                raise Failed("--reviewed has no settings: leave --config out")
            _learn(network, reviewed or [], out, weights, device, json_file)
            return
        path = _train(network, data, out, config, resume, weights)
        typer.echo(str(path))
        write_json({"network": network, "data": str(data), "weights": str(path)}, json_file)


def _train(
    network: str, data: Path, out: Path, config: Path | None, resume: bool, weights: Path | None
) -> Path:
    from ..inference.weights import WeightsError

    try:
        from ..fitting.train_network import train_network

        with _stop_is_told(out):
            return train_network(network, data, out, config, resume, weights)
    except ModuleNotFoundError as error:
        raise Failed(f"training needs {error.name}: pip install 'napari-lungmtl[train]'") from error
    except (FileNotFoundError, ValueError, WeightsError) as error:
        # Settings that do not exist and missing checkpoints: their messages are meant for a person.
        if debugging():
            raise
        raise Failed(str(error)) from error


@contextmanager
def _stop_is_told(out: Path) -> Generator[None]:
    """Say what is left of a training that somebody stops, and exit with the signal's status: a scheduler takes 0 for done."""
    from ..fitting.stopping import Stopped, stoppable, what_is_kept

    try:
        with stoppable():
            yield
    except Stopped as stop:
        if stop.status:
            complain(what_is_kept(out))
        raise typer.Exit(stop.status) from stop


def _sweep(
    network: str,
    data: Path,
    out: Path,
    sweep: Path,
    weights: Path | None,
    workers: int | None,
    cluster: str | None,
    json_file: Path | None,
) -> bool:
    from ..cluster.sweep import Job
    from .many.sweep import train_many

    if workers is not None and cluster is not None:
        raise Failed(
            "--workers are processes of this machine, and --cluster has its own: leave one of them out"
        )
    if not sweep.exists():
        raise Failed(f"{sweep} does not exist: check --sweep")
    job = Job(network, data.absolute(), out.absolute(), None if weights is None else weights.absolute())
    try:
        return train_many(sweep, job, workers, cluster, json_file)
    except ValueError as error:  # settings that are no TOML: the message is for a person
        raise Failed(str(error)) from error


def _learn(
    network: str,
    folders: list[Path],
    out: Path,
    weights: Path | None,
    device: str,
    json_file: Path | None,
) -> None:
    from ..learning.learn import learn

    with progress("learning") as on_progress:
        learned = followed(learn(network, folders, out, weights=weights, device=device), on_progress)
    for sentence in learned.passed_over:
        complain(sentence)
    typer.echo(str(learned.weights))
    typer.echo(learned.sentence)
    values = {
        "network": network,
        "reviewed": [str(folder) for folder in folders],
        "weights": str(learned.weights),
        "recommended": learned.verdict.recommended,
        "sentence": learned.sentence,
        "studies": list(learned.studies),
        "held_back": list(learned.held_back),
        "passed_over": list(learned.passed_over),
        "comparisons": [c.to_json() for c in learned.verdict.comparisons],
    }
    write_json(values, json_file)


def followed(steps: Generator[Progress, None, Result], on_progress: OnProgress) -> Result:
    """Exhaust a generator of progress beside a bar."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        on_progress(step.fraction, step.stage)
