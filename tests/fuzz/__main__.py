"""``python -m tests.fuzz --minutes 20``: fuzz, print counts and failures; or ``--replay FOLDER``: read one kept input again."""

import argparse
from pathlib import Path

from .run import KEPT, fuzz, replay

parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
parser.add_argument("--minutes", type=float, default=5.0)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--only", default="", help="formats whose name contains this, such as dicom or csv")
parser.add_argument("--replay", type=Path, help="a folder that was kept")
options = parser.parse_args()
if options.replay is not None:
    print(replay(options.replay))
else:
    report = fuzz(options.minutes * 60, options.seed, options.only)
    print("\n".join(report.lines()))
    if report.failures:
        raise SystemExit(f"{len(report.failures)} failures, kept in {KEPT}")
