"""``lungmtl serve`` as a process of its own, with a toy beside the networks, open to all networks of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from napari_lungmtl.training.remote.key_file import Key, read_key

from ..house import ROOT


@dataclass
class Served:
    """The process, its key as it is reached from here, and the toy's folder."""

    process: subprocess.Popen
    key_file: Path
    key: Key
    toy: Path

    def log(self) -> list[str]:
        """What the toy has done."""
        path = self.toy / "toy.log"
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve while the context lasts."""
    toy, shared = folder / "toy", folder / "shared"
    toy.mkdir()
    shared.mkdir()
    env = {
        **os.environ,
        "LUNGMTL_TOY": str(toy),
        "PYTHONPATH": str(ROOT),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": '["tests.stand_ins.remote_worker"]',
    }
    command = ("-c", "from napari_lungmtl.training.cli.app import main; main()", "serve")
    options = ("--listen", "0.0.0.0:0", "--keys", str(folder / "Schlüssel 1"), "--shared", str(shared))
    process = subprocess.Popen(
        [sys.executable, *command, *options, "--device", "cpu"],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        file = Path(process.stdout.readline().strip())
        key = read_key(file)
        yield Served(process, file, replace(key, address=f"tls://127.0.0.1:{key.place[1]}"), toy)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
