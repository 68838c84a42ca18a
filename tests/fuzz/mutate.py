"""Damage to bytes as copies, cables and careless programs do it; the same random state gives the same damage."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

NUMBERS = (0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
TEXTS = (
    *(b"0", b"-1", b"1", b"2", b"nan", b"inf", b"-inf", b"1e308", b"1e-320", b"99999999", b"4294967296"),
    *(b"0,5", b"", b"null", b"true", b'"1"', b"[]", b"{}", b"18446744073709551616", b"\\", b";", b"\xe4"),
)


@dataclass(frozen=True)
class Damage:
    """What became of a file: its bytes, the first byte that differs, and whether it was only cut off."""

    data: bytes
    start: int
    cut: bool = False


def mutate(data: bytes, other: bytes, random: random.Random) -> Damage:
    """Damage a file once or a few times; `other` is a file of the same format to take parts from."""
    if random.random() < 0.15 and data:
        at = _place(data, random)
        return Damage(data[:at], at, cut=True)
    kinds: tuple[Callable[[bytes, bytes, random.Random], Damage], ...] = (
        *(_bits, _bits, _bytes, _swap, _number, _number, _text, _text, _text, _splice, _remove, _repeat),
    )
    damaged, start = data, len(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        one = random.choice(kinds)(damaged, other, random)
        damaged, start = one.data, min(start, one.start)
    return Damage(damaged, start)


def _place(data: bytes, random: random.Random) -> int:
    """A position: in the first kilobyte, where headers are, as often as anywhere."""
    return random.randrange(max(1, min(len(data), random.choice((64, 1024, len(data))))))


def _put(data: bytes, at: int, end: int, new: bytes) -> Damage:
    return Damage(data[:at] + new + data[end:], at)


def _bits(data: bytes, other: bytes, random: random.Random) -> Damage:
    if not data:
        return Damage(b"\0", 0)
    at = _place(data, random)
    return _put(data, at, at + 1, bytes([data[at] ^ 1 << random.randrange(8)]))


def _bytes(data: bytes, other: bytes, random: random.Random) -> Damage:
    at, length = _place(data, random), random.choice((1, 2, 4, 16))
    return _put(
        data, at, at + length, random.choice((random.randbytes(length), b"\0" * length, b"\xff" * length))
    )


def _swap(data: bytes, other: bytes, random: random.Random) -> Damage:
    size = random.choice((4, 32, 512))
    a, b = sorted((_place(data, random), _place(data, random)))
    b = max(b, a + size)
    return Damage(
        data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :], a
    )


def _number(data: bytes, other: bytes, random: random.Random) -> Damage:
    at, size = _place(data, random), random.choice((1, 2, 4, 8))
    value = random.choice(NUMBERS) % 256**size
    return _put(data, at, at + size, value.to_bytes(size, random.choice(("little", "big"))))


def _text(data: bytes, other: bytes, random: random.Random) -> Damage:
    """Another number, or something else, where the file has one in letters."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[:20_000]))
    if not found:
        return _number(data, other, random)
    match = random.choice(found)
    return _put(data, match.start(), match.end(), random.choice(TEXTS))


def _splice(data: bytes, other: bytes, random: random.Random) -> Damage:
    at, length = _place(data, random), random.choice((8, 64, 1024))
    start = _place(other, random)
    return _put(data, at, at + random.choice((0, length)), other[start : start + length])


def _remove(data: bytes, other: bytes, random: random.Random) -> Damage:
    at = _place(data, random)
    return _put(data, at, at + random.choice((1, 2, 8, 256)), b"")


def _repeat(data: bytes, other: bytes, random: random.Random) -> Damage:
    at, length = _place(data, random), random.choice((1, 8, 128, 1024))
    return _put(data, at, at, data[at : at + length] * random.choice((1, 2, 20)))
