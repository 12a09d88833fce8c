"""The records that a store exchanges: new facts, states, changes and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import Fact, FactKind, OutcomeRecorded, ReviewRecorded
from daydream_contracts.rpc import LeftOutReport

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class NewFact:
    """A fact as read from a document, or an insight. `position`: its number in the document."""

    fact_id: str
    text: str
    title: str = ""
    source: str = ""
    domain: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = 0
    position: int = 0
    document_id: str = ""
    parents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licence: str = ""
    date: str = ""
    team: str = ""
    clearance: str = ""


NewInsight = tuple[NewFact, Vector]


@dataclass(frozen=True)
class PendingFact:
    """A fact without a vector."""

    fact_id: str
    text: str


@dataclass(frozen=True)
class StoredFact:
    """A fact that has an ordinal, with its vector."""

    fact: Fact
    vector: Vector
    hidden: bool


@dataclass(frozen=True)
class DocumentRecord:
    """The result of reading a document. `kind`: what its content showed it to be."""

    document_id: str
    source: str
    status: Literal["read", "skipped", "refused"]
    note: str
    read_at: datetime
    offered_at: datetime
    kind: str = ""
    left_out: tuple[LeftOutReport, ...] = ()


@dataclass(frozen=True)
class StoreCounts:
    """How much the store holds."""

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
    same_document_pairs: int


MERGED = "merged "  # begins the cause of a merged fact, which no descendant inherits


def retracted_by(causes: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of retracted facts among the causes for which a fact is hidden."""
    return tuple(sorted(cause for cause in causes if not cause.startswith(MERGED)))


@dataclass(frozen=True)
class VisibilityChange:
    """The facts with an ordinal that a change concerns, by their state after it.

    Making the same change again gives the same answer.
    """

    hidden: tuple[Fact, ...] = ()
    active: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class ErasedFacts:
    """The result of an erasure.

    `fact_ids`: facts erased now or before. `verdicts`: how many verdicts held them.
    `insights`: insights that descend from them.
    """

    fact_ids: tuple[str, ...]
    verdicts: int
    insights: tuple[str, ...]


@dataclass(frozen=True)
class ReviewStatus:
    """What people decided on some verdicts.

    `reviews` and `outcomes` are oldest first. `hidden` lists the verdicts whose insight is hidden,
    `pending` the promoted ones that no person has reviewed yet.
    """

    reviews: tuple[ReviewRecorded, ...] = ()
    outcomes: tuple[OutcomeRecorded, ...] = ()
    hidden: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnlabelledFact:
    """A fact whose document names no domain. `domain` is the one found for it so far."""

    fact_id: str
    text: str
    domain: str
    vector: Vector


@dataclass(frozen=True)
class StaleVector:
    """A text without a vector of the next embedding model. `key`: id of its fact or verdict."""

    kind: Literal["fact", "hypothesis"]
    key: str
    text: str
