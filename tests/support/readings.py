"""What tests of readers ask: the passages of a document, and what was left out."""

from __future__ import annotations

from daydream_memory.chunking import texts_of
from daydream_memory.reading import PassageKind, ReadResult, read_document

YIELD = "Tidal turbines in narrow straits lose a tenth of their yield to mussels on the blades."
COATING = "Copper dissolving from a coating keeps mussels away, but harms larvae of oysters nearby."


def read(document: str | bytes, name: str) -> ReadResult:
    """Read a document that must be readable."""
    data = document.encode() if isinstance(document, str) else document
    result = read_document(data, name)
    assert result.status == "read", result.note
    return result


def texts(document: str | bytes, name: str, kind: PassageKind = "prose") -> list[tuple[str, str]]:
    """Return title and text, in one line, of each passage of this kind."""
    return [
        (passage.title, " ".join(passage.text.split()))
        for passage in read(document, name).passages
        if passage.kind == kind
    ]


def words(document: str | bytes, name: str) -> str:
    """Return all that the passages say, with their titles, in one line."""
    passages = read(document, name).passages
    return " ".join(" ".join(f"{part.title} {part.text}" for part in passages).split())


def left_out(document: str | bytes, name: str) -> dict[str, int]:
    """Return how much of each kind was left out."""
    counts: dict[str, int] = {}
    for entry in read(document, name).left_out:
        counts[entry.kind] = counts.get(entry.kind, 0) + entry.count
        assert str(entry.count) in entry.text.replace(",", "") or "page" in entry.text
    return counts


def facts(document: str | bytes, name: str) -> list[tuple[str, str]]:
    """Return title and text of each fact of a document."""
    made = texts_of(read(document, name), source=name, chars_max=900).texts
    return [(fact.title, fact.text) for fact in made]


def refusal(document: str | bytes, name: str) -> str:
    """Return why a document gives no passages."""
    data = document.encode() if isinstance(document, str) else document
    result = read_document(data, name)
    assert result.status in ("refused", "skipped")
    assert not result.passages
    assert "\n" not in result.note
    return result.note
