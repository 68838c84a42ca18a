"""`LungmtlError`: the base of every error whose message is written for a person."""


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
