"""XML inside archives, parsed without entities, other files and the network."""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import Any

from lxml import etree

from daydream_memory.reading.passages import LeftOut
from daydream_memory.reading.zip_parts import read_part

Element = Any  # lxml has no types
FAULT_CHARS_MAX = 80
# ISO 29500 has two forms of Office files. The strict one differs in the names of its namespaces.
STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
STRICT_MARK = b"purl.oclc.org/ooxml"
USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"


def read_xml(archive: zipfile.ZipFile, name: str) -> Element | None:
    """Return the root element of a part, None if there is no such part or it is no XML."""
    data = read_part(archive, name)
    if STRICT_MARK in data:
        data = STRICT.sub(USUAL, data)
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


def relations(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Return the parts of an Office file that a part refers to, by the ids that it uses."""
    folder, file = posixpath.split(name)
    root = read_xml(archive, f"{folder}/_rels/{file}.rels")
    if root is None:
        return {}
    return {
        relation.get("Id", ""): posixpath.normpath(
            posixpath.join(folder, relation.get("Target", ""))
        ).lstrip("/")
        for relation in root
        if relation.get("TargetMode") != "External"
    }


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace, "" for a comment or an instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def broken_parts(root: Element) -> list[LeftOut]:
    """Return a report of the first fault at which the parser may have lost text."""
    faults = [
        fault
        for fault in root.getroottree().parser.error_log
        if fault.level == etree.ErrorLevels.FATAL
        and fault.type != etree.ErrorTypes.ERR_UNDECLARED_ENTITY
    ]
    if not faults:
        return []
    reason = " ".join(faults[0].message.split())[:FAULT_CHARS_MAX]
    text = f"the XML is broken in line {faults[0].line}: some of its text may be missing ({reason})"
    return [LeftOut("broken", len(faults), text)]
