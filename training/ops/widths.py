"""How narrow a network of strided convolutions may be."""

NARROWEST = 8
"""Channels. PyTorch's library for CPUs, oneDNN up to 3.12, writes past its memory in the gradient of a strided 1×1 convolution of
fewer on processors without AVX-512 (uxlfoundation/oneDNN, issue 6035): a training then dies, or learns nonsense."""


def check_width(width: int) -> None:
    """Refuse networks whose strided convolutions are too narrow.

    Raises
    ------
    ValueError
        With the least number of channels.
    """
    if width < NARROWEST:
        raise ValueError(
            f"width is {NARROWEST} channels or more, not {width}: PyTorch may crash on narrower ones"
        )
