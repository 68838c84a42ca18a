"""Networks on another machine: a server with a Dask scheduler and its workers, and a chain that runs there."""
