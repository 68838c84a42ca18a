"""XML whose elements know their lines, and whose beginning can be read where the end is missing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from xml.etree.ElementTree import Element
from xml.parsers import expat

from ..errors import FindingsFileError
from ..tables import read_text

LINE = "line"
"""Attribute of every element: the line of the file that it begins on."""


def parse(path: Path | str, whole: Collection[str]) -> tuple[Element, list[str]]:
    """Parse an XML file (may be gzipped); names lose their namespaces.

    Parameters
    ----------
    whole
        Elements that are nothing without their end: where the file breaks off within one, it is taken out.

    Returns
    -------
    root : Element
    problems : list of str
        What is wrong with the file, with its line; empty for most.

    Raises
    ------
    FindingsFileError
        There is no element at all, or the file declares entities, which no reader's file does.
    """
    text = read_text(path)
    parser = expat.ParserCreate("utf-8")  # whatever it declares: the text is decoded
    top = Element("")
    opened = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        element = Element(name.rpartition(":")[2], attributes | {LINE: str(parser.CurrentLineNumber)})
        opened[-1].append(element)
        opened.append(element)

    def data(words: str) -> None:
        opened[-1].text = (opened[-1].text or "") + words

    def refuse(*_: object) -> None:  # a few lines of entities can unpack to more than all memory
        raise FindingsFileError(
            f"{path} declares entities, as no file of readers does: get it again from the archive."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: opened.pop()
    parser.CharacterDataHandler = data
    parser.EntityDeclHandler = refuse
    problems = []
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        problems.append(
            f"{path}, line {error.lineno}: the file is damaged ({expat.ErrorString(error.code)}); what follows is missing: get it "
            "again from the archive"
        )
    if not len(top):
        raise FindingsFileError(
            problems[0] if problems else f"{path} is empty: get it again from the archive."
        )
    broken = next((i for i, element in enumerate(opened) if element.tag in whole), None)
    if broken is not None:
        opened[broken - 1].remove(opened[broken])
    return top[0], problems
