"""What was found as a folder of Markdown notes that link to each other, as Obsidian and its like read them.

Each insight is a note, and so is each fact that it comes from, with a link to its source. Notes are made from what is known, so they are written
anew each time; one that a person has changed since, or that lies there under a name of ours, is left alone and named. A note whose insight no longer
stands is removed, if nobody has changed it.
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
from daydream_contracts.events import Fact, FactKind, VerdictReached, insight_id_of

WRITTEN = ".daydream-vault.json"
NAME_CHARS = 60
UNFIT = re.compile(r'[\\/:*?"<>|#^\[\]\x00-\x1f]+')


@dataclass(frozen=True)
class NoteNames:
    """Names of notes."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def notes_of(insights: Sequence[VerdictReached]) -> dict[str, str]:
    """Texts by name."""
    names = {
        insight_id_of(one.hypothesis.hypothesis_id): _name(
            "insights", one.hypothesis.synthesis.title, one.verdict_id
        )
        for one in insights
        if one.hypothesis.synthesis
    }
    facts = {
        fact.fact_id: fact
        for one in insights
        for fact in (one.hypothesis.pair.first, one.hypothesis.pair.second)
        if fact.fact_id not in names
    }
    names |= {
        fact.fact_id: _name("facts", fact.title or fact.text, fact.fact_id)
        for fact in facts.values()
    }
    notes = {
        names[insight_id_of(one.hypothesis.hypothesis_id)]: _insight(one, names)
        for one in insights
        if one.hypothesis.synthesis
    }
    return {**notes, **{names[fact.fact_id]: _fact(fact) for fact in facts.values()}}


def write_vault(folder: Path, notes: Mapping[str, str]) -> NoteNames:
    """Bring the folder up to date. ConfigurationError when what was written there before can't be read."""
    file = folder / WRITTEN
    try:
        before: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} can't be read: {error}", "Remove it; notes that lie there are then left alone"
        ) from None
    written, kept, now = [], [], dict[str, str]()
    for name, text in notes.items():
        there = _digest(folder / name)
        ours = hashlib.sha256(text.encode()).hexdigest()
        if there is not None and there not in (
            before.get(name),
            ours,
        ):  # ours: a vault whose writing was cut off
            kept.append(name)
            now |= {name: before[name]} if name in before else {}
            continue
        now[name] = ours
        if there != now[name]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            written.append(name)
    removed = [
        name for name in before if name not in notes and _digest(folder / name) == before[name]
    ]
    for name in removed:
        (folder / name).unlink()
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(now, indent=0, sort_keys=True))
    return NoteNames(tuple(written), tuple(removed), tuple(kept))


def _insight(one: VerdictReached, names: Mapping[str, str]) -> str:
    synthesis, pair = one.hypothesis.synthesis, one.hypothesis.pair
    assert synthesis is not None
    head = {
        "title": synthesis.title,
        "tags": ["daydream", synthesis.link.value],
        "verdict": one.verdict_id,
        "score": one.score,
        "strategy": pair.strategy,
        "cost_usd": one.cost_nanousd / 1e9,
        "found": one.reached_at.isoformat(),
        "depth": 1 + max(pair.first.depth, pair.second.depth),
    }
    facts = "\n".join(f"- {_link(fact, names)}: {fact.text}" for fact in (pair.first, pair.second))
    judges = "\n".join(
        f"- {judgement.judge} ({judgement.model}): {judgement.justification}"
        for judgement in one.judgements
    )
    if_false = f"**If it were false:** {synthesis.if_false}\n\n" if synthesis.if_false else ""
    return (
        f"{_front_matter(head)}# {synthesis.title}\n\n{synthesis.hypothesis}\n\n**To test:** {synthesis.implication}\n\n{if_false}"
        f"## Why\n\n{synthesis.reasoning}\n\n## From\n\n{facts}\n\n## Judged\n\n{judges or one.explanation}\n"
    )


def _fact(fact: Fact) -> str:
    head = {
        "title": fact.title,
        "tags": list(fact.tags),
        "source": fact.source,
        "licence": fact.licence,
        "written": fact.written,
    }
    source = f"file://{quote(fact.source)}" if fact.source.startswith("/") else fact.source
    place = (
        f"[{fact.source}]({source})"
        if source.startswith(("file://", "http://", "https://"))
        else fact.source
    )
    return f"{_front_matter({key: value for key, value in head.items() if value})}{fact.text}\n\nSource: {place}\n"


def _front_matter(head: Mapping[str, object]) -> str:
    lines = "".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in head.items()
    )  # JSON is YAML
    return f"---\n{lines}---\n"


def _link(fact: Fact, names: Mapping[str, str]) -> str:
    title = (
        (fact.title or fact.text[:NAME_CHARS]).replace("|", "-").replace("]", ")").replace("[", "(")
    )
    name = names.get(fact.fact_id)
    if name is None:
        return (
            f"{title} (an insight that no longer stands)"
            if fact.kind is FactKind.INSIGHT
            else title
        )
    return f"[[{name.removesuffix('.md')}|{title}]]"


def _name(folder: str, title: str, key: str) -> str:
    words = " ".join(UNFIT.sub(" ", title).split())[:NAME_CHARS].strip(" .") or "untitled"
    return f"{folder}/{words} {key[:8]}.md"


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None
