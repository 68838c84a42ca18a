"""A keyring that forgets everything with the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """Keeps passwords in memory, and may be as unsafe as a plain file."""

    priority = 1

    def __init__(self, priority: float = 1) -> None:
        super().__init__()
        type(self).priority = 1
        self.priority = priority
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@contextmanager
def memory_keyring(priority: float = 1) -> Iterator[MemoryKeyring]:
    """Take the place of the system's keyring."""
    before, mine = keyring.get_keyring(), MemoryKeyring(priority)
    keyring.set_keyring(mine)
    try:
        yield mine
    finally:
        keyring.set_keyring(before)
