"""Docker or Podman on this machine: whether it has an image, and one container of it, which can do as little as possible."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Generator
from pathlib import Path

from ....errors import printable
from ...predictor import PredictorError

INPUT, OUTPUT = "/app/data/input_data", "/app/data/output_data"
"""Folders in MHub's images."""
TICK = 0.1
"""Seconds between two steps: at each the run may be stopped."""
ANSWERING, ENDING = 30.0, 20.0
"""Seconds in which an engine answers, and in which a container that is stopped is gone."""
_CONFINED = ("--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges")
_COLORS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_TAIL = 4096
_UNBROKEN = re.compile(r"[^\s/]{40,}")


class Engine:
    """A container engine.

    Parameters
    ----------
    name
        ``"docker"`` or ``"podman"``: the program on the search path.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def identify(self, image: str) -> str:
        """The identifier of an image that is on this machine; nothing is ever fetched.

        Raises
        ------
        PredictorError
            The engine is not installed or does not answer, or the image is not here.
        """
        done = self._call("image", "inspect", "--format", "{{.Id}}", image)
        found = done.stdout.strip()
        if done.returncode == 0 and re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", found):
            return found
        said = last_line(done.stderr.encode()) or last_line(done.stdout.encode()) or "it said nothing"
        if re.search("no such image|image not known", done.stderr, re.IGNORECASE):
            name, _, digest = image.partition("@")
            named, how = (f"{name}@{digest[:19]}…", " (all digits of the card)") if digest else (name, "")
            raise PredictorError(
                f"The image is not on this machine, and never fetched from here: '{self.name} pull {named}'{how} fetches it."
            )
        raise PredictorError(
            f"{self.name} cannot be used ({said}): start it, or ask for permission to use it."
        )

    def run(
        self, image: str, folders: tuple[Path, Path], workflow: str, device: str, log: Path
    ) -> Generator[str, None, int]:
        """Run a container to its end, and remove it however that comes.

        Parameters
        ----------
        image
            Its identifier.
        folders
            What it reads, and where it writes.
        device
            ``"cpu"``, or ``"cuda:N"``.
        log
            Gets all that it says.

        Yields
        ------
        str
            Its last line.

        Returns
        -------
        int
            Its exit status.
        """
        given, written = folders
        name = f"lungmtl-{uuid.uuid4().hex[:12]}"
        command = [
            *(
                self._program(),
                "run",
                "--rm",
                f"--name={name}",
                "--pull=never",
                *_CONFINED,
                *self._gpu(device),
            ),
            *("-v", f"{given}:{INPUT}:ro,Z", "-v", f"{written}:{OUTPUT}:Z"),  # Z: for machines with SELinux
            *(image, "--workflow", workflow, "--print", "--stop-on-error"),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            while not _ended(process, TICK):
                yield last_line(tail(log))
        finally:
            self._remove(name, process)
        return process.returncode

    def _remove(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Stop a container, which may not have begun yet; the engine's program ends with it."""
        until = time.monotonic() + ENDING
        while process.poll() is None and time.monotonic() < until:
            self._forget(name)
            _ended(process, TICK)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.returncode:
            self._forget(name)  # the program may have ended without its container

    def _forget(self, name: str) -> None:
        # Not rm --force: Podman's asks first, and waits ten seconds for an answer. What is killed goes by itself (--rm).
        with contextlib.suppress(PredictorError):
            if self._call("kill", name).returncode:
                self._call("rm", name)

    def _gpu(self, device: str) -> tuple[str, ...]:
        kind, _, number = device.partition(":")
        if kind != "cuda":
            return ()
        docker, podman = f"--gpus=device={number or 0}", f"--device=nvidia.com/gpu={number or 0}"
        return (docker if self.name == "docker" else podman,)

    def _program(self) -> str:
        program = shutil.which(self.name)
        if program is None:
            raise PredictorError(
                f"{self.name} is not installed here, or not on the search path (PATH): containers need it."
            )
        return program

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._program(), *arguments]
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=ANSWERING,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PredictorError(
                f"{self.name} did not answer within {ANSWERING:g} s: see whether it runs."
            ) from None


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def tail(log: Path) -> bytes:
    """The end of a file that may be long."""
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - _TAIL, 0))
        return file.read()


def last_line(said: bytes) -> str:
    """The last line with anything on it, without colors and words that no dock is wide enough for, fit to be shown."""
    lines = re.split(r"[\r\n]+", _COLORS.sub(b"", said).decode("utf-8", "replace"))
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _UNBROKEN.sub(lambda word: f"{word[0][:39]}…", printable(last))[:200]
