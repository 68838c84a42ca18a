"""A page as PDF, by WeasyPrint: an extra, and Pango of the system."""

from __future__ import annotations

from typing import Any

from ..errors import LungmtlError

PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What WeasyPrint needs of Debian."""


class PdfError(LungmtlError):
    """No PDF can be made here; the message says what is missing, and that HTML can be written without."""


def render(html: str) -> Any:
    """Lay out a page; what it refers to must be in it, for nothing is fetched.

    Raises
    ------
    PdfError
        WeasyPrint is not installed, or does not find Pango.
    """
    try:
        from weasyprint import HTML
    except ModuleNotFoundError as error:
        raise PdfError(
            "a PDF needs weasyprint: pip install 'napari-lungmtl[report]'; or write .html, which every browser prints"
        ) from error
    except OSError as error:  # it loads Pango when it is imported
        raise PdfError(
            f"a PDF needs Pango, which was not found ({error}); on Debian: sudo apt-get install {PANGO}; "
            "or write .html, which every browser prints"
        ) from error
    return HTML(string=html, url_fetcher=_fetcher()).render()


def pages_of(document: Any) -> int:
    """How many pages a layout has."""
    return len(document.pages)


def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=("data",))
