"""The one table of streams, subjects, consumers, buckets and endpoints. Subjects carry no ids: telemetry labels by them.

A new service takes part by one more `Consumer` row (and, if it says something new, one more `Flow` row).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from daydream_shared import requests as ask
from daydream_shared.messages import (
    AlertRaised,
    CandidateNominated,
    DocumentOffered,
    DocumentRemoved,
    ForegroundReported,
    HypothesisProposed,
    InsightPromoted,
    InsightRestored,
    InsightRetracted,
    Message,
    PairSampled,
    Part,
    ReviewRecorded,
    StandingChanged,
    VerdictReached,
)

Q = TypeVar("Q", bound=Part)
A = TypeVar("A", bound=Part)

DAY_S = 86_400
MIB = 1 << 20
ACK_WAIT_S = 10.0
DEAD_LETTER_PREFIX = "daydream.deadletter"
LEDGER, LEDGER_MIRROR = "LEDGER", "LEDGER_MIRROR"
LEDGER_SUBJECT = "daydream.ledger.entries"


class Retention(StrEnum):
    """How long a stream keeps a message."""

    WORK = "workqueue"
    LIMITS = "limits"


@dataclass(frozen=True)
class Stream:
    """A JetStream stream. A work queue refuses what is above its maximum, which pushes back on the stage before it."""

    name: str
    subjects: tuple[str, ...]
    retention: Retention
    messages_max: int = -1
    bytes_max: int = -1
    age_max_s: int = 0
    sealed_history: bool = False  # no message can be deleted, and none makes room for another; old ones may be archived
    mirror_of: str | None = None


STREAMS = (
    Stream("PAIRS", ("daydream.pair.sampled",), Retention.WORK, messages_max=256),
    Stream("HYPOTHESES", ("daydream.hypothesis.proposed",), Retention.WORK, messages_max=256),
    Stream("CANDIDATES", ("daydream.candidate.nominated",), Retention.WORK, messages_max=256),
    Stream("DOCUMENTS", ("daydream.document.offered",), Retention.WORK, messages_max=100_000),
    Stream("REMOVALS", ("daydream.document.removed",), Retention.WORK, messages_max=100_000),
    Stream("VERDICTS", ("daydream.verdict.reached",), Retention.LIMITS, bytes_max=4096 * MIB, age_max_s=30 * DAY_S),
    Stream("REVIEWS", ("daydream.review.recorded",), Retention.LIMITS, bytes_max=1024 * MIB),
    Stream("STANDINGS", ("daydream.standing.changed",), Retention.LIMITS, bytes_max=1024 * MIB),
    Stream("INSIGHTS", ("daydream.insight.promoted", "daydream.insight.retracted", "daydream.insight.restored"), Retention.LIMITS, bytes_max=1024 * MIB),
    Stream("FOREGROUND", ("daydream.foreground.reported",), Retention.WORK, messages_max=1_000_000, bytes_max=1024 * MIB),
    Stream("ALERTS", ("daydream.alert.raised",), Retention.LIMITS, bytes_max=64 * MIB, age_max_s=90 * DAY_S),
    Stream(LEDGER, (LEDGER_SUBJECT,), Retention.LIMITS, sealed_history=True),
    Stream(LEDGER_MIRROR, (), Retention.LIMITS, sealed_history=True, mirror_of=LEDGER),
    Stream("DEADLETTERS", (f"{DEAD_LETTER_PREFIX}.>",), Retention.LIMITS, bytes_max=1024 * MIB),
)


@dataclass(frozen=True)
class Flow:
    """Which message travels on which subject of which stream."""

    message: type[Message]
    stream: str
    subject: str
    said_by: str


FLOWS = (
    Flow(PairSampled, "PAIRS", "daydream.pair.sampled", "sampler"),
    Flow(HypothesisProposed, "HYPOTHESES", "daydream.hypothesis.proposed", "synthesizer"),
    Flow(CandidateNominated, "CANDIDATES", "daydream.candidate.nominated", "critic"),
    Flow(VerdictReached, "VERDICTS", "daydream.verdict.reached", "critic"),
    Flow(ReviewRecorded, "REVIEWS", "daydream.review.recorded", "console"),
    Flow(InsightPromoted, "INSIGHTS", "daydream.insight.promoted", "memory"),
    Flow(InsightRetracted, "INSIGHTS", "daydream.insight.retracted", "memory"),
    Flow(InsightRestored, "INSIGHTS", "daydream.insight.restored", "memory"),
    Flow(StandingChanged, "STANDINGS", "daydream.standing.changed", "console"),
    Flow(DocumentRemoved, "REMOVALS", "daydream.document.removed", "console"),
    Flow(DocumentOffered, "DOCUMENTS", "daydream.document.offered", "console"),
    Flow(ForegroundReported, "FOREGROUND", "daydream.foreground.reported", "console"),
    Flow(AlertRaised, "ALERTS", "daydream.alert.raised", "budget"),
)


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer: one service's own place in a stream, shared by its replicas."""

    service: str
    message: type[Message]

    @property
    def flow(self) -> Flow:
        return flow_of(self.message)

    @property
    def durable(self) -> str:
        return self.service


# in the direction of the flow
CONSUMERS = (
    Consumer("synthesizer", PairSampled),
    Consumer("critic", HypothesisProposed),
    Consumer("oracle", CandidateNominated),
    Consumer("memory", VerdictReached),
    Consumer("memory", ReviewRecorded),
    Consumer("memory", StandingChanged),
    Consumer("memory", DocumentOffered),
    Consumer("memory", DocumentRemoved),
    Consumer("budget", ForegroundReported),
)


def flow_of(message: type[Message]) -> Flow:
    """The flow of a message type; KeyError when the table has none."""
    return _FLOW_OF[message]


_FLOW_OF = {flow.message: flow for flow in FLOWS}


@dataclass(frozen=True)
class Bucket:
    """A JetStream key-value bucket. No limit markers: with them `create` fails after expiry (nats-py 2.16)."""

    name: str
    ttl_s: int = 0
    bytes_max: int = -1


ANSWERS = Bucket("daydream-answers", ttl_s=9 * DAY_S, bytes_max=4096 * MIB)
TALLIES = Bucket("daydream-tallies", ttl_s=30 * DAY_S)
PLANS = Bucket("daydream-plans")
SAMPLER = Bucket("daydream-sampler")
DRAWN = Bucket("daydream-drawn-pairs")
MEMORY = Bucket("daydream-memory")
BATCHES = Bucket("daydream-batches")
CRITIC = Bucket("daydream-critic")
RULINGS = Bucket("daydream-rulings", ttl_s=9 * DAY_S)
SYNTHESIZER = Bucket("daydream-synthesizer")
PROMPTS = Bucket("daydream-prompts")  # by digest, for ever: what verdicts name can be read again
BUCKETS = (ANSWERS, TALLIES, PLANS, SAMPLER, SYNTHESIZER, CRITIC, RULINGS, PROMPTS, DRAWN, MEMORY, BATCHES)

DOCUMENT_OBJECTS = "daydream-documents"
SNAPSHOT_OBJECTS = "daydream-ledger-snapshots"
ARCHIVE_OBJECTS = "daydream-ledger-archive"
BACKUP_OBJECTS = "daydream-backups"
OBJECT_STORES = (DOCUMENT_OBJECTS, SNAPSHOT_OBJECTS, ARCHIVE_OBJECTS, BACKUP_OBJECTS)


@dataclass(frozen=True)
class Endpoint(Generic[Q, A]):
    """A question over core NATS with one answer; asking twice is harmless for every endpoint."""

    service: str
    subject: str
    question: type[Q]
    answer: type[A]


BUDGET_OPEN = Endpoint("budget", "daydream.budget.open", ask.OpenEnvelope, ask.Grant)
BUDGET_GROW = Endpoint("budget", "daydream.budget.grow", ask.GrowEnvelope, ask.Grant)
BUDGET_DRAW = Endpoint("budget", "daydream.budget.draw", ask.Draw, ask.Grant)
BUDGET_SETTLE = Endpoint("budget", "daydream.budget.settle", ask.Settle, ask.Settled)
BUDGET_CLOSE = Endpoint("budget", "daydream.budget.close", ask.CloseEnvelope, ask.Closed)
BUDGET_CHANGE = Endpoint("budget", "daydream.budget.change", ask.ChangeBudget, ask.BudgetChanged)
BUDGET_STATE = Endpoint("budget", "daydream.budget.state", ask.Nothing, ask.BudgetState)
MEMORY_STATE = Endpoint("memory", "daydream.memory.state", ask.Nothing, ask.MemoryState)
MEMORY_PAIR = Endpoint("memory", "daydream.memory.pair", ask.PairAt, ask.PairFound)
MEMORY_AROUND = Endpoint("memory", "daydream.memory.around", ask.Around, ask.Surroundings)
MEMORY_NEAREST = Endpoint("memory", "daydream.memory.nearest", ask.Nearest, ask.Neighbours)
MEMORY_SEARCH = Endpoint("memory", "daydream.memory.search", ask.Search, ask.Found)
MEMORY_INSIGHTS = Endpoint("memory", "daydream.memory.insights", ask.ListVerdicts, ask.Verdicts)
MEMORY_DOCUMENTS = Endpoint("memory", "daydream.memory.documents", ask.ListDocuments, ask.Documents)
MEMORY_RESOLVE = Endpoint("memory", "daydream.memory.resolve", ask.Resolve, ask.Resolved)
MEMORY_ERASE = Endpoint("memory", "daydream.memory.erase", ask.Erase, ask.Erased)
MEMORY_JUDGED = Endpoint("memory", "daydream.memory.judged", ask.JudgedPairs, ask.Judged)
MEMORY_BACK_UP = Endpoint("memory", "daydream.memory.backup", ask.BackUp, ask.BackedUp)
MEMORY_RESTORE = Endpoint("memory", "daydream.memory.restore", ask.RestoreBackup, ask.Restored)
SAMPLER_STATE = Endpoint("sampler", "daydream.sampler.state", ask.Nothing, ask.SamplerState)
SAMPLER_GOAL = Endpoint("sampler", "daydream.sampler.goal", ask.SetGoal, ask.SamplerState)
SYNTHESIZER_STATE = Endpoint("synthesizer", "daydream.synthesizer.state", ask.Nothing, ask.SynthesizerState)
CRITIC_STATE = Endpoint("critic", "daydream.critic.state", ask.Nothing, ask.CriticState)
ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    BUDGET_OPEN, BUDGET_GROW, BUDGET_DRAW, BUDGET_SETTLE, BUDGET_CLOSE, BUDGET_CHANGE, BUDGET_STATE,
    MEMORY_STATE, MEMORY_PAIR, MEMORY_AROUND, MEMORY_NEAREST, MEMORY_SEARCH, MEMORY_INSIGHTS, MEMORY_DOCUMENTS, MEMORY_RESOLVE, MEMORY_ERASE,
    MEMORY_JUDGED, MEMORY_BACK_UP, MEMORY_RESTORE,
    SAMPLER_STATE, SAMPLER_GOAL, SYNTHESIZER_STATE, CRITIC_STATE,
)  # fmt: skip
