"""What the extras of the installation bring, and what a person is told where they are missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from .errors import LungmtlError

EXTRAS = {
    "torch": "networks",
    "torchvision": "networks",
    "safetensors": "networks",
    "lightning": "train",
    "matplotlib": "train",
    "pyarrow": "report",
    "dicomweb_client": "dicomweb",
    "keyring": "dicomweb",
    "distributed": "cluster",
    "locket": "cluster",
    "cryptography": "cluster",
    "numcodecs": "cluster",
    "monai": "monai",
    "onnxruntime": "onnx",
    "openvino": "openvino",
    "fsspec": "storage",
    "s3fs": "storage",
    "paramiko": "storage",
    "aiohttp": "storage",
}
"""The extra that brings a package. Reading, reviewing, editing and exporting need none of them."""


class MissingExtraError(LungmtlError):
    """A package is not installed that only an extra brings; the message says how to get it."""


def missing_extra(error: BaseException) -> MissingExtraError | None:
    """What to tell a person about a failed import; None where no extra brings the package."""
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if not isinstance(error, ImportError) or package not in EXTRAS:
        return None
    extra = EXTRAS[package]
    named = {
        "networks": "Networks",
        "report": "Parquet tables",
        "dicomweb": "Archives",
        "storage": "Addresses of servers",
        "cluster": "Runs on several processes or machines",
        "monai": "MONAI bundles",
        "onnx": "ONNX files",
        "openvino": "Runs with OpenVINO",
    }
    what = named.get(extra, "Training and reports")
    return MissingExtraError(
        f'{what} need {package}, which is not installed here: pip install "napari-lungmtl[{extra}]" brings it. '
        "Opening, drawing, editing and exporting work without."
    )


def require_networks() -> None:
    """Import torch (seconds the first time), and see that all else is there that networks need.

    torchvision is not imported: it takes as long as torch again, and the detection of nodules in CTs does without.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        _find(*(name for name, extra in EXTRAS.items() if extra == "networks"))
        import_module("torch")
    except ImportError as error:
        raise missing_extra(error) or error from error


def require(package: str) -> None:
    """See that a package of an extra is there; it is not imported.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        _find(package)
    except ImportError as error:
        raise missing_extra(error) or error from error


def _find(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
