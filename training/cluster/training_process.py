"""The process of one training of a sweep: trains by ``job.json`` of a folder, and ends when whoever started it does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from threading import Thread

from ..error_boundary import sentence


def main(folder: Path) -> None:
    """Train, going on from what the folder holds."""
    Thread(target=_end_with_parent, daemon=True).start()
    from ..fitting.stopping import is_begun, stoppable
    from ..fitting.train_network import train_network

    told = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    weights = None if told["weights"] is None else Path(told["weights"])
    resume = is_begun(folder)
    with stoppable():
        train_network(
            told["network"],
            Path(told["data"]),
            folder,
            folder / "settings.json",
            resume=resume,
            weights=weights,
        )


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Exception as error:
        sys.exit(sentence(error))
