"""Questions and answers between services (core NATS request/reply), next to the events in `messages`.

Every question may be asked twice with the same result: what changes something carries its own id.
Money is in nano-dollars (integers), times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from daydream_shared.messages import Fact, Known, Part, VerdictReached


class Nothing(Part):
    """A question without parameters."""


# --- budget ---------------------------------------------------------------------------------------------------------


class EnvelopePart(Part):
    """What one stage may need: the dearest bound counts where the model is still open."""

    stage: str
    model: str
    team: str = ""
    bound_nanousd: int = Field(ge=0)


class OpenEnvelope(Part):
    """Reserve the whole way of one daydream. `ways` closings (one per sample) end it."""

    envelope_id: str
    parts: tuple[EnvelopePart, ...] = Field(min_length=1)
    ways: int = Field(default=1, ge=1)
    asked_at: AwareDatetime


class GrowEnvelope(Part):
    """Ask for more, or reopen an envelope that expired with work still to do. `growth_id` makes it idempotent."""

    envelope_id: str
    growth_id: str
    by_nanousd: int = Field(ge=0)


class Draw(Part):
    """Take the upper bound of one attempt at a call. `nonce` is new for each attempt, and kept when the question is
    repeated: it is what makes a grant good for one worker only."""

    envelope_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str = ""
    bound_nanousd: int = Field(ge=0)
    lifetime_s: float = Field(gt=0, description="after which an unsettled draw is spent in full")


class Refusal(Part):
    """Why not, and when it is worth asking again; `retry_at` None means: when somebody changes something."""

    reason: Literal["cap", "no-cap", "envelope", "unknown-envelope", "too-old", "closed"]
    text: str
    retry_at: datetime | None = None
    short_nanousd: int = Field(default=0, ge=0, description="how much was missing")


class Grant(Part):
    """The answer to open, grow and draw. `attempt_id` names a draw and is what is settled."""

    refusal: Refusal | None = None
    attempt_id: str = ""

    @property
    def granted(self) -> bool:
        return self.refusal is None


class Settle(Part):
    """What an attempt really cost; None means unknown, which is the whole draw."""

    attempt_id: str
    cost_nanousd: int | None = Field(default=None, ge=0)
    input_tokens: int | None = None
    output_tokens: int | None = None


class Settled(Part):
    """What is on the books for the attempt now. `known` is False for an attempt the ledger has forgotten or never saw."""

    known: bool
    charged_nanousd: int = 0


class CloseEnvelope(Part):
    """One way of the envelope has ended (None: all of them). What is left flows back when all have."""

    envelope_id: str
    way: int | None = None


class Closed(Part):
    """What the envelope has spent so far; `closed` once every way has ended."""

    closed: bool
    spent_nanousd: int = 0


Window = Literal["day", "lifetime"]


class SetLimit(Part):
    """Set, change or (None) remove a cap."""

    change_id: str
    window: Window
    cap_nanousd: int | None = Field(ge=0)
    who: str = Field(min_length=1)
    why: str = ""


class LimitState(Part):
    """One limit. settled + drawn + open ≤ cap, unless somebody lowered the cap or a bill came above its bound."""

    scope: Literal["all"] = "all"
    window: Window
    cap_nanousd: int
    settled_nanousd: int
    drawn_nanousd: int
    open_nanousd: int
    renews_at: datetime | None

    @property
    def free_nanousd(self) -> int:
        """What can still be granted."""
        return max(0, self.cap_nanousd - self.settled_nanousd - self.drawn_nanousd - self.open_nanousd)


class StageSpend(Part):
    """Everything ever settled for one stage and model."""

    stage: str
    model: str
    calls: int
    unknown_calls: int = Field(description="attempts whose real cost never came, counted in full")
    settled_nanousd: int
    input_tokens: int
    output_tokens: int


class BudgetState(Part):
    """The books, summed up."""

    limits: tuple[LimitState, ...]
    spend: tuple[StageSpend, ...]
    settled_nanousd: int
    drawn_nanousd: int
    open_nanousd: int
    envelopes_open: int
    envelopes_closed: int
    attempts_drawn: int = Field(description="calls that are drawn and not settled: in hand, or of workers that died")
    overruns: int = Field(description="bills above their bound; each is an alarm")
    last_sequence: int


# --- memory ---------------------------------------------------------------------------------------------------------


class MemoryState(Part):
    """How much is known."""

    facts: int = Field(description="facts that can be drawn; ordinals 0…facts−1")
    facts_pending: int = Field(description="facts still to be embedded")
    documents: int
    verdicts: int
    daydreams_judged: int = Field(description="daydreams that a model judged")
    decisions: dict[str, int]
    insights: int
    quarantined: int = Field(default=0, description="promoted hypotheses that wait for a person's word")
    embedding_model: str


class PairAt(Part):
    """Two facts by their ordinals."""

    ordinals: tuple[int, int]


class PairFound(Part):
    """The two facts, in the order asked, and the cosine of their embeddings."""

    first: Fact
    second: Fact
    similarity: float


class Nearest(Part):
    """A hypothesis, and the two facts it came from, which are compared apart."""

    text: str = Field(max_length=20_000)
    own_fact_ids: tuple[str, ...]
    own_hypothesis_id: str


class Neighbours(Part):
    """The nearest of each kind, and the scale on which this embedding model's cosines are to be read."""

    own_facts: tuple[Known, ...]
    nearest: Known | None
    unrelated_median: float = Field(description="median cosine of random pairs of facts")
    embedding_model: str


class Search(Part):
    """Facts and insights close to a text."""

    text: str = Field(min_length=1, max_length=20_000)
    limit: int = Field(default=10, ge=1, le=100)


class Hit(Part):
    """One answer of a search."""

    fact: Fact
    similarity: float
    ancestry: tuple[Fact, ...] = ()


class Found(Part):
    """Nearest first."""

    hits: tuple[Hit, ...]


class ListVerdicts(Part):
    """Newest first; `promoted_only` leaves the insights, `quarantined_only` those of them that wait for a person's word."""

    promoted_only: bool = True
    quarantined_only: bool = False
    limit: int = Field(default=50, ge=1, le=100, description="a page must fit into one NATS message of 1 MB")
    offset: int = Field(default=0, ge=0)


class Verdicts(Part):
    """A page of verdicts."""

    verdicts: tuple[VerdictReached, ...]
    total: int


class ListDocuments(Part):
    """What became of the documents with these ids; none given: all, newest first."""

    document_ids: tuple[str, ...] = ()
    limit: int = Field(default=200, ge=1, le=1000)


class DocumentReport(Part):
    """What was done with one document."""

    document_id: str
    source: str
    status: Literal["read", "skipped", "refused"]
    note: str
    facts: int
    facts_embedded: int


class Documents(Part):
    """A page of reports."""

    reports: tuple[DocumentReport, ...]


# --- sampler --------------------------------------------------------------------------------------------------------


class SetGoal(Part):
    """How many pairs may have been drawn in all (None: no end)."""

    drawn_max: int | None = Field(ge=0)


Phase = Literal["drawing", "goal-reached", "waiting-for-facts", "waiting-for-stages", "pipeline-full", "refused", "exhausted"]


class SamplerState(Part):
    """What the sampler is doing, and why."""

    phase: Phase
    text: str
    looked_at: datetime = Field(description="when it began the look at whether it can draw that led to this phase")
    drawn: int
    drawn_max: int | None
    pairs_left: int
    retry_at: datetime | None = None
