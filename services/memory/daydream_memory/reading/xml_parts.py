"""XML inside archives, parsed without entities, other files and the network."""

from __future__ import annotations

import zipfile
from typing import Any

from lxml import etree

from daydream_memory.reading.zip_parts import read_part

Element = Any  # lxml has no types


def read_xml(archive: zipfile.ZipFile, name: str) -> Element | None:
    """Return the root element of a part, None if there is no such part or it is no XML."""
    data = read_part(archive, name)
    return parse_xml(data) if data else None


def parse_xml(data: bytes) -> Element | None:
    """Return the root element, None for what is no XML. Entities and other files are not loaded."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        recover=True,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        return etree.fromstring(data, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
