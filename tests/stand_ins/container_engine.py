"""Stands in for ``docker`` and ``podman``: run as a program, with the folder that holds its state as the first argument.

A container is a process of its own, as a real one is: it outlives the program that began it, and only ``kill`` ends it.
What is in an image is a function of `mhub_images`.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

MUST = {"--rm", "--pull=never", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges"}
MOUNTS = ("/app/data/input_data", "/app/data/output_data")
NO_DAEMON = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)
STARTING = 0.5
"""Seconds that the image ``late`` needs until its container is there, from when somebody has first asked to end it."""
ASKED = "asked"


def main(state: Path, arguments: list[str]) -> int:
    """Do what docker would."""
    if (state / "stopped").exists():
        return fail(NO_DAEMON, 1)
    if arguments[:2] == ["image", "inspect"]:
        *_, name = arguments
        known = state / "images" / re.sub(r"\W", "_", name)
        return print(known.read_text()) or 0 if known.exists() else fail(f"Error: No such image: {name}", 1)
    if arguments[0] == "kill":
        return kill(state / arguments[1])
    if arguments[0] == "rm":
        return fail("none that is made and has not begun", 1)
    return run(state, arguments[1:]) if arguments[0] == "run" else fail(f"unknown command {arguments}", 125)


def fail(said: str, status: int) -> int:
    """Say something on standard error."""
    print(said, file=sys.stderr)
    return status


def kill(container: Path) -> int:
    """End a container; the program that began it forgets it."""
    if not container.exists():
        container.with_name(ASKED).touch()
        return fail(f"Error response from daemon: No such container: {container.name}", 1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(container.read_text()), signal.SIGKILL)
    container.unlink(missing_ok=True)
    return 0


def run(state: Path, arguments: list[str]) -> int:
    """Begin a container and wait for its end; refuse one that could do more than it must."""
    options, mounts = set(), {}
    while arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option == "-v":
            source, target, *how = arguments.pop(0).split(":")
            mounts[target] = source, how
        else:
            options.add(option)
    (name,) = {o.removeprefix("--name=") for o in options if o.startswith("--name=")}
    gpus = {o for o in options if o.startswith("--gpus=")}
    if options - gpus != MUST | {f"--name={name}"} or set(mounts) != set(MOUNTS):
        return fail(f"refused: {sorted(options)} {sorted(mounts)}", 125)
    if "ro" not in mounts[MOUNTS[0]][1][0].split(","):
        return fail("refused: what it reads could be written", 125)
    image, *rest = arguments
    (program,) = [p.name for p in (state / "programs").iterdir() if p.read_text() == image]
    (state / "command").write_text("\n".join(rest))
    if program == "late":
        while not (state / ASKED).exists():
            time.sleep(0.02)
        time.sleep(STARTING)
    folders = [source for source, _ in (mounts[m] for m in MOUNTS)]
    images = Path(__file__).with_name("mhub_images.py")
    container = subprocess.Popen([sys.executable, str(images), program, *folders], stdin=subprocess.PIPE)
    begun = state / f".{name}"
    begun.write_text(str(container.pid))
    begun.rename(state / name)
    container.stdin.close()  # it works once it is known
    if program == "lost":  # as where its connection to the daemon breaks
        os.kill(os.getpid(), signal.SIGKILL)
    status = container.wait()
    (state / name).unlink(missing_ok=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
