"""Tell whether everything on a slide is white: its ground, and all shapes on it and behind it.

Only there white text is invisible. A slide with a picture, or with any shape in another colour, may
have white text on these.
"""

from __future__ import annotations

import zipfile
from typing import Any

from daydream_memory.reading.xml_parts import read_xml, relations

Element = Any  # lxml has no types
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
WHITES = frozenset(("FFFFFF", "FEFEFE", "bg1", "lt1"))
FILLS = tuple(f"{A}{name}" for name in ("solidFill", "gradFill", "blipFill", "pattFill", "grpFill"))
GROUND_FOLDERS = ("/slideLayouts/", "/slideMasters/")  # a slide names its layout, that its master


def is_all_white(archive: zipfile.ZipFile, name: str, slide: Element) -> bool:
    """Return whether nothing on a slide, its layout and its master is dark."""
    root: Element | None = slide
    for folder in (*GROUND_FOLDERS, ""):
        if root is None:
            return True
        if not _has_white_shapes(root):
            return False
        colours = root.find(f"{P}clrMap")
        if colours is not None and colours.get("bg1", "lt1") != "lt1":
            return False
        names = relations(archive, name).values() if folder else ()
        name = next((part for part in names if folder in f"/{part}"), "")
        root = read_xml(archive, name) if name else None
    return True


def is_white(fill: Element | None) -> bool:
    """Return whether a fill has the colour white."""
    return fill is not None and any(colour.get("val") in WHITES for colour in fill)


def _has_white_shapes(root: Element) -> bool:
    if next(root.iter(f"{P}pic", f"{P}graphicFrame", f"{P}fillRef"), None) is not None:
        return False
    ground = root.find(f"{P}cSld/{P}bg")
    places = [*root.iter(f"{P}spPr", f"{P}grpSpPr"), *([] if ground is None else [ground])]
    fills = [fill for place in places for fill in place.iter(*FILLS) if _is_ground(fill)]
    references = [] if ground is None else list(ground.iter(f"{P}bgRef"))
    return all(map(is_white, fills + references))


def _is_ground(fill: Element) -> bool:
    """Return whether a fill is that of a shape, and not that of its border or its text."""
    return bool(fill.getparent().tag != f"{A}ln")
