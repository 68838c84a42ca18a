"""``lungmtl simulate``: radiographs with nodules of known place, to train on and to evaluate on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Failed, explained, progress

simulate = typer.Typer(
    name="simulate",
    no_args_is_help=True,
    help="Simulated radiographs: real nodules of CT in real radiographs, and projected phantoms.",
)


@simulate.command()
def prepare(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder with cxr/nih, cxr/lung_masks and luna16_nodules.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets radiographs.npz.")],
    phantoms: Annotated[int, typer.Option(help="How many phantoms to project.")] = 40,
) -> None:
    """Set radiographs upright, outline their lungs, project nodules and phantoms: what training draws from.

    Example: lungmtl simulate prepare --data downloads --out prepared
    """
    with explained():
        from ..data.simulation.prepare import prepare as run

        with progress("prepare") as on_progress:
            path = run(data, out, phantoms=phantoms, on_progress=on_progress)
        typer.echo(str(path))


@simulate.command()
def real(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder with luna16_nodules and some of cxr/jsrt, cxr/nih_boxed, cxr/nih_clear, whose tables have folds.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets real_radiographs.npz.")],
    lungs: Annotated[
        str, typer.Option(metavar="NETWORK", help="The model that outlines lungs where nobody did.")
    ],
) -> None:
    """Read real radiographs once, outline their lungs, project nodules: what training on real radiographs draws from.

    Example: lungmtl simulate real --data downloads --out prepared_real --lungs mosegnet
    """
    with explained():
        from ..data.simulation.real_store import prepare_real
        from ..inference import registry

        if lungs not in registry.NETWORKS:
            raise Failed(f"there is no model {lungs!r}; the models are: {', '.join(registry.NETWORKS)}")
        outline = getattr(registry.load_predictor(lungs, "auto"), "outline_lungs", None)
        if outline is None:
            raise Failed(f"{lungs} outlines no lungs: name another model with --lungs.")
        with progress("real") as on_progress:
            path = prepare_real(data, out, outline, on_progress)
        typer.echo(str(path))


@simulate.command()
def radiographs(
    prepared: Annotated[Path, typer.Option(metavar="DIR", help="Folder with radiographs.npz.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets images, masks and metadata.csv (NODE21).")],
    folds: Annotated[
        str, typer.Option(metavar="LIST", help="Folds of radiographs and nodules; 0 is the test fold, 1 dev.")
    ] = "0",
    count: Annotated[int, typer.Option(help="Images from each radiograph.")] = 12,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
) -> None:
    """Write a simulated test set as files: NODE21's layout with lung and nodule masks, and the places of shams.

    Example: lungmtl simulate radiographs --prepared prepared --out simulated
    """
    with explained():
        from ..data.simulation.written_set import write_test_set

        chosen = tuple(fold.strip() for fold in folds.split(",") if fold.strip())
        number = write_test_set(prepared, out, chosen, count=count, seed=seed)
        typer.echo(f"{number} images in {out}")
