"""JSON canvases and Excalidraw drawings to passages: the texts on their cards."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_memory.reading.markdown import markdown_blocks
from daydream_memory.reading.note_syntax import plain_markdown
from daydream_memory.reading.outline import passages_of
from daydream_memory.reading.passages import (
    Passage,
    Reading,
    UnreadableDocumentError,
    counted,
)


def read_canvas(canvas: Mapping[str, object]) -> Reading:
    """Return a passage for each card with a text. Other files and pages on it are only counted."""
    nodes = [node for node in _list(canvas.get("nodes")) if isinstance(node, Mapping)]
    passages: list[Passage] = []
    for node in nodes:
        if node.get("type", "text") == "text" and isinstance(node.get("text"), str):
            text, _ = plain_markdown(str(node["text"]))
            passages += passages_of(markdown_blocks(text)[0])
    if not passages:
        raise UnreadableDocumentError("no card of the canvas has a text")
    other = sum(node.get("type") in ("file", "link") for node in nodes)
    return Reading(
        tuple(passages),
        tuple(
            counted(
                "embedded-files", other, "card with a file or page", "cards with files or pages"
            )
        ),
        kind="canvas",
    )


def read_drawing(drawing: Mapping[str, object]) -> Reading:
    """Return the texts of an Excalidraw drawing. Shapes and pictures are only counted."""
    elements = [item for item in _list(drawing.get("elements")) if isinstance(item, Mapping)]
    alive = [item for item in elements if not item.get("isDeleted")]
    texts = [
        str(item.get("originalText") or item.get("text"))
        for item in alive
        if item.get("type") == "text" and item.get("text")
    ]
    if not texts:
        raise UnreadableDocumentError("the drawing has no texts")
    shapes = len(alive) - len(texts)
    return Reading(
        tuple(Passage(text) for text in texts),
        tuple(counted("drawings", shapes, "shape of the drawing", "shapes of the drawing")),
        kind="drawing",
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
