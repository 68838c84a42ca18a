"""How slow this machine is, so that budgets of seconds mean the same on every one."""

from __future__ import annotations

import time

ORDINARY = 0.05
"""Seconds of the processor that an ordinary desktop takes for the loop below."""


def pace(rounds: int = 5) -> float:
    """How many times as long as on an ordinary machine plain Python takes here, now; 1 on a faster one."""
    took = []
    for _ in range(rounds):
        began = time.process_time()
        sum(i * i for i in range(1_000_000))
        took.append(time.process_time() - began)
    return max(1.0, sorted(took)[rounds // 2] / ORDINARY)
