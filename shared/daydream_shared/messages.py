"""Every event on the wire: frozen, past tense, with an id derived from what it is about.

Data: a `PairSampled` carries snapshots of its two facts, a `HypothesisProposed` carries its pair, a `VerdictReached`
carries its hypothesis. So the verdict stream alone is the complete record of what was thought and what it cost.

Ids are derived, never random: whatever is done twice has the same id, and the id is also the `Nats-Msg-Id`. Neither
delivery nor retry enters them.

Versions: `version` is the major version. Readers ignore unknown fields within it, so that old and new writers run side
by side; a message of another major version fails validation and becomes a dead letter that can be replayed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field

NAMESPACE = UUID("6f7c3f0e-2a51-5d0b-9a37-0d6c1f5b7f11")
NANOUSD_PER_USD = 1_000_000_000


def derive_id(*parts: str | int) -> str:
    """A UUID that depends on nothing but `parts`, in their order."""
    return str(uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts)))


class Part(BaseModel):
    """Something inside a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Payer(Part):
    """Which envelope pays for a message, and which of its ways (the sample) the message is on; None means all of them."""

    envelope_id: str
    way: int | None


class Message(Part):
    """An event: something that has happened."""

    version: Literal[1] = 1

    @property
    def message_id(self) -> str:
        """The derived id, which is also the `Nats-Msg-Id`."""
        raise NotImplementedError

    @property
    def payer(self) -> Payer | None:
        """Who pays; the failure middleware closes this when the message becomes a dead letter."""
        return None


class FactKind(StrEnum):
    """Where a fact comes from: people's documents, this system's own insights, or what the lab asks itself."""

    DOCUMENT = "document"
    INSIGHT = "insight"
    QUESTION = "question"


class Fact(Part):
    """A snapshot of one fact as it was when it was drawn."""

    fact_id: str
    ordinal: int = Field(ge=0, description="dense number among the facts that can be drawn")
    text: str
    title: str = ""
    source: str = ""
    domain: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = Field(default=0, ge=0, description="0 for documents; 1 + the deepest parent for insights")
    place: int = Field(default=0, ge=0, description="its position among the facts of its document")
    tags: tuple[str, ...] = ()
    licence: str = Field(default="", description="as the document says it")
    written: str = Field(default="", description="when, as the document says it: a date or a year")
    team: str = Field(default="", description="whose it is; empty: everybody's. Facts of two teams are never drawn together")
    clearance: str = Field(default="", description="what a model needs to see it; empty: nothing")


class PairSampled(Message):
    """Two facts were drawn, and an envelope that pays for the whole way was opened."""

    pair_id: str
    epoch: int = Field(ge=1)
    first: Fact
    second: Fact
    strategy: str
    draw_probability: float = Field(gt=0, le=1, description="with which the sampler proposed this pair at that moment, all its strategies together")
    shares: dict[str, float] = Field(default_factory=dict, description="each strategy's share of the draws that was in force")
    proposed: dict[str, float] = Field(default_factory=dict, description="with which probability each strategy alone would have proposed this pair")
    drawn_mass_max: float = Field(default=0, ge=0, le=1, description="at most so much of the proposals was for pairs drawn already, which are proposed anew")
    features: tuple[float, ...] = Field(default=(), description="what the learned strategy knew of the pair")
    facts: int = Field(default=0, ge=0, description="how many facts were known when it was drawn")
    why: str = Field(default="", description="for a pair that is drawn once more: age, models or surroundings")
    canary: Literal["", "bridge", "decoy"] = Field(default="", description="planted, to see what the critic does to it: a link that holds, or one that doesn't")
    similarity: float = Field(ge=-1.001, le=1.001, description="cosine of the two embeddings")
    samples: int = Field(ge=1, description="hypotheses wanted from this pair, numbered 0…samples−1")
    plan: str = Field(default="full", description="which plan the envelope was opened for; near a cap a smaller one than `full`")
    stages: tuple[str, ...] = Field(default=(), description="which stages the envelope pays for")
    envelope_id: str
    drawn_at: datetime

    @property
    def message_id(self) -> str:
        return self.pair_id

    @property
    def payer(self) -> Payer | None:
        return Payer(envelope_id=self.envelope_id, way=None)


def pair_id_of(epoch: int, fact_id: str, other_id: str) -> str:
    """The id of a pair in an epoch; the order of the two facts does not matter."""
    return derive_id("pair", epoch, *sorted((fact_id, other_id)))


class PromptRef(Part):
    """Which prompt was used: `digest` is the SHA-256 of its text and of the schema of the answer."""

    name: str
    digest: str


class ModelCall(Part):
    """One answered call, as it was paid for."""

    call_id: str
    model: str
    prompt: PromptRef
    input_tokens: int | None
    output_tokens: int | None
    cost_nanousd: int = Field(ge=0)
    saved_nanousd: int = Field(default=0, ge=0, description="what a batch made it cheaper")
    repair: bool = False
    messages_digest: str = Field(default="", description="SHA-256 of the messages as they were sent, as JSON")
    answer: str = Field(default="", description="as it came, cut to 8,000 characters")


class LinkKind(StrEnum):
    """The five questions of the essay's brainstorm, as kinds of answer."""

    ANALOGY = "analogy"
    METAPHOR = "metaphor"
    SAME_PROBLEM = "same-problem"
    COMBINATION = "combination"
    CONTRADICTION = "contradiction"


class Synthesis(Part):
    """What the synthesizer found between two facts."""

    title: str
    link: LinkKind
    reasoning: str
    hypothesis: str
    implication: str = Field(description="one testable consequence")
    if_false: str = Field(default="", description="what one would expect to see instead if the hypothesis were false")


class Example(Part):
    """A finding of before that the writer was shown, as interesting or not."""

    verdict_id: str
    interesting: bool


class HypothesisProposed(Message):
    """The synthesizer answered: with a link, with the word that there is none, or with something unreadable."""

    hypothesis_id: str
    pair: PairSampled
    sample: int = Field(ge=0)
    synthesis: Synthesis | None
    abstention: str | None = Field(default=None, description="why there is no worthwhile link")
    unreadable: str | None = Field(default=None, description="the raw answer, when it could not be read")
    calls: tuple[ModelCall, ...] = ()
    writer: str = Field(default="", description="the model that was asked, by the name that it is set under")
    examples: tuple[Example, ...] = ()
    round: int = Field(default=1, ge=1, description="1 as it was proposed; more when it is judged anew, then with an envelope of its own in the pair")
    judges: tuple[str, ...] = Field(default=(), description="only these are to judge it; none named: all")
    proposed_at: datetime

    @property
    def message_id(self) -> str:
        return self.hypothesis_id if self.round == 1 else derive_id("judged anew", self.hypothesis_id, self.round)

    @property
    def payer(self) -> Payer | None:
        return Payer(envelope_id=self.pair.envelope_id, way=self.sample if self.round == 1 else None)


def hypothesis_id_of(pair_id: str, prompt_digest: str, sample: int) -> str:
    """The id of the sample-th hypothesis from a pair under a prompt."""
    return derive_id("hypothesis", pair_id, prompt_digest, sample)


def insight_id_of(hypothesis_id: str) -> str:
    """The id of the fact that a promoted hypothesis becomes."""
    return derive_id("insight", hypothesis_id)


class Decision(StrEnum):
    """What became of a hypothesis."""

    PROMOTED = "promoted"
    DEFERRED = "deferred"
    DISCARDED = "discarded"
    DUPLICATE = "duplicate"
    ABSTAINED = "abstained"
    REFUTED = "refuted"


class Scores(Part):
    """The essay's rubric, 1–10 each."""

    novelty: int = Field(ge=1, le=10)
    coherence: int = Field(ge=1, le=10)
    usefulness: int = Field(ge=1, le=10)

    @property
    def mean(self) -> float:
        """The mean of the three, 1–10."""
        return (self.novelty + self.coherence + self.usefulness) / 3


class Judgement(Part):
    """One judge's word; `scores` is None when its answer could not be read even after a repair."""

    judge: str
    model: str
    justification: str
    scores: Scores | None
    self_judged: bool = Field(default=False, description="the judge is of the family of the model that wrote the hypothesis")
    expected: float | None = Field(default=None, description="the mean of the three as an expectation over token probabilities, where the server gives them")
    call: int = Field(default=0, ge=0, description="0 for the judge's first answer on this hypothesis, 1 for a second opinion, and so on")
    prompt: str = Field(default="", description="digest of what the judge was asked with")
    cost_nanousd: int = Field(default=0, ge=0)


class Vote(Part):
    """What one judge's answers came to: the mean place of its scores in its own history, and their weight in the log-odds."""

    judge: str
    calls: int = Field(ge=1)
    value: float = Field(description="mean deviate in the judge's own history")
    weight: float
    base: float = Field(default=0.0, description="the value that the judge gives to misses")
    scale: float = Field(default=1.0, gt=0, description="and the standard deviation of that")


class Comparison(Part):
    """A judge said which of two hypotheses is better: this one, or one that was judged before and lies near the line."""

    judge: str
    other_verdict_id: str
    other_log_odds: float
    shown_first: bool = Field(description="whether this one stood first")
    won: bool = Field(description="whether this one was found better")


Rule = Literal["score", "quota", "precision"]  # absolute scores, while there is no history; the best few; what people's reviews show


class Weighing(Part):
    """How the judges' answers became a decision: the log-odds of a hit, and what they had to reach."""

    rule: Rule
    log_odds: float | None = None
    prior: float | None = None
    deflection: float | None = Field(default=None, description="log-odds = prior + sum of weight × (value − base) ÷ scale − deflection ÷ 2")
    line: float | None = Field(default=None, description="log-odds from which a hypothesis is promoted")
    deferred_from: float | None = Field(default=None, description="from here on it is compared with others before it is decided")
    deferred_to: float | None = Field(default=None, description="from here on it is promoted at once")
    placed: float | None = Field(default=None, description="log-odds after comparisons")
    placed_error: float | None = None
    votes: tuple[Vote, ...] = ()


class Known(Part):
    """The nearest thing that was already known."""

    what: Literal["fact", "insight", "hypothesis"]
    id: str
    text: str
    similarity: float


class Statement(Part):
    """What a hypothesis is held against: something known, or what was made of one of its facts alone."""

    what: str = Field(description="fact, insight or publication; `alone` for what was made of one of its facts")
    id: str = Field(description="of the fact, or whatever names the publication")
    text: str
    similarity: float | None = None


class Refutation(Part):
    """One attempt to refute a hypothesis. `holds` is None where the answer could not be read."""

    model: str
    case: str = Field(description="the strongest case against it")
    holds: bool | None
    same_as: Statement | None = Field(default=None, description="what says the same already")
    prompt: str = Field(default="", description="digest of what was asked with")


class Examination(Part):
    """What the oracle did: what it held the hypothesis against, in the order in which it was found, and its attempts. It passes with the first one
    that it withstands."""

    statements: tuple[Statement, ...] = ()
    attempts: tuple[Refutation, ...] = ()
    missing: tuple[str, ...] = Field(default=(), description="what could not be asked, and why")
    self_examined: bool = Field(default=False, description="the oracle is of the family of the model that wrote the hypothesis")


class VerdictReached(Message):
    """A hypothesis was judged: the complete record of one daydream."""

    verdict_id: str
    hypothesis: HypothesisProposed
    role: str
    round: int = Field(ge=1)
    decision: Decision
    reason: str = Field(description="a short code, the same for all verdicts of this kind; dashboards key on it")
    explanation: str
    final: bool
    judgements: tuple[Judgement, ...] = ()
    score: float | None = Field(default=None, description="mean over the judges, 1–10")
    spread: float | None = Field(default=None, ge=0, description="standard deviation of the judges' mean scores, where there are several")
    weighing: Weighing | None = None
    comparisons: tuple[Comparison, ...] = ()
    nearest: Known | None = None
    examination: Examination | None = None
    calls: tuple[ModelCall, ...] = Field(default=(), description="the critic's own calls, those of the oracle included")
    cost_nanousd: int = Field(ge=0, description="answered calls of the whole daydream, synthesis included")
    saved_nanousd: int = Field(default=0, ge=0, description="what batches made them cheaper")
    reached_at: datetime

    @property
    def message_id(self) -> str:
        return self.verdict_id

    @property
    def payer(self) -> Payer | None:
        return self.hypothesis.payer


def verdict_id_of(hypothesis_id: str, role: str, round_: int) -> str:
    """The id of a role's verdict on a hypothesis in a round."""
    return derive_id("verdict", hypothesis_id, role, round_)


class CandidateNominated(Message):
    """The judges would promote a hypothesis: the oracle examines it first. The verdict is deferred, and the oracle's takes its place."""

    verdict: VerdictReached

    @property
    def message_id(self) -> str:
        return derive_id("candidate", self.verdict.verdict_id)

    @property
    def payer(self) -> Payer | None:
        return self.verdict.payer


class ReviewRecorded(Message):
    """A person accepted or rejected a promoted hypothesis; an accepted one leaves quarantine."""

    verdict_id: str
    accepted: bool
    who: str = Field(min_length=1)
    note: str = ""
    recorded_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("review", self.verdict_id, self.who, str(self.accepted))


class InsightPromoted(Message):
    """A hypothesis left quarantine and became a fact that can be drawn."""

    insight_id: str
    fact: Fact
    verdict: VerdictReached
    ancestry: tuple[str, ...] = Field(description="ids of all facts it descends from, nearest first")
    promoted_at: datetime

    @property
    def message_id(self) -> str:
        return self.insight_id


class DocumentOffered(Message):
    """A document waits to be read: a small one in the message itself, a large one in the object store."""

    document_id: str = Field(description="SHA-256 of the bytes, and of team and clearance where it has any")
    object_name: str = ""
    content: Base64Bytes | None = Field(default=None, description="the bytes, when there is no object")
    source: str = Field(description="where people find it again: a path or an address")
    size_bytes: int = Field(ge=0)
    kind: FactKind = Field(default=FactKind.DOCUMENT, description="what its facts are: a document's, or a question of the lab")
    team: str = Field(default="", max_length=100, description="whose facts these are; empty: everybody's")
    clearance: str = Field(default="", max_length=100, description="what a model needs to see them; empty: nothing")
    returned: bool = Field(default=False, description="the same bytes were at this source before, and something else or nothing in between")
    offered_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("document", self.document_id, self.source, *([self.offered_at.isoformat()] if self.returned else []))


class DocumentRemoved(Message):
    """What was offered from a source until then is no longer there: its facts, unless another document has them too, can't be drawn."""

    source: str
    who: str = ""
    removed_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("removed", self.source, self.removed_at.isoformat())


class StandingChanged(Message):
    """A person took facts, and all that descends from them, out of the draws, or back in."""

    fact_ids: tuple[str, ...] = Field(min_length=1)
    drawable: bool
    who: str = Field(min_length=1)
    why: str = ""
    changed_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("standing", *self.fact_ids, str(self.drawable), self.changed_at.isoformat())


class InsightRetracted(Message):
    """An insight can't be drawn any more: it, or something that it descends from, was withdrawn."""

    insight_id: str
    fact: Fact
    who: str
    why: str = ""
    retracted_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("retracted", self.insight_id, self.retracted_at.isoformat())


class InsightRestored(Message):
    """An insight that was retracted can be drawn again."""

    insight_id: str
    fact: Fact
    who: str
    why: str = ""
    restored_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("restored", self.insight_id, self.restored_at.isoformat())


class ForegroundReported(Message):
    """The lab's gateway used a model for people's work. Without `cost_nanousd` the usage is priced when it is counted."""

    report_id: str = Field(min_length=1, max_length=200, description="the gateway's own id of the call or of the batch of calls")
    model: str = ""
    input_tokens: int = Field(default=0, ge=0)
    cached_input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cost_nanousd: int | None = Field(default=None, ge=0)
    spent_at: AwareDatetime

    @property
    def message_id(self) -> str:
        return derive_id("foreground", self.report_id)


class AlertRaised(Message):
    """Something that people should know of. The same alert has the same id, so it is told once."""

    alert_id: str
    kind: Literal["soft-limit", "refused", "overrun", "canary-drift"]
    about: str = Field(description="what it is about: a limit as scope/window, an attempt")
    text: str
    raised_at: datetime

    @property
    def message_id(self) -> str:
        return self.alert_id
