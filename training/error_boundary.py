"""Where anything that goes wrong becomes a sentence: commands, the window and every reader of a file go through here.

Readers raise `LungmtlError` with a sentence of their own. What nobody foresaw (a codec that panics, no memory, a full disk) is
told by `sentence`; only a person's own wish to stop goes through as it is.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast
from xml.etree.ElementTree import ParseError

from .errors import LungmtlError, printable
from .extras import missing_extra

F = TypeVar("F", bound=Callable[..., Any])

STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What is no fault: somebody stops the work."""
_DAMAGED = (
    EOFError,
    json.JSONDecodeError,
    lzma.LZMAError,
    ParseError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class UnforeseenError(LungmtlError):
    """Something went wrong that no reader or network foresaw; its cause has the traceback."""


def foreseen(error: BaseException) -> bool:
    """Whether an error's own words are for a person, or its kind tells enough."""
    told = (LungmtlError, MemoryError, RecursionError, UnicodeError, OSError, *_DAMAGED)
    return isinstance(error, told) or missing_extra(error) is not None


def sentence(error: BaseException, subject: object = "") -> str:
    """Tell a person in one line what went wrong.

    Parameters
    ----------
    error
        Anything that was raised.
    subject
        The file or folder that was worked on.
    """
    error = missing_extra(error) or error
    text = printable(" ".join(str(error).split()))
    what = str(subject)
    if isinstance(error, LungmtlError):
        return text
    if isinstance(error, MemoryError):
        return f"{what or 'This'} needs more memory than there is: close other programs, or take a smaller image."
    if isinstance(error, RecursionError):
        return f"{what or 'A file'} is nested too deeply to be read: it is damaged; get it again from its source."
    if isinstance(error, UnicodeEncodeError):
        return f"{what or 'A text'} has letters that {error.encoding} cannot write ({text}): set PYTHONIOENCODING=utf-8."
    if isinstance(error, UnicodeError):
        return f"{what or 'A file'} is no text that can be read ({text}): save it as UTF-8."
    if isinstance(error, OSError) and error.errno is not None:
        return _of_system(error, what)
    if isinstance(
        error, (OSError, *_DAMAGED)
    ):  # Pillow's and gzip's own errors are OSErrors without a number
        return (
            f"{what or 'A file'} is damaged ({text or type(error).__name__}): get it again from its source."
        )
    return f"{what}{': ' if what else ''}{type(error).__name__}{': ' if text else ''}{text}"


def _of_system(error: OSError, what: str) -> str:
    where = what if error.filename is None else os.fsdecode(error.filename)
    if what and Path(where).name not in what and what not in where:
        where = f"{what}: {where}"
    said = error.strerror or "no reason given"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where or 'A file'} cannot be written ({said}): make room, or choose another folder."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where or 'A file'} may not be opened or written ({said}): ask for permission, or choose another place."
    if error.errno == errno.ENOENT:
        return f"{where or 'A file'} does not exist: check the path."
    return f"{where or 'A file'} cannot be read or written ({said}): check the path, or take another place."


@contextlib.contextmanager
def as_sentences(subject: object, kind: type[LungmtlError] = UnforeseenError) -> Iterator[None]:
    """Raise whatever goes wrong as a `kind` with a sentence that names the subject; what is one already stays as it is."""
    try:
        yield
    except (*STOPS, LungmtlError):
        raise
    except BaseException as error:  # codecs in Rust panic with errors that are no Exception
        raise kind(sentence(error, subject)) from error


def reads(kind: type[LungmtlError]) -> Callable[[F], F]:
    """Decorate a function whose first argument is the path that it reads: see `as_sentences` and `require_regular`."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def reading(*args: Any, **kwargs: Any) -> Any:
            path = args[0] if args else kwargs["path"]
            with as_sentences(path, kind):
                require_regular(path, kind)
                return function(*args, **kwargs)

        return cast(F, reading)

    return decorate


def require_regular(path: Path | str, kind: type[LungmtlError] = UnforeseenError) -> None:
    """Refuse a pipe, a socket or a device: to open one may wait for ever, and to replace one takes it from all programs.

    Raises
    ------
    LungmtlError
        As `kind`. Files, folders and what does not exist pass.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    for is_one, name in _SPECIAL:
        if is_one(mode):
            raise kind(f"{path} is {name}, no file: save what it holds as a file, and name that.")
