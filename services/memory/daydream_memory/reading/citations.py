"""Records of reference managers to passages: the abstract of each, with its title.

RIS and CSL JSON. Notes, files and links of a record are the librarian's, not the author's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.passages import (
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)

NO_ABSTRACT = "no entry has an abstract"
TAG = re.compile(r"^([A-Z][A-Z0-9]{1,3}) {0,2}-(?: (.*)|)$")
REFER = re.compile(r"\s*%[0TA] \S")
REFER_LINE = re.compile(r"^%(\S) ?(.*)$", re.MULTILINE)
REFER_ENTRY = re.compile(r"^TY  - .*\n", re.MULTILINE)
REFER_TAGS = {"0": "TY", "T": "TI", "X": "AB", "D": "PY", "K": "KW"}
PUBMED_START = "PMID"
TITLES = ("TI", "T1", "CT", "BT", "ST")
ABSTRACTS = ("AB", "N2")
DATES = ("PY", "Y1", "DA", "DP")
KEYWORDS = ("KW", "OT", "MH")
MARKUP = re.compile(r"</?(?:i|b|p|sub|sup|sc|em|strong|italic|bold|jats:\w+|span)(?:\s[^>]*)?>")
CSL_FIELDS = ("issued", "author", "DOI", "container-title", "abstract", "citation-key", "publisher")


def read_ris(document: RawDocument) -> Reading:
    """Return the abstract of each entry of a RIS file, or of one that PubMed exports."""
    entries: list[dict[str, list[str]]] = []
    entry: dict[str, list[str]] = {}
    last = ""
    text = document.text.lstrip("\ufeff").replace("\r\n", "\n")
    if REFER.match(text):
        text = _ris_of(text)
    for line in text.split("\n"):
        tag = TAG.match(line)
        if tag and tag[1] == "ER":
            entries.append(entry)
            entry, last = {}, ""
        elif tag:
            last = tag[1]
            if last == PUBMED_START and entry:  # PubMed's entries have no end
                entries.append(entry)
                entry = {}
            entry.setdefault(last, []).append((tag[2] or "").strip())
        elif last and line.strip():  # a value that runs over several lines
            entry[last][-1] += " " + line.strip()
    entries += [entry] if entry else []
    return abstracts([_ris_passage(entry) for entry in entries])


def _ris_of(refer: str) -> str:
    """Return entries of EndNote's form, "%T Title", as those of RIS."""
    text = REFER_LINE.sub(lambda line: f"{REFER_TAGS.get(line[1], 'XX')}  - {line[2]}", refer)
    entries = [entry for entry in REFER_ENTRY.split(text) if entry.strip()]
    return "\n".join(f"{entry.rstrip()}\nER  - " for entry in entries)


def _ris_passage(entry: Mapping[str, list[str]]) -> Passage | None:
    return _passage(
        next((entry[tag][0] for tag in ABSTRACTS if entry.get(tag)), ""),
        next((entry[tag][0] for tag in TITLES if entry.get(tag)), ""),
        {
            "keywords": [word for tag in KEYWORDS for word in entry.get(tag, [])],
            "date": next((entry[tag][0].strip("/") for tag in DATES if entry.get(tag)), ""),
        },
    )


def is_csl(record: Mapping[str, object]) -> bool:
    """Return whether a record is one of CSL JSON."""
    return (
        isinstance(record.get("type"), str)
        and "title" in record
        and (sum(name in record for name in CSL_FIELDS) >= 2)
    )


def csl_passage(record: Mapping[str, object]) -> Passage | None:
    """Return the abstract of a record of CSL JSON, None without one."""
    return _passage(
        str(record.get("abstract") or ""),
        str(record.get("title") or ""),
        {"keywords": record.get("keyword") or "", "date": _year(record.get("issued"))},
    )


def _year(issued: object) -> str:
    parts = issued.get("date-parts") if isinstance(issued, Mapping) else None
    try:
        return "-".join(f"{int(part):02}" for part in parts[0]) if isinstance(parts, list) else ""
    except (IndexError, TypeError, ValueError):
        return ""


def _passage(abstract: str, title: str, about: Mapping[str, object]) -> Passage | None:
    text = " ".join(MARKUP.sub("", abstract).split())
    if not text:
        return None
    return Passage(text, " ".join(MARKUP.sub("", title).split()), metadata_of(about))


def abstracts(passages: list[Passage | None], unreadable: int = 0) -> Reading:
    """Return the entries that have an abstract, and how many have none or cannot be read."""
    kept = tuple(passage for passage in passages if passage is not None)
    if not kept:
        raise UnreadableDocumentError(NO_ABSTRACT)
    left_out = [
        *counted(
            "entries",
            len(passages) - len(kept),
            "entry without an abstract",
            "entries without an abstract",
        ),
        *counted(
            "unreadable-records",
            unreadable,
            "entry that cannot be parsed",
            "entries that cannot be parsed",
        ),
    ]
    return Reading(kept, tuple(left_out))
