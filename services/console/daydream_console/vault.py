"""Write insights as a folder of linked Markdown notes, for Obsidian and similar programs.

Each insight is a note, and so is each fact that it comes from, with a link to its source. Notes are
derived, so each run writes them again. A note that a person has changed, or that existed before
under such a name, is left alone and reported. A note whose insight is no longer in use is deleted,
unless a person has changed it.

The metadata block is written by hand: JSON is YAML, so it takes four lines, fewer than
python-frontmatter needs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    NANOUSD_PER_USD,
    Fact,
    FactKind,
    VerdictReached,
    insight_id_of,
)
from daydream_contracts.rpc import VerdictPage

DIGESTS_FILE = ".daydream-vault.json"
NAME_CHARS = 60
UNSAFE_CHARS = re.compile(r'[\\/:*?"<>|#^\[\]\x00-\x1f]+')
LINKED = ("file://", "http://", "https://")


@dataclass(frozen=True)
class NoteNames:
    """Names of the notes that were written, removed, and left alone."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def notes_of(insights: Sequence[VerdictReached]) -> dict[str, str]:
    """Return the text of each note by its name."""
    verdicts = {
        insight_id_of(verdict.hypothesis.hypothesis_id): verdict
        for verdict in insights
        if verdict.hypothesis.synthesis
    }
    pairs = [verdict.hypothesis.pair for verdict in insights]
    facts = {
        fact.fact_id: fact
        for pair in pairs
        for fact in (pair.first, pair.second)
        if fact.fact_id not in verdicts
    }
    names = {
        insight_id: _name("insights", _title(verdict), verdict.verdict_id)
        for insight_id, verdict in verdicts.items()
    }
    names |= {
        fact_id: _name("facts", fact.title or fact.text, fact_id) for fact_id, fact in facts.items()
    }
    notes = {names[key]: _insight_note(verdict, names) for key, verdict in verdicts.items()}
    return notes | {names[fact_id]: _fact_note(fact) for fact_id, fact in facts.items()}


def write_vault(folder: Path, notes: Mapping[str, str]) -> NoteNames:
    """Bring the folder up to date.

    Raise ConfigurationError if the digests of the last run can't be read.
    """
    last_digests = _read_digests(folder / DIGESTS_FILE)
    digests: dict[str, str] = {}
    written, kept = [], []
    for name, text in notes.items():
        current = _digest(folder / name)
        new = hashlib.sha256(text.encode()).hexdigest()
        # `new` can be there already if a run was cut off before it stored the digests.
        if current not in (None, last_digests.get(name), new):
            kept.append(name)
            if name in last_digests:
                digests[name] = last_digests[name]
            continue
        digests[name] = new
        if current != new:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            written.append(name)
    removed = [
        name
        for name, digest in last_digests.items()
        if name not in notes and _digest(folder / name) == digest
    ]
    for name in removed:
        (folder / name).unlink()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DIGESTS_FILE).write_text(json.dumps(digests, indent=0, sort_keys=True))
    return NoteNames(tuple(written), tuple(removed), tuple(kept))


def _read_digests(file: Path) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} can't be read: {error}",
            "Delete it. Existing notes are then treated as yours and left alone",
        ) from None
    return digests


def _insight_note(verdict: VerdictReached, names: Mapping[str, str]) -> str:
    synthesis, pair = verdict.hypothesis.synthesis, verdict.hypothesis.pair
    assert synthesis is not None, "an insight has a hypothesis"
    metadata = {
        "title": synthesis.title,
        "tags": ["daydream", synthesis.link.value],
        "verdict": verdict.verdict_id,
        "score": verdict.score,
        "strategy": pair.strategy,
        "cost_usd": verdict.cost_nanousd / NANOUSD_PER_USD,
        "found": verdict.reached_at.isoformat(),
        "depth": 1 + max(pair.first.depth, pair.second.depth),
    }
    facts = "\n".join(f"- {_link(fact, names)}: {fact.text}" for fact in (pair.first, pair.second))
    judges = "\n".join(
        f"- {judgement.judge} ({judgement.model}): {judgement.justification}"
        for judgement in verdict.judgements
    )
    sections = [
        f"# {synthesis.title}",
        synthesis.hypothesis,
        f"**To test:** {synthesis.implication}",
        f"**If it were false:** {synthesis.if_false}" if synthesis.if_false else "",
        f"## Why\n\n{synthesis.reasoning}",
        f"## From\n\n{facts}",
        f"## Judged\n\n{judges or verdict.explanation}",
    ]
    return _metadata_block(metadata) + "\n\n".join(filter(None, sections)) + "\n"


def _fact_note(fact: Fact) -> str:
    metadata = {
        "title": fact.title,
        "tags": list(fact.tags),
        "source": fact.source,
        "licence": fact.licence,
        "date": fact.date,
    }
    block = _metadata_block({key: value for key, value in metadata.items() if value})
    url = f"file://{quote(fact.source)}" if fact.source.startswith("/") else fact.source
    source = f"[{fact.source}]({url})" if url.startswith(LINKED) else fact.source
    return f"{block}{fact.text}\n\nSource: {source}\n"


def _metadata_block(values: Mapping[str, object]) -> str:
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return f"---\n{''.join(lines)}---\n"


def _link(fact: Fact, names: Mapping[str, str]) -> str:
    title = fact.title or fact.text[:NAME_CHARS]
    title = title.replace("|", "-").replace("]", ")").replace("[", "(")
    name = names.get(fact.fact_id)
    if name is None:
        return f"{title} (no longer in use)" if fact.kind is FactKind.INSIGHT else title
    return f"[[{name.removesuffix('.md')}|{title}]]"


def _title(verdict: VerdictReached) -> str:
    synthesis = verdict.hypothesis.synthesis
    return synthesis.title if synthesis else ""


def _name(folder: str, title: str, key: str) -> str:
    words = " ".join(UNSAFE_CHARS.sub(" ", title).split())[:NAME_CHARS].strip(" .") or "untitled"
    return f"{folder}/{words} {key[:8]}.md"


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def active_insights(page: VerdictPage) -> list[VerdictReached]:
    """Return the insights in use: not retracted, not rejected by the last review, not waiting for
    one.
    """
    reviews = sorted(page.reviews, key=lambda review: review.recorded_at)
    accepted = {review.verdict_id: review.accepted for review in reviews}
    rejected = {verdict_id for verdict_id, value in accepted.items() if value is False}
    excluded = {*page.retracted, *page.pending_review, *rejected}
    return [
        verdict
        for verdict in page.verdicts
        if verdict.hypothesis.synthesis and verdict.verdict_id not in excluded
    ]
