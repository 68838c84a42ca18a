"""What modules of a network are given and return while it runs, kept by forward hooks."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Call:
    """One call of a module: what it was given by position, and what it returned."""

    args: tuple[Any, ...]
    result: Any


@contextmanager
def calls_of(modules: Mapping[str, nn.Module]) -> Generator[dict[str, list[Call]], None, None]:
    """Keep the calls of modules by name, in their order, while the context lasts; the network computes what it always does.

    Only calls of this thread are kept: the same network may be running in another one.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    >>> with calls_of({"first": net[0]}) as calls:
    ...     _ = net(torch.ones(1, 3))
    >>> calls["first"][0].result.shape
    torch.Size([1, 2])
    """
    thread = threading.get_ident()
    calls: dict[str, list[Call]] = {name: [] for name in modules}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
            if threading.get_ident() == thread:
                calls[name].append(Call(args, result))

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def numbered(prefix: str, modules: Iterable[nn.Module]) -> dict[str, nn.Module]:
    """Name modules ``"<prefix> 1"``, ``"<prefix> 2"`` … for `calls_of`."""
    return {f"{prefix} {number}": module for number, module in enumerate(modules, 1)}
