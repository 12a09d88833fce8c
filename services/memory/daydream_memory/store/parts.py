"""The parts of a store. A new store implements each protocol and puts them together as a `Store`.

States of a fact: pending (read, not embedded) → active (it has a vector and the next dense
ordinal, 0, 1, 2 …) ⇄ hidden. A hidden fact keeps its ordinal and cannot be drawn or found. The
causes: no current document holds it, a person retracted it or a fact that it descends from, or it
is erased.

All methods may be called concurrently. Everything written is idempotent by its id. Vectors are
float32 of one dimension and of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from daydream_contracts.events import (
    Fact,
    NearestMatch,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.rpc import (
    FactVisibility,
    ListVerdicts,
    Neighbour,
)
from daydream_memory.store.backup_support import BackupSupport
from daydream_memory.store.document_store import DocumentStore
from daydream_memory.store.records import (
    ErasedFacts,
    NewInsight,
    PendingFact,
    ReviewStatus,
    StaleVector,
    StoreCounts,
    StoredFact,
    UnlabelledFact,
    Vector,
    VisibilityChange,
)

HYPOTHESES_SEARCHED = 32  # the nearest ones; some of them may belong to another team


class FactStore(Protocol):
    """Facts: pending, active, searched."""

    async def pending(self, limit: int) -> list[PendingFact]:
        """Return facts without a vector, the beginnings of all documents first.

        So daydreams can start over all documents. Empty on a replica that is not the leader.
        """

    async def activate(self, vectors: Mapping[str, Vector]) -> int:
        """Give pending facts their vectors and ordinals. Return how many became active."""

    async def fact_at(self, ordinal: int) -> StoredFact | None:
        """Return the fact with this ordinal, hidden or not."""

    async def get(self, fact_ids: Sequence[str]) -> list[Fact]:
        """Return the facts with an ordinal among these, in this order. Leave out unknown ones."""

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the facts with an ordinal, by id."""

    async def find_nearest(
        self, vector: Vector, limit: int, *, exclude: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        """Return the active facts with the highest cosine, highest first."""

    async def active_at(self, ordinals: Sequence[int]) -> list[StoredFact]:
        """Return the active facts with these ordinals."""

    async def neighbours(
        self, ordinal: int, near: int, also: Sequence[int]
    ) -> list[Neighbour] | None:
        """Return the fact with this ordinal, then its neighbours, each once, closest first.

        They are the `near` closest active facts and the facts with the ordinals `also`. Leave out
        unknown ordinals. None: no fact has this ordinal.
        """

    async def ancestors(self, fact_id: str) -> list[Fact]:
        """Return all facts that this one descends from, nearest first."""

    async def questions(self, limit: int) -> list[int]:
        """Return the ordinals of the lab's open questions, newest first."""

    async def random_similarity(self) -> tuple[float, float]:
        """Return median and standard deviation of the cosines of random pairs of facts.

        They say what "unrelated" means to this embedding model. (0, 1) for an empty store.
        """

    async def unlabelled(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        """Return those of these facts whose documents name no domain, without erased ones."""

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        """Store the domains found for facts, by id. Keep a domain that a document named."""


class VerdictStore(Protocol):
    """Verdicts with the vectors of their hypotheses, opinions, and insights that they create."""

    async def add(
        self, verdict: VerdictReached, vector: Vector | None, insight: NewInsight | None
    ) -> None:
        """Store a verdict, the vector of its hypothesis and its insight: all or nothing."""

    async def add_review(self, review: ReviewRecorded, insight: NewInsight | None) -> None:
        """Store a review, and the insight that it releases from quarantine: all or nothing.

        Without an opinion (`accepted` is None) the verdict has its own decision again, and may
        wait for a review again.
        """

    async def add_outcome(self, outcome: OutcomeRecorded) -> None:
        """Store an outcome."""

    async def get(self, verdict_id: str) -> VerdictReached | None:
        """Return one verdict."""

    async def page(self, request: ListVerdicts) -> tuple[list[VerdictReached], int]:
        """Return a page of verdicts, newest first, and the number of all that match."""

    async def review_status(self, verdict_ids: Sequence[str]) -> ReviewStatus:
        """Return what people decided on these verdicts."""

    async def ranked(
        self, vector: Vector, verdict_ids: Sequence[str], limit: int
    ) -> list[tuple[str, float]]:
        """Return those of these verdicts with the highest cosine of their hypothesis.

        They are (verdict_id, cosine), highest first. Leave out verdicts without a vector.
        """

    async def judged_pairs(
        self, after: int, limit: int
    ) -> tuple[list[tuple[int, int]], int | None]:
        """Return a page of pairs with a verdict, by ordinals, and the next page's `after`.

        The page starts behind position `after`. The next one is None at the end. Leave out pairs
        with an unknown fact.
        """

    async def nearest_hypothesis(
        self, vector: Vector, exclude: str, team: str = ""
    ) -> NearestMatch | None:
        """Return the earlier hypothesis with the highest cosine.

        Leave out the one with id `exclude` and those about another team's facts. None: there is
        none among the `HYPOTHESES_SEARCHED` nearest.
        """


class VisibilityStore(Protocol):
    """Which facts people retracted. The latest decision on a fact counts, whenever it arrives."""

    async def retract(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Hide these facts and everything that descends from them, now or later."""

    async def reinstate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Undo what `retract` did for these facts. A fact with another cause stays hidden."""

    async def merge(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Hide these facts alone: another fact says the same. What descends from them stays."""

    async def separate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        """Undo what `merge` did for these facts. A fact with another cause stays hidden."""

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        """Return the facts of these names: ids of facts, or of verdicts that created one.

        Leave out unknown names.
        """


class ErasureStore(Protocol):
    """Erasure: it cannot be undone."""

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        """Erase these facts and those that only these sources hold, from facts and verdicts.

        Texts, titles, sources and vectors go. Ordinals stay, hidden. Descendants are retracted;
        with `derived` they and the hypotheses about these facts are erased too. The documents get
        the note and are refused from then on.
        """


class ModelMigrationStore(Protocol):
    """Vectors of two embedding models, while one replaces the other.

    A store that is opened with another model than its own continues with its own
    (`embedding_model`) and collects the vectors of the other (`next_model`, else "").
    """

    @property
    def embedding_model(self) -> str:
        """The model in use."""

    @property
    def next_model(self) -> str:
        """The model that replaces it, "" if none does."""

    async def stale(self, limit: int) -> list[StaleVector]:
        """Return texts without a vector of the next model. Empty on a replica that is no leader."""

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        """Store vectors of the next model. Skip what was erased meanwhile."""

    async def switch(self) -> None:
        """Use the next model's vectors from now on: all or nothing.

        Call it when nothing is stale, before anything else uses the store.
        """

    async def outdated(self) -> bool:
        """Return whether another process switched this store to another model."""


class StoreMaintenance(Protocol):
    """State of the store as a whole.

    `generation` changes when ordinals may mean other facts than before: in a new store, and after
    a restore.
    """

    @property
    def generation(self) -> str:
        """An id."""

    async def counts(self) -> StoreCounts:
        """Return how much the store holds."""

    async def is_leader(self) -> bool:
        """Return whether this process does what only one may do: embed, and find domains."""

    async def note(self, key: str) -> str:
        """Return a text stored with the store, "" if there is none."""

    async def set_note(self, key: str, text: str) -> None:
        """Store a text with the store."""

    async def tend(self) -> bool:
        """Do a piece of the work that can wait, such as an index. Return whether more is left."""

    async def close(self) -> None:
        """Close the store."""


@dataclass(frozen=True)
class Store:
    """A store of the memory, put together from its parts. `backup`: None where it has none."""

    facts: FactStore
    verdicts: VerdictStore
    documents: DocumentStore
    visibility: VisibilityStore
    erasure: ErasureStore
    migration: ModelMigrationStore
    maintenance: StoreMaintenance
    backup: BackupSupport | None = None

    async def close(self) -> None:
        """Close the store."""
        await self.maintenance.close()
