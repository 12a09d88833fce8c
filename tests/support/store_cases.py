"""Facts, documents and verdicts for the tests of stores, and a tiny embedding."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from daydream_contracts.events import Decision, Fact, FactKind, VerdictReached
from daydream_memory.store import DocumentRecord, NewFact, NewInsight, Store, Vector

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parent.parent / "contracts" / "messages" / "VerdictReached.v1.json"
MODEL = "words-hashed-64"
DIMENSION, OTHER_DIMENSION = 64, 16


def embed(text: str) -> Vector:
    """Add a direction for each word, so that texts that share words are close."""
    vector = np.zeros(DIMENSION, np.float32)
    for word in text.lower().split():
        vector += _direction(word, DIMENSION)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def embed_otherwise(text: str) -> Vector:
    """Embed with another model, of another dimension."""
    vector = _direction(text, OTHER_DIMENSION)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _direction(text: str, dimension: int) -> Vector:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


def facts(*texts: str, document: str = "doc", **fields: Any) -> list[NewFact]:
    """Make the facts of a document."""
    return [
        NewFact(
            fact_id=f"id {text}",
            text=text,
            document_id=document,
            position=position,
            source=f"/notes/{document}.md",
            **fields,
        )
        for position, text in enumerate(texts)
    ]


def record(
    document_id: str = "doc", source: str = "", status: Any = "read", at: datetime = NOW
) -> DocumentRecord:
    """Make the record of a document."""
    return DocumentRecord(
        document_id, source or f"/notes/{document_id}.md", status, "a note", at, at
    )


async def add_active_facts(store: Store, *texts: str, document: str = "doc") -> None:
    """Add a document and embed its facts."""
    await store.documents.add(record(document), facts(*texts, document=document))
    await activate_all(store)


async def activate_all(store: Store) -> None:
    """Embed all pending facts."""
    while batch := await store.facts.pending(16):
        await store.facts.activate({fact.fact_id: embed(fact.text) for fact in batch})


async def add_family(store: Store) -> None:
    """Add three facts and two insights: one, two → low; low, two → high."""
    await add_active_facts(store, "one", "two", "three")
    for name, parents in (("low", ("id one", "id two")), ("high", ("insight low", "id two"))):
        new = insight(name, *parents)
        await store.verdicts.add(verdict(name, Decision.PROMOTED), new[1], new)


async def texts_near(store: Store, text: str) -> set[str]:
    """Return the texts of all facts that a search can find."""
    return {fact.text for fact, _ in await store.facts.find_nearest(embed(text), 50)}


def verdict(
    name: str = "", decision: Decision = Decision.DISCARDED, *, hypothesis: str = "", **fields: Any
) -> VerdictReached:
    """Make a verdict from the stored example, with its own ids."""
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    assert example.hypothesis.synthesis is not None
    synthesis = example.hypothesis.synthesis.model_copy(
        update={"hypothesis": hypothesis or f"hypothesis {name}"}
    )
    proposed = example.hypothesis.model_copy(
        update={"hypothesis_id": f"hypothesis {name}", "synthesis": synthesis}
    )
    own = {"verdict_id": f"verdict {name}", "hypothesis": proposed, "decision": decision}
    return example.model_copy(update={**own, **fields})


def verdict_on(
    name: str, first: Fact, second: Fact, decision: Decision = Decision.DISCARDED
) -> VerdictReached:
    """Make a verdict on a pair of these facts."""
    made = verdict(name, decision)
    pair = made.hypothesis.pair.model_copy(update={"first": first, "second": second})
    hypothesis = made.hypothesis.model_copy(update={"pair": pair})
    return made.model_copy(update={"hypothesis": hypothesis, "nearest": None})


def insight(name: str, *parents: str, depth: int = 1) -> NewInsight:
    """Make an insight with its vector."""
    fact = NewFact(
        fact_id=f"insight {name}",
        text=f"insight about {name}",
        title=name,
        kind=FactKind.INSIGHT,
        depth=depth,
        parents=parents,
    )
    return fact, embed(fact.text)
