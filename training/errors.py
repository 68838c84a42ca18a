"""`LungmtlError`: the base of every error whose message is written for a person."""

import re

MOST = 1000
"""Letters that a message has at most; of a longer one the middle is left out."""

_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]+:/{1,2}[^/\s:@]*):[^/\s@]*@", re.IGNORECASE)


def printable(text: str) -> str:
    r"""Make text of a file fit to be shown: bytes that are no letters as escapes (``\\x00``), and of too much the middle left out.

    Lines stay lines. A damaged or hostile file may hold anything where a name or a number is expected, and a terminal would obey
    its control characters. Addresses lose their passwords.

    Examples
    --------
    >>> printable("size \x1b[2J\x00")
    'size \\x1b[2J\\x00'
    """
    text = _PASSWORD.sub(r"\1@", text)
    if len(text) > 2 * MOST:  # before each letter is looked at
        text = f"{text[:MOST]} … {text[-MOST:]}"
    shown = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    half = MOST // 2 - 2
    return shown if len(shown) <= MOST else f"{shown[:half]} … {shown[-half:]}"


class LungmtlError(Exception):
    """Something a person can act on: the message names the file or setting and says what to do.

    Command line and window show the message of these as it is, without a traceback; anything else is a fault of ours.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> try:
    ...     lm.read_image("nothing.dcm")
    ... except lm.LungmtlError as error:
    ...     print(error)
    nothing.dcm does not exist; check the path.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg) if isinstance(arg, str) else arg for arg in args))
