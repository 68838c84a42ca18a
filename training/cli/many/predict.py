"""``lungmtl predict --workers N`` and ``--cluster``: many studies, on processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ..common import Failed, complain
from .tally import Tally, shown, sum_up

if TYPE_CHECKING:
    from distributed import Client

    from ...cluster.task import Options, Outcome
    from ...inference.predictor import ModelInfo


def predict_many(
    paths: Sequence[Path],
    options: Options,
    infos: Sequence[ModelInfo],
    workers: int | None,
    cluster: str | None,
    json_file: Path | None,
) -> bool:
    """Predict all studies below paths on processes of this machine or on a cluster, and say what came of them.

    Returns
    -------
    bool
        Whether all succeeded.
    """
    from ...cluster.connect import require_cluster
    from ...cluster.find import Finder
    from ...cluster.run import ClusterRun
    from ...cluster.writer import IndexWriter
    from ...storage.address import shown as told

    require_cluster()
    finder = Finder(paths, {m for info in infos for m in info.modalities}, options.out)
    writer = IndexWriter(options.out, options.version)
    tally = Tally()
    with _client(workers, cluster, options.device) as client, shown(tally, finder) as show:
        _greet(client, options.device)

        def take(outcome: Outcome) -> None:
            tally.take(writer.add(outcome))
            show()

        try:
            ClusterRun(client, options, take).predict(finder)
        except KeyboardInterrupt:
            complain("stopped: the same command goes on from here; what is done is not done again")
            raise
        finally:
            writer.flush()
            sum_up(tally, options.out, json_file)
    if not tally.predicted and not tally.failed:
        complain(f"nothing was predicted: {', '.join(map(told, paths))} holds no study that the models take")
    return not tally.failed and tally.predicted > 0


def _client(workers: int | None, cluster: str | None, device: str) -> AbstractContextManager[Client]:
    from ...cluster.connect import local_workers, running_cluster

    if cluster is not None:
        return running_cluster(cluster, complain)
    _require_torch()
    return local_workers(workers or 1, device)


def _require_torch() -> None:
    """Say once what each study would say, without importing torch into this process."""
    from importlib.util import find_spec

    from ...extras import require_networks

    if find_spec("torch") is None:
        require_networks()


def _greet(client: Client, device: str) -> None:
    from ...cluster.connect import GPU, dashboard_of, on_gpu

    if link := dashboard_of(client):
        complain(f"dashboard: {link}")
    workers = client.scheduler_info()["workers"].values()
    if on_gpu(device) and workers and not any(GPU in worker.get("resources", {}) for worker in workers):
        raise Failed(
            f"--device {device} runs on workers with the tag {GPU}, and there are none: start them with "
            f"'dask worker ... --nthreads 2 --resources \"{GPU}=1\"'"
        )
