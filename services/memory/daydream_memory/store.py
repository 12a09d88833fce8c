"""What a store of the memory can do: one interface, so that the embedded store and a vector database are exchangeable.

States of a fact: pending (read, not embedded) → active (has a vector and the next dense ordinal, 0, 1, 2 …) ⇄ hidden: it keeps its ordinal
and can't be drawn or found, because no current document holds it any more, or somebody withdrew it or what it descends from.
Everything written is idempotent by its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import Fact, FactKind, NearestMatch, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import (
    DocumentReport,
    FactVisibility,
    ListDocuments,
    ListVerdicts,
    Neighbour,
)

Vector = NDArray[np.float32]
HYPOTHESES_LOOKED_AT = 32  # nearest ones, of which some may be another team's


@dataclass(frozen=True)
class NewFact:
    """A fact as it is read from a document or written back from an insight. `place` is its position in the document."""

    fact_id: str
    text: str
    title: str = ""
    source: str = ""
    domain: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = 0
    place: int = 0
    document_id: str = ""
    parents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licence: str = ""
    written: str = ""
    team: str = ""
    clearance: str = ""


@dataclass(frozen=True)
class PendingFact:
    """A fact that waits for its vector."""

    fact_id: str
    text: str


@dataclass(frozen=True)
class DocumentRecord:
    """What became of a document."""

    document_id: str
    source: str
    status: Literal["read", "skipped", "refused"]
    note: str
    read_at: datetime
    offered_at: datetime


@dataclass(frozen=True)
class StoreCounts:
    """How much is in the store."""

    facts: int
    facts_pending: int
    documents: int
    verdicts: int
    judged: int
    decisions: dict[str, int]
    insights: int
    quarantined: int
    hidden: int
    teams: dict[str, int]
    clearances: dict[str, int]


@dataclass(frozen=True)
class VisibilityChange:
    """The active-once facts that a change concerns, as they stand after it: `out` of the draws, or `in_`. The same when it is made twice."""

    out: tuple[Fact, ...] = ()
    in_: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class ErasedFacts:
    """Ids of the facts that are erased now or were before, how many verdicts held them, and the insights that descend from them."""

    fact_ids: tuple[str, ...]
    verdicts: int
    insights: tuple[str, ...]


@dataclass(frozen=True)
class UnlabelledFact:
    """A active-once fact whose document names no domain; `domain` is the one that was found for it so far."""

    fact_id: str
    text: str
    domain: str
    vector: Vector


@dataclass(frozen=True)
class StaleVector:
    """A text that has a vector of the embedding model in use and none yet of the one that follows it. `key`: id of its fact or verdict."""

    kind: Literal["fact", "hypothesis"]
    key: str
    text: str


class Store(Protocol):
    """All methods may be called concurrently. Vectors are float32 of one dimension, of length 1.

    A store that is opened with another embedding model than the one it was made with goes on with that one, and takes the vectors of the other
    beside: `embedding_model` is in use, `next_model` follows it ("" when none does), and `switch` changes over when nothing is stale any more.
    `generation` is another one when ordinals may mean other facts than before: in a new store, and after a restore.
    """

    embedding_model: str
    next_model: str
    generation: str

    async def stale(self, limit: int) -> list[StaleVector]:
        """Texts without a vector of the next model."""

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        """Vectors of the next model. What was erased meanwhile is left out."""

    async def switch(self) -> None:
        """Use the next model's vectors from now on, all or nothing. Before anybody else uses the store, and when nothing is stale."""

    async def outdated(self) -> bool:
        """Whether another process switched this store to another model."""

    async def add_document(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        """Keep a document and its facts, pending. A fact that is known already stays as it is. The document takes the place of the one that
        was at its source before: facts that no current document holds any more are hidden."""

    async def remove_document(self, source: str, removed_at: datetime) -> VisibilityChange:
        """What was offered from this source until then is no longer there."""

    async def withdraw(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Hide these facts and, each with its cause, all that descend from them, now or later. What was said of a fact after `at` stands."""

    async def restore(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Take back what `withdraw` did for these facts. What is hidden for another reason too stays so. What was said after `at` stands."""

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        """Remove the texts, titles, sources and vectors of these facts, and of those that only these sources hold, from facts and verdicts; the
        documents are refused from then on. Their ordinals stay, hidden; what descends from them is withdrawn. `derived`: the hypotheses go too."""

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        """The facts of these names: ids of facts, or of verdicts that made one. Unknown names are left out."""

    async def pending(self, limit: int) -> list[PendingFact]:
        """Facts without a vector: the beginnings of all documents first, so that dreaming starts over all of them."""

    async def make_drawable(self, vectors: dict[str, Vector]) -> int:
        """Give pending facts their vectors and ordinals; how many became active."""

    async def fact_at(self, ordinal: int) -> tuple[Fact, Vector, bool] | None:
        """The fact with this ordinal, its vector, and whether it is hidden."""

    async def facts(self, fact_ids: Sequence[str]) -> list[Fact]:
        """The active facts with these ids, in this order; unknown ones are left out."""

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        """Vectors of active facts by id."""

    async def near(
        self, vector: Vector, limit: int, *, without: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        """The facts with the highest cosine, highest first, hidden ones left out."""

    async def nearest_hypothesis(
        self, vector: Vector, without: str, team: str = ""
    ) -> NearestMatch | None:
        """The earlier hypothesis with the highest cosine, but for the one with id `without` and those of another team's facts; None: none of the nearest
        few."""

    async def add_verdict(
        self, verdict: VerdictReached, vector: Vector | None, insight: tuple[NewFact, Vector] | None
    ) -> None:
        """Keep a verdict, the vector of its hypothesis, and the insight that it promoted, all or nothing."""

    async def verdict(self, verdict_id: str) -> VerdictReached | None:
        """One verdict."""

    async def judged(self, after: int, limit: int) -> tuple[list[tuple[int, int]], int | None]:
        """Ordinals of pairs that have verdicts, from a place on, and the next place, None at the end. Pairs with an unknown fact are left out."""

    async def add_review(
        self, review: ReviewRecorded, insight: tuple[NewFact, Vector] | None
    ) -> None:
        """Keep a person's word on a verdict, and the insight that it lets out of quarantine, all or nothing."""

    async def verdicts(self, question: ListVerdicts) -> tuple[list[VerdictReached], int]:
        """A page of verdicts, newest first, and how many there are in all."""

    async def said_of(
        self, verdict_ids: Sequence[str]
    ) -> tuple[list[ReviewRecorded], list[str], list[str]]:
        """What people said of these verdicts, oldest first; those whose insight is hidden; and those that wait for a person's word."""

    async def ancestors(self, fact_id: str) -> list[Fact]:
        """All facts that this one descends from, nearest first."""

    async def reports(self, question: ListDocuments) -> list[DocumentReport]:
        """What became of documents."""

    async def around(self, ordinal: int, near: int, also: Sequence[int]) -> list[Neighbour] | None:
        """The fact with this ordinal, then the `near` closest that are not hidden and those with the ordinals `also`, each once, closest
        first. None when there is no such fact; ordinals that nobody has are left out."""

    async def questions(self, limit: int) -> list[int]:
        """Ordinals of the lab's questions, newest first."""

    async def undomained(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        """Of the facts with these ordinals those whose documents name no domain, erased ones left out."""

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        """The domains that were found for facts, by id."""

    async def leads(self) -> bool:
        """Whether it is this process that does what only one may do: embed, and find domains."""

    async def note(self, key: str) -> str:
        """A text that is kept with the store; empty when there is none."""

    async def keep_note(self, key: str, text: str) -> None:
        """Keep a text with the store."""

    async def unrelated(self) -> tuple[float, float]:
        """Median and standard deviation of the cosines of random pairs of facts: where "unrelated" lies for this embedding model."""

    async def counts(self) -> StoreCounts:
        """How much is in the store."""

    async def tend(self) -> bool:
        """Some of the work that can wait (an index over what is new); whether there is more of it."""

    async def close(self) -> None:
        """Close the store."""
