"""Numbers as a person reads them."""

from __future__ import annotations


def written(value: float, digits: int = 0) -> str:
    """A number with so many decimals and a typographic minus, which zero has not.

    Examples
    --------
    >>> written(-190.24, 1), written(-0.04, 1), written(-600.0)
    ('−190.2', '0.0', '−600')
    """
    return f"{float(value):z.{digits}f}".replace("-", "−")


def change(part: float) -> str:
    """A change in percent, with its sign where there is one.

    Examples
    --------
    >>> change(0.35), change(-0.002), change(0.002)
    ('+35 %', '0 %', '0 %')
    """
    percent = round(100 * part)
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"
