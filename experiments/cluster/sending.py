"""What an image costs that is sent to another machine: bytes as they travel, and processor seconds on both sides.

python experiments/cluster/sending.py IMAGE...
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import napari_lungmtl as lm
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.remote.request import digest_of, packed, request_of, unpacked


def main(paths: list[str]) -> None:
    """Print a line for each image."""
    for path in paths:
        image = lm.read_image(Path(path))
        start = time.process_time()
        digest = finish(digest_of(image))
        hashed = time.process_time()
        pieces = list(packed(image))
        sent = time.process_time()
        request = request_of("0" * 32, image, digest, (), findings=Findings())
        unpacked(request, pieces)
        received = time.process_time()
        raw, small = image.voxels.nbytes / 1e6, sum(map(len, pieces)) / 1e6
        print(
            f"{Path(path).name}: {image.shape} {image.voxels.dtype} {raw:.0f} MB, sent {small:.0f} MB in {len(pieces)} pieces; "
            f"hash {hashed - start:.2f}, compress {sent - hashed:.2f}, decompress {received - sent:.2f} CPU s"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
