"""Requests to the memory service and its replies."""

from __future__ import annotations

from pydantic import Field

from daydream_contracts.events import (
    ContractModel,
    Fact,
    FactKind,
    NearestMatch,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
)

RANKED_MAX = 10_000  # their ids must fit into one NATS message of 1 MB
RANKED_RETURNED_MAX = 5000
MAPPED_MAX = 2000


class MemoryState(ContractModel):
    """How much the memory holds."""

    facts: int = Field(description="facts with an ordinal, 0…facts−1")
    facts_pending: int = Field(description="facts without a vector")
    documents: int
    verdicts: int
    daydreams_judged: int = Field(description="daydreams that a model judged")
    decisions: dict[str, int]
    insights: int
    hidden: int = Field(default=0, description="facts that cannot be drawn or found")
    quarantined: int = Field(default=0, description="promoted hypotheses pending review")
    embedding_model: str
    questions: tuple[int, ...] = Field(
        default=(), description="ordinals of the lab's open questions, the newest 1,000"
    )
    teams: dict[str, int] = Field(
        default_factory=dict, description="facts per team, without shared facts"
    )
    clearances: dict[str, int] = Field(
        default_factory=dict, description="facts per clearance, with pending ones"
    )
    same_document_pairs: int = Field(
        default=0, ge=0, description="pairs of facts of one document, with pending ones"
    )
    generation: str = Field(
        default="",
        description="changes when ordinals may mean other facts: in a new store, after a restore",
    )


PAIRS_AT_ONCE_MAX = 64


class FindPairs(ContractModel):
    """Find the facts of pairs by their ordinals."""

    pairs: tuple[tuple[int, int], ...] = Field(min_length=1, max_length=PAIRS_AT_ONCE_MAX)


class PairFound(ContractModel):
    """Two facts, in the order of the request, and the cosine of their vectors."""

    first: Fact
    second: Fact
    similarity: float
    hidden: bool = Field(default=False, description="one of the two is hidden")


class PairsFound(ContractModel):
    """The pairs in the order of the request. None: no fact has one of its ordinals."""

    pairs: tuple[PairFound | None, ...]


NEIGHBOUR_QUERIES_MAX = 16  # both facts of each pair of a batch of draws


class NeighbourQuery(ContractModel):
    """A fact whose neighbours are wanted, and the ordinals of facts to compare it with."""

    ordinal: int = Field(ge=0)
    also: tuple[int, ...] = Field(default=(), max_length=256)


class FindNeighbours(ContractModel):
    """Find the neighbours of facts: the `near` closest, and the ones named."""

    queries: tuple[NeighbourQuery, ...] = Field(min_length=1, max_length=NEIGHBOUR_QUERIES_MAX)
    near: int = Field(ge=0, le=256)


class Neighbour(ContractModel):
    """What strategies know of a fact. `similarity`: its cosine with the fact of the query."""

    ordinal: int
    similarity: float
    source: str
    domain: str
    kind: FactKind
    hidden: bool = Field(default=False, description="cannot be drawn")
    related: bool = Field(default=False, description="one of the two descends from the other")
    team: str = ""
    clearance: str = ""


class Neighbourhoods(ContractModel):
    """The neighbours of each query's fact, in the order of the request.

    The fact itself is first, then its neighbours, each once, closest first. `unrelated_median` and
    `unrelated_spread` are median and standard deviation of the cosines of random pairs of facts.
    """

    neighbourhoods: tuple[tuple[Neighbour, ...], ...]
    unrelated_median: float
    unrelated_spread: float = Field(gt=0)


class FindNearest(ContractModel):
    """A hypothesis, and the two facts that it is about, which are compared separately."""

    text: str = Field(max_length=20_000)
    own_fact_ids: tuple[str, ...]
    own_hypothesis_id: str


class SimilarityScale(ContractModel):
    """The similarity baseline of an embedding model.

    Mean and standard deviation of the cosines of different statements about one subject.
    """

    mean: float
    deviation: float = Field(ge=0, description="standard deviation")
    pairs: int


class NearestMatches(ContractModel):
    """What is nearest to a hypothesis, and the scale of this embedding model's cosines."""

    own_facts: tuple[NearestMatch, ...]
    nearest: NearestMatch | None
    unrelated_median: float = Field(description="median cosine of random pairs of facts")
    embedding_model: str
    similarity_baseline: SimilarityScale | None = Field(
        default=None, description="None until it is measured"
    )


class Search(ContractModel):
    """Find facts and insights similar to a text."""

    text: str = Field(min_length=1, max_length=20_000)
    limit: int = Field(default=10, ge=1, le=100)
    ancestry: bool = Field(
        default=True, description="whether to return what each fact descends from"
    )


class SearchHit(ContractModel):
    """One result of a search."""

    fact: Fact
    similarity: float
    ancestry: tuple[Fact, ...] = ()


class SearchResults(ContractModel):
    """Nearest first."""

    hits: tuple[SearchHit, ...]


class RankVerdicts(ContractModel):
    """Rank verdicts by how similar their hypotheses are to a text.

    The request names the verdicts, so that every filter is applied before the ranking and none
    hides a result. A client with more than `RANKED_MAX` sends several requests.
    """

    text: str = Field(min_length=1, max_length=20_000)
    verdict_ids: tuple[str, ...] = Field(min_length=1, max_length=RANKED_MAX)
    limit: int = Field(default=100, ge=1, le=RANKED_RETURNED_MAX)


class RankedVerdict(ContractModel):
    """A verdict, and the cosine of its hypothesis with the text."""

    verdict_id: str
    similarity: float


class RankedVerdicts(ContractModel):
    """The most similar first. Unknown verdicts and those without a hypothesis are left out."""

    verdicts: tuple[RankedVerdict, ...]


class MapMemory(ContractModel):
    """Place facts on a plane: a sample of all, and these ones."""

    fact_ids: tuple[str, ...] = Field(default=(), max_length=MAPPED_MAX)
    sample: int = Field(default=1000, ge=0, le=MAPPED_MAX)


class MapPoint(ContractModel):
    """A fact on the map. `x` and `y` are its two first principal components."""

    fact_id: str
    x: float
    y: float
    kind: FactKind
    title: str = Field(default="", description="its first 80 characters")


class MemoryMap(ContractModel):
    """A sample of the active facts, and the facts of the request, without unknown ones."""

    sample: tuple[MapPoint, ...] = ()
    named: tuple[MapPoint, ...] = ()
    facts: int = Field(description="facts with an ordinal")
    explained: float = Field(default=0.0, description="share of the variance that the map shows")


class ListVerdicts(ContractModel):
    """List verdicts, newest first.

    `promoted_only`: the promoted ones. `quarantined_only`: of these, the ones pending review.
    """

    promoted_only: bool = True
    quarantined_only: bool = False
    verdict_ids: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="only these, in their order; the other fields are ignored",
    )
    limit: int = Field(
        default=50,
        ge=1,
        le=100,
        description="maximum 100: a page must fit into one NATS message of 1 MB",
    )
    offset: int = Field(default=0, ge=0)


class VerdictPage(ContractModel):
    """A page of verdicts, with their reviews and outcomes, the oldest first."""

    verdicts: tuple[VerdictReached, ...]
    total: int
    reviews: tuple[ReviewRecorded, ...] = ()
    outcomes: tuple[OutcomeRecorded, ...] = ()
    retracted: tuple[str, ...] = Field(
        default=(), description="ids of those whose insight is hidden"
    )
    pending_review: tuple[str, ...] = Field(
        default=(), description="ids of the promoted ones pending review"
    )


class Resolve(ContractModel):
    """Find facts by their ids, or by the ids of the verdicts that created them."""

    names: tuple[str, ...] = Field(min_length=1, max_length=100)


class FactVisibility(ContractModel):
    """A fact, and whether it is hidden."""

    fact: Fact
    hidden: bool
    retracted_by: tuple[str, ...] = Field(
        default=(), description="ids of retracted facts: itself, or facts that it descends from"
    )
    merged: bool = Field(default=False, description="another fact that says the same stands for it")
    descendants: int = 0


class Resolved(ContractModel):
    """The facts in the order of the request, without unknown ones."""

    facts: tuple[FactVisibility, ...]


class JudgedPairs(ContractModel):
    """List the pairs that have a verdict, oldest first, from behind position `after`."""

    after: int = Field(default=0, ge=0)
    limit: int = Field(default=5000, ge=1, le=10_000)


class JudgedPairsPage(ContractModel):
    """Pairs of ordinals whose facts are known. `next`: the next page's `after`, None at the end."""

    pairs: tuple[tuple[int, int], ...]
    next: int | None
