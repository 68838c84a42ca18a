"""The plugin that makes a Dask worker one that runs networks for others."""

from __future__ import annotations

from threading import Thread

from distributed import Worker, WorkerPlugin

from ...inference import registry
from ...inference.chain import runs_unasked
from ...inference.model_store import warm_up
from .calls import PLUGIN
from .jobs import Jobs


class NetworksPlugin(WorkerPlugin):
    """Holds the jobs of a worker, and loads the networks before the first one comes.

    Parameters
    ----------
    device
        Where networks run, as for `registry.load_predictor`.
    shared
        Folders below which images are read from their path.
    """

    name = PLUGIN

    def __init__(self, device: str, shared: tuple[str, ...]) -> None:
        self.device, self.shared = device, shared

    def setup(self, worker: Worker) -> None:
        """Begin, in the worker's process."""
        worker.http_server.stop()  # Dask's page of figures asks nobody who he is
        self.jobs = Jobs(self.device, self.shared)
        Thread(target=self._warm_up, daemon=True).start()

    def teardown(self, worker: Worker) -> None:
        """End with the worker."""
        self.jobs.close()

    def _warm_up(self) -> None:
        for _ in warm_up([info for info in registry.models() if runs_unasked(info)], self.device):
            pass
