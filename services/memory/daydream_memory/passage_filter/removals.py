"""What the passage filter removed, as one line per kind, with an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from daydream_memory.passage_filter.rules import FRAGMENTS
from daydream_memory.passage_filter.screening import ScreenedBlock
from daydream_memory.reading import LeftOut

EXAMPLE_CHARS_MAX = 80
# kind: one passage, several passages
NAMES = {
    "encoded-data": ("passage of encoded data", "passages of encoded data"),
    "logs": ("passage of a log", "passages of logs"),
    "repetition": ("repeated passage", "repeated passages"),
    "contents": ("table of contents or index", "parts of tables of contents or indexes"),
    "licences": ("passage of a licence", "passages of licences"),
    "changes": ("entry of a change log", "entries of change logs"),
    "references": ("list of references", "parts of lists of references"),
    "numbers": ("passage of numbers", "passages of numbers"),
    "notices": ("notice or banner", "notices or banners"),
    "code": ("passage of code", "passages of code"),
    "navigation": ("menu", "menus"),
    FRAGMENTS: ("fragment without a statement", "fragments without a statement"),
}


def removals(screened: Sequence[ScreenedBlock], short: Sequence[str]) -> Iterator[LeftOut]:
    """Yield an entry for each kind of junk. `short`: content that is too short for a fact."""
    texts: dict[str, list[str]] = {kind: [] for kind in NAMES}
    for block in screened:
        if block.junk:
            texts[block.junk].append(block.text)
    texts[FRAGMENTS] += short
    for kind, removed in texts.items():
        if removed:
            name = NAMES[kind][len(removed) > 1]
            example = max(removed[:100], key=len)
            yield LeftOut(
                f"filter-{kind}", len(removed), f"{len(removed)} {name}: “{_start(example)}”"
            )


def _start(text: str) -> str:
    return text if len(text) <= EXAMPLE_CHARS_MAX else f"{text[: EXAMPLE_CHARS_MAX - 1]}…"
