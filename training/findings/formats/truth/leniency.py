"""Reading what is right of a file that is wrong in places, and saying what was wrong there.

Figures are computed from whole files: a reader raises at the first bad line. A person who looks at an image is better served by the
good lines and a sentence for each bad one; within `read_leniently` the same readers give these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

from ..errors import BadLineError, FindingsFileError

T = TypeVar("T")
MOST = 100
"""Bad lines of a table from which on it is not worth reading."""


class _State(NamedTuple):
    """Lines of the table that are left out, and sentences for the person."""

    lines: frozenset[int]
    problems: list[str]


_STATE: ContextVar[_State | None] = ContextVar("leniency", default=None)


def read_leniently(read: Callable[[], T]) -> tuple[T, tuple[str, ...]]:
    """Read a file without its bad lines and entries.

    Parameters
    ----------
    read
        Reads it, and raises `BadLineError` for a line or uses `passed_over` for an entry.

    Returns
    -------
    result
        What `read` returned.
    problems : tuple of str
        A sentence for each line or entry that was left out; each names file and place.

    Raises
    ------
    FindingsFileError
        The file as a whole is wrong, or more than `MOST` of its lines are.
    """
    lines: dict[int, str] = {}
    while True:
        state = _State(frozenset(lines), [])
        token = _STATE.set(state)
        try:
            return read(), (*lines.values(), *state.problems)
        except BadLineError as error:
            if error.line in lines or len(lines) >= MOST:
                raise
            lines[error.line] = str(error)
        finally:
            _STATE.reset(token)


def left_out(line: int) -> bool:
    """Whether a line was found to be bad, and is to be read over."""
    state = _STATE.get()
    return state is not None and line in state.lines


@contextmanager
def passed_over(say: Callable[[str], FindingsFileError] | None = None) -> Iterator[None]:
    """Keep the reader going where an entry is wrong; outside of `read_leniently` the error is raised as ever.

    Parameters
    ----------
    say
        Makes the file's error from the words of a wrong value (KeyError, TypeError, ValueError), which otherwise passes.
    """
    state = _STATE.get()
    try:
        yield
    except FindingsFileError as error:
        if state is None:
            raise
        state.problems.append(str(error))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if state is None or say is None:
            raise
        state.problems.append(str(say(f"{error} is missing" if isinstance(error, KeyError) else str(error))))
