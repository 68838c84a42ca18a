"""``lungmtl train``: training a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Failed, debugging, explained, output_file, write_json


def train(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="The model, as 'lungmtl models' lists them.")
    ],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder in the layout of the network's dataset.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for checkpoints, the log, the weights and their card.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON or TOML file with what differs from the shipped settings."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Start from these weights (.safetensors) instead of from scratch."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
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
    """
    with explained():
        from ..inference.registry import NETWORKS
        from ..inference.weights import WeightsError

        if network not in NETWORKS:
            raise Failed(f"there is no model {network!r}; the models are: {', '.join(NETWORKS)}")
        if config is not None and not config.is_file():
            raise Failed(f"{config} does not exist: check --config")
        try:
            from ..fitting.train_network import train_network

            path = train_network(network, data, out, config, resume, weights)
        except ModuleNotFoundError as error:
            raise Failed(f"training needs {error.name}: pip install 'napari-lungmtl[train]'") from error
        except (FileNotFoundError, ValueError, WeightsError) as error:
            # Settings that do not exist and missing checkpoints: their messages are meant for a person.
            if debugging():
                raise
            raise Failed(str(error)) from error
        typer.echo(str(path))
        write_json({"network": network, "data": str(data), "weights": str(path)}, json_file)
