"""Questions to the memory and its answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from daydream_contracts.events import (
    ContractModel,
    Fact,
    FactKind,
    NearestMatch,
    ReviewRecorded,
    VerdictReached,
)


class MemoryState(ContractModel):
    """How much is known."""

    facts: int = Field(description="facts that can be drawn; ordinals 0…facts−1")
    facts_pending: int = Field(description="facts still to be embedded")
    documents: int
    verdicts: int
    daydreams_judged: int = Field(description="daydreams that a model judged")
    decisions: dict[str, int]
    insights: int
    hidden: int = Field(
        default=0,
        description="of the facts, those that keep their ordinal and can't be drawn: withdrawn, or in no current document",
    )
    quarantined: int = Field(
        default=0, description="promoted hypotheses that wait for a person's word"
    )
    embedding_model: str
    questions: tuple[int, ...] = Field(
        default=(), description="ordinals of the lab's questions, the newest thousand"
    )
    teams: dict[str, int] = Field(
        default_factory=dict,
        description="how many of the facts each team has, everybody's left out",
    )
    clearances: dict[str, int] = Field(
        default_factory=dict, description="how many facts need each clearance, pending ones too"
    )
    generation: str = Field(
        default="",
        description="another one after a restore or a new beginning: ordinals may then mean other facts",
    )


class PairAt(ContractModel):
    """Two facts by their ordinals."""

    ordinals: tuple[int, int]


class PairFound(ContractModel):
    """The two facts, in the order asked, and the cosine of their embeddings."""

    first: Fact
    second: Fact
    similarity: float
    hidden: bool = Field(default=False, description="one of the two can't be drawn any more")


class NeighbourQuery(ContractModel):
    """A fact whose surroundings are asked for, and others that are to be compared with it."""

    ordinal: int = Field(ge=0)
    also: tuple[int, ...] = Field(default=(), max_length=256)


class FindNeighbours(ContractModel):
    """What lies around one or two facts: the `near` closest, and the others that were named."""

    places: tuple[NeighbourQuery, ...] = Field(min_length=1, max_length=2)
    near: int = Field(ge=0, le=256)


class Neighbour(ContractModel):
    """What strategies see of a fact. `similarity`: its cosine with the place it was seen from."""

    ordinal: int
    similarity: float
    source: str
    domain: str
    kind: FactKind
    hidden: bool = Field(default=False, description="can't be drawn any more")
    related: bool = Field(default=False, description="one of the two descends from the other")
    team: str = ""
    clearance: str = ""


class Neighbourhoods(ContractModel):
    """For each place, in the order asked: the fact itself first, then the others, each once, closest first. And the scale of this
    embedding model's cosines: median and standard deviation over random pairs."""

    seen: tuple[tuple[Neighbour, ...], ...]
    unrelated_median: float
    unrelated_spread: float = Field(gt=0)


class FindNearest(ContractModel):
    """A hypothesis, and the two facts it came from, which are compared apart."""

    text: str = Field(max_length=20_000)
    own_fact_ids: tuple[str, ...]
    own_hypothesis_id: str


class SimilarityScale(ContractModel):
    """Cosines that an embedding model gives to different claims about one subject."""

    mean: float
    deviation: float = Field(ge=0, description="standard deviation")
    pairs: int


class NearestMatches(ContractModel):
    """The nearest of each kind, and the scale on which this embedding model's cosines are to be read."""

    own_facts: tuple[NearestMatch, ...]
    nearest: NearestMatch | None
    unrelated_median: float = Field(description="median cosine of random pairs of facts")
    embedding_model: str
    likeness: SimilarityScale | None = Field(default=None, description="None until it is measured")


class Search(ContractModel):
    """Facts and insights close to a text."""

    text: str = Field(min_length=1, max_length=20_000)
    limit: int = Field(default=10, ge=1, le=100)
    ancestry: bool = Field(
        default=True, description="whether each is to come with what it descends from"
    )


class SearchHit(ContractModel):
    """One answer of a search."""

    fact: Fact
    similarity: float
    ancestry: tuple[Fact, ...] = ()


class SearchResults(ContractModel):
    """Nearest first."""

    hits: tuple[SearchHit, ...]


class ListVerdicts(ContractModel):
    """Newest first; `promoted_only` leaves the insights, `quarantined_only` those of them that wait for a person's word."""

    promoted_only: bool = True
    quarantined_only: bool = False
    verdict_ids: tuple[str, ...] = Field(
        default=(), max_length=100, description="these, whatever else is asked for, in their order"
    )
    limit: int = Field(
        default=50, ge=1, le=100, description="a page must fit into one NATS message of 1 MB"
    )
    offset: int = Field(default=0, ge=0)


class VerdictPage(ContractModel):
    """A page of verdicts, and what people have said of them."""

    verdicts: tuple[VerdictReached, ...]
    total: int
    reviews: tuple[ReviewRecorded, ...] = ()
    retracted: tuple[str, ...] = Field(
        default=(), description="ids of those whose insight was withdrawn, or what it descends from"
    )
    pending_review: tuple[str, ...] = Field(
        default=(), description="ids of promoted ones that wait for a person's word"
    )


class ListDocuments(ContractModel):
    """What became of the documents with these ids; none given: all, newest first. `under`: only sources that begin so."""

    document_ids: tuple[str, ...] = ()
    under: str = ""
    current_only: bool = False
    limit: int = Field(default=200, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class DocumentReport(ContractModel):
    """What was done with one document."""

    document_id: str
    source: str
    status: Literal["read", "skipped", "refused"]
    note: str
    facts: int
    facts_embedded: int
    current: bool = Field(
        default=True, description="nothing newer came from its source, and it was not removed"
    )


class DocumentPage(ContractModel):
    """A page of reports."""

    reports: tuple[DocumentReport, ...]


class Resolve(ContractModel):
    """Facts by their ids, or by the ids of the verdicts that made them."""

    names: tuple[str, ...] = Field(min_length=1, max_length=100)


class FactVisibility(ContractModel):
    """A fact, and whether it can be drawn."""

    fact: Fact
    hidden: bool
    withdrawn_by: tuple[str, ...] = Field(
        default=(), description="ids of withdrawn facts: itself, or what it descends from"
    )
    descendants: int = 0


class Resolved(ContractModel):
    """In the order asked; what nobody knows is left out."""

    facts: tuple[FactVisibility, ...]


class Erase(ContractModel):
    """Remove documents (by their sources) and facts (by their ids) for good: texts, titles, sources and vectors. What was thought about them stays,
    without them, unless `derived`: then the hypotheses that came from them go too."""

    sources: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()
    derived: bool = False
    who: str = Field(min_length=1)
    why: str = ""
    asked_at: datetime


class Erased(ContractModel):
    """What was erased, and what is out of reach."""

    facts: int
    verdicts: int = Field(description="kept records in which the facts stood")
    insights_withdrawn: tuple[str, ...] = Field(
        description="ids of insights that descend from them, which are out of the draws now"
    )
    messages: dict[str, int] = Field(
        description="by stream, those that held the texts and were deleted"
    )
    out_of_reach: tuple[str, ...]


class JudgedPairs(ContractModel):
    """Which pairs have a verdict, oldest first: the next ones after the place where the last answer ended."""

    after: int = Field(default=0, ge=0)
    limit: int = Field(default=5000, ge=1, le=10_000)


class JudgedPairsPage(ContractModel):
    """Ordinals of the pairs whose facts are both known; the place to go on from, None at the end."""

    pairs: tuple[tuple[int, int], ...]
    next: int | None


class BackUp(ContractModel):
    """Make a consistent copy of the whole memory while it goes on, in the object store."""

    backup_id: str


class BackedUp(ContractModel):
    """Where the copy is, and what it holds."""

    object_name: str
    size_bytes: int
    sha256: str
    facts: int
    verdicts: int
    made_at: datetime


class RestoreBackup(ContractModel):
    """Put the copy with this name in the object store in the place of the memory."""

    object_name: str
    sha256: str
    who: str


class Restored(ContractModel):
    """What the copy holds, when it was made, and how many verdicts, reviews and retractions since then are taken in again, or are gone from the
    streams."""

    facts: int
    verdicts: int
    made_at: datetime
    again: int
    gone: int
