"""Run every benchmark, one after the other in fresh interpreters, and print their tables.

Run: ``python benchmarks/run.py`` (all), or with names: ``python benchmarks/run.py froc whole_run``.
Those of the window get a virtual display where there is none; those that need real data are left out without LUNGMTL_DATA.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def needs(script: Path) -> str:
    """What this machine lacks for a benchmark, or nothing."""
    text = script.read_text(encoding="utf-8")
    if "LUNGMTL_DATA" in text and not Path(os.environ.get("LUNGMTL_DATA", "")).is_absolute():
        return "LUNGMTL_DATA must be the absolute path of the real data"
    if "torch.compile" in text and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return "there is no C++ compiler"
    if _opens_window(text) and not _display() and not shutil.which("xvfb-run"):
        return "there is no display and no xvfb-run"
    return ""


def _opens_window(text: str) -> bool:
    return bool(re.search(r"napari\.Viewer\(|import napari$|-m napari", text, re.MULTILINE))


def _display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def command(script: Path) -> list[str]:
    """How to start a benchmark here."""
    start = [sys.executable, str(script)]
    if _opens_window(script.read_text(encoding="utf-8")) and not _display():
        return ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", *start]
    return start


def main() -> None:
    """Run what was asked for; exit with 1 if anything failed."""
    at_hand = {p.stem: p for p in sorted(FOLDER.glob("*.py")) if p.name != Path(__file__).name}
    names = sys.argv[1:] or list(at_hand)
    if unknown := [n for n in names if n not in at_hand]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(at_hand)}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores{load}\n")
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        if lack := needs(at_hand[name]):
            print(f"left out: {lack}\n")
            continue
        if subprocess.run(command(at_hand[name]), cwd=FOLDER.parent, check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
