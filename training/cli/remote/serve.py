"""``lungmtl serve``: networks of this machine for windows and commands on others."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import Failed, complain, explained

if TYPE_CHECKING:
    from ...remote.server.serve import Serving, Settings


def serve(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; 0.0.0.0 is every network.")
    ] = "127.0.0.1:8786",
    address: Annotated[
        str,
        typer.Option(
            metavar="HOST[:PORT]",
            help="How others reach this machine; default: its name, or what it listens on.",
        ),
    ] = "",
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="DEVICE", help="auto, cpu or cuda:N; a process for each, may be repeated."),
    ] = None,
    shared: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder that both sides see under this path, may be repeated."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of certificates and key file, made when they are missing."),
    ] = None,
) -> None:
    """Run the networks of this machine for windows and commands on others, until Ctrl+C.

    Nobody comes in without the key file that is printed: copy it to the other machine, and choose it in the window where the
    device is chosen, or give it to 'lungmtl predict --remote'. Whoever holds it may run anything here under your name. All is
    encrypted (TLS), on 127.0.0.1 too. What is sent are voxels and geometry, without names, identifiers and dates.

    Example: lungmtl serve --listen 0.0.0.0:8786 --device cuda:0
    """
    with explained():
        from ...extras import require_networks
        from ...inference.device import choose_device
        from ...remote.client.link import require_remote
        from ...remote.server.serve import serve as serve_networks

        require_remote()
        settings = _settings(listen, address, device or ["auto"], shared or [], keys)
        for folder in settings.shared:
            if not folder.is_dir():
                raise Failed(f"{folder} is no folder: name one with --shared that both machines see")
        if find_spec("torch") is None:
            require_networks()
        for name in settings.devices:
            if name not in ("auto", "cpu"):  # only these are there without torch being asked
                choose_device(name)
        serve_networks(settings, _greet)


def _settings(
    listen: str, address: str, devices: list[str], shared: list[Path], keys: Path | None
) -> Settings:
    from platformdirs import user_data_path

    from ...remote.server.serve import Settings

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Failed(f"--listen {listen!r} is no host with a port: give it as 127.0.0.1:8786 or 0.0.0.0:8786")
    folder = keys or user_data_path("napari-lungmtl", appauthor=False) / "serve"
    return Settings(
        folder,
        host.strip("[]"),
        int(port),
        address,
        list(dict.fromkeys(devices)),
        [s.absolute() for s in shared],
    )


def _greet(server: Serving) -> None:
    typer.echo(str(server.key_file))  # alone on standard output, for scripts
    complain(f"listening at {server.address}; others reach {server.key.name} at {server.key.address}")
    complain("copy the key file to the other machine (it is the secret); Ctrl+C ends")
