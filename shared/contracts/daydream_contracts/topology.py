"""Declare all streams, subjects, consumers, buckets and endpoints in one table.

Provisioning, NATS users, the AsyncAPI document and the page of messages derive from it. `grants`
says who asks, reads and writes what. Subjects carry no ids, because telemetry labels by subject. A
new service takes part by one more `Consumer` row, and a new event by one more `MessageRoute` row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from daydream_contracts import rpc
from daydream_contracts.buckets import DAY_S, MIB
from daydream_contracts.events import (
    AlertRaised,
    CandidateNominated,
    CommandReceived,
    ContractModel,
    DocumentOffered,
    DocumentRemoved,
    ForegroundReported,
    HypothesisProposed,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    OutcomeRecorded,
    PairSampled,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)

RequestT = TypeVar("RequestT", bound=ContractModel)
ReplyT = TypeVar("ReplyT", bound=ContractModel)

# Raise it with every change of this table. Provisioning never goes back to an older generation.
GENERATION = 1
ACK_WAIT_S = 10.0
DEAD_LETTER_PREFIX = "daydream.deadletter"
STAGE_MESSAGES = 256  # that each stream of STAGE_STREAMS holds, unless more slots are behind it
LEDGER, LEDGER_MIRROR = "LEDGER", "LEDGER_MIRROR"
LEDGER_SUBJECT = "daydream.ledger.entries"
GATEWAY_LIMITER_SUBJECT = "daydream.gateway.limiter"  # core NATS, between the gateway's replicas
GATEWAY_ALIVE_SUBJECT = "daydream.gateway.alive"  # the same


class Retention(StrEnum):
    """Say how long a stream stores a message."""

    WORK = "workqueue"
    LIMITS = "limits"


@dataclass(frozen=True)
class Stream:
    """Describe a JetStream stream.

    A full work queue refuses messages, which is the backpressure on the stage before it.
    `append_only`: no message can be deleted, and none makes room for another. Old ones may be
    archived.
    """

    name: str
    subjects: tuple[str, ...]
    retention: Retention
    messages_max: int = -1
    bytes_max: int = -1
    age_max_s: int = 0
    append_only: bool = False
    mirror_of: str | None = None


STREAMS = (
    Stream("PAIRS", ("daydream.pair.sampled",), Retention.WORK, STAGE_MESSAGES),
    Stream("HYPOTHESES", ("daydream.hypothesis.proposed",), Retention.WORK, STAGE_MESSAGES),
    Stream("CANDIDATES", ("daydream.candidate.nominated",), Retention.WORK, STAGE_MESSAGES),
    Stream("DOCUMENTS", ("daydream.document.offered",), Retention.WORK, messages_max=100_000),
    Stream("REMOVALS", ("daydream.document.removed",), Retention.WORK, messages_max=100_000),
    Stream(
        "VERDICTS",
        ("daydream.verdict.reached",),
        Retention.LIMITS,
        bytes_max=4096 * MIB,
        age_max_s=30 * DAY_S,
    ),
    Stream("REVIEWS", ("daydream.review.recorded",), Retention.LIMITS, bytes_max=1024 * MIB),
    Stream("OUTCOMES", ("daydream.outcome.recorded",), Retention.LIMITS, bytes_max=256 * MIB),
    Stream("COMMANDS", ("daydream.command.received",), Retention.LIMITS, bytes_max=256 * MIB),
    Stream("VISIBILITY", ("daydream.visibility.changed",), Retention.LIMITS, bytes_max=1024 * MIB),
    Stream(
        "INSIGHTS",
        ("daydream.insight.promoted", "daydream.insight.retracted", "daydream.insight.reinstated"),
        Retention.LIMITS,
        bytes_max=1024 * MIB,
    ),
    Stream(
        "FOREGROUND",
        ("daydream.foreground.reported",),
        Retention.WORK,
        messages_max=1_000_000,
        bytes_max=1024 * MIB,
    ),
    Stream(
        "ALERTS",
        ("daydream.alert.raised",),
        Retention.LIMITS,
        bytes_max=64 * MIB,
        age_max_s=90 * DAY_S,
    ),
    Stream(LEDGER, (LEDGER_SUBJECT,), Retention.LIMITS, append_only=True),
    Stream(LEDGER_MIRROR, (), Retention.LIMITS, append_only=True, mirror_of=LEDGER),
    Stream("DEADLETTERS", (f"{DEAD_LETTER_PREFIX}.>",), Retention.LIMITS, bytes_max=1024 * MIB),
)

# Work queues of the stages that ask models. Their maximum follows from the slots behind them, so
# `daydream-provision` gets it as a setting; the table has the default.
STAGE_STREAMS = ("PAIRS", "HYPOTHESES", "CANDIDATES")


@dataclass(frozen=True)
class MessageRoute:
    """Say which message travels on which subject of which stream, and who publishes it.

    `publishers`: the services that cause it, the main one first. The console publishes a message
    again when a person resends its dead letter, unless `dead_letters` says otherwise.
    """

    message: type[Message]
    stream: str
    subject: str
    publishers: tuple[str, ...]


ROUTES = (
    MessageRoute(PairSampled, "PAIRS", "daydream.pair.sampled", ("sampler",)),
    MessageRoute(
        HypothesisProposed,
        "HYPOTHESES",
        "daydream.hypothesis.proposed",
        ("synthesizer", "sampler", "console"),
    ),
    MessageRoute(CandidateNominated, "CANDIDATES", "daydream.candidate.nominated", ("critic",)),
    MessageRoute(VerdictReached, "VERDICTS", "daydream.verdict.reached", ("critic", "oracle")),
    MessageRoute(ReviewRecorded, "REVIEWS", "daydream.review.recorded", ("console",)),
    MessageRoute(OutcomeRecorded, "OUTCOMES", "daydream.outcome.recorded", ("console",)),
    MessageRoute(CommandReceived, "COMMANDS", "daydream.command.received", ("console",)),
    MessageRoute(InsightPromoted, "INSIGHTS", "daydream.insight.promoted", ("memory",)),
    MessageRoute(InsightRetracted, "INSIGHTS", "daydream.insight.retracted", ("memory",)),
    MessageRoute(InsightReinstated, "INSIGHTS", "daydream.insight.reinstated", ("memory",)),
    MessageRoute(VisibilityChanged, "VISIBILITY", "daydream.visibility.changed", ("console",)),
    MessageRoute(DocumentRemoved, "REMOVALS", "daydream.document.removed", ("console",)),
    MessageRoute(DocumentOffered, "DOCUMENTS", "daydream.document.offered", ("console",)),
    MessageRoute(ForegroundReported, "FOREGROUND", "daydream.foreground.reported", ("console",)),
    MessageRoute(AlertRaised, "ALERTS", "daydream.alert.raised", ("budget", "critic", "gateway")),
)


@dataclass(frozen=True)
class Consumer:
    """Describe a durable pull consumer: a position in a stream, shared by a service's replicas."""

    service: str
    message: type[Message]

    @property
    def route(self) -> MessageRoute:
        """Return the route of the message."""
        return route_of(self.message)

    @property
    def durable(self) -> str:
        """Return the name of the durable."""
        return self.service


# in the order of the pipeline
CONSUMERS = (
    Consumer("synthesizer", PairSampled),
    Consumer("critic", HypothesisProposed),
    Consumer("oracle", CandidateNominated),
    Consumer("memory", VerdictReached),
    Consumer("memory", ReviewRecorded),
    Consumer("memory", OutcomeRecorded),
    Consumer("memory", VisibilityChanged),
    Consumer("memory", DocumentOffered),
    Consumer("memory", DocumentRemoved),
    Consumer("budget", ForegroundReported),
)


def route_of(message: type[Message]) -> MessageRoute:
    """Return the route of a message type. Raise KeyError if the table has none."""
    return _ROUTE_OF[message]


_ROUTE_OF = {route.message: route for route in ROUTES}


@dataclass(frozen=True)
class Endpoint(Generic[RequestT, ReplyT]):
    """Describe a request over core NATS and its one reply. Every endpoint is idempotent."""

    service: str
    subject: str
    request: type[RequestT]
    reply: type[ReplyT]


BUDGET_OPEN = Endpoint("budget", "daydream.budget.open", rpc.OpenReservation, rpc.Grant)
BUDGET_AUTHORIZE = Endpoint("budget", "daydream.budget.authorize", rpc.Authorize, rpc.Grant)
BUDGET_SETTLE = Endpoint(
    "budget", "daydream.budget.settle", rpc.SettleAttempts, rpc.AttemptsSettled
)
BUDGET_RELEASE = Endpoint(
    "budget", "daydream.budget.release", rpc.ReleaseReservation, rpc.ReservationStatus
)
BUDGET_CHANGE = Endpoint("budget", "daydream.budget.change", rpc.ChangeBudget, rpc.BudgetChanged)
BUDGET_REPAIR = Endpoint("budget", "daydream.budget.repair", rpc.RepairLedger, rpc.LedgerRepair)
BUDGET_STATE = Endpoint("budget", "daydream.budget.state", rpc.EmptyRequest, rpc.BudgetState)
GATEWAY_QUOTE = Endpoint("gateway", "daydream.gateway.quote", rpc.QuoteRequest, rpc.Quote)
GATEWAY_STATE = Endpoint("gateway", "daydream.gateway.state", rpc.EmptyRequest, rpc.GatewayState)
GATEWAY_KEYS = Endpoint("gateway", "daydream.gateway.keys", rpc.EmptyRequest, rpc.KeyList)
GATEWAY_ADD_KEY = Endpoint("gateway", "daydream.gateway.add-key", rpc.AddKey, rpc.IssuedKey)
GATEWAY_REVOKE_KEY = Endpoint(
    "gateway", "daydream.gateway.revoke-key", rpc.RevokeKey, rpc.IssuedKey
)
MEMORY_STATE = Endpoint("memory", "daydream.memory.state", rpc.EmptyRequest, rpc.MemoryState)
MEMORY_PAIRS = Endpoint("memory", "daydream.memory.pairs", rpc.FindPairs, rpc.PairsFound)
MEMORY_NEIGHBOURHOODS = Endpoint(
    "memory", "daydream.memory.neighbourhoods", rpc.FindNeighbours, rpc.Neighbourhoods
)
MEMORY_NEAREST = Endpoint("memory", "daydream.memory.nearest", rpc.FindNearest, rpc.NearestMatches)
MEMORY_SEARCH = Endpoint("memory", "daydream.memory.search", rpc.Search, rpc.SearchResults)
MEMORY_RANKING = Endpoint("memory", "daydream.memory.ranking", rpc.RankVerdicts, rpc.RankedVerdicts)
MEMORY_MAP = Endpoint("memory", "daydream.memory.map", rpc.MapMemory, rpc.MemoryMap)
MEMORY_VERDICTS = Endpoint("memory", "daydream.memory.verdicts", rpc.ListVerdicts, rpc.VerdictPage)
MEMORY_DOCUMENTS = Endpoint(
    "memory", "daydream.memory.documents", rpc.ListDocuments, rpc.DocumentPage
)
MEMORY_PREVIEW = Endpoint(
    "memory", "daydream.memory.preview", rpc.PreviewDocument, rpc.DocumentPreview
)
MEMORY_READ_PROTECTED = Endpoint(
    "memory", "daydream.memory.read-protected", rpc.ReadProtected, rpc.ProtectedRead
)
MEMORY_RESOLVE = Endpoint("memory", "daydream.memory.resolve", rpc.Resolve, rpc.Resolved)
MEMORY_ERASE = Endpoint("memory", "daydream.memory.erase", rpc.Erase, rpc.Erased)
MEMORY_JUDGED_PAIRS = Endpoint(
    "memory", "daydream.memory.judged-pairs", rpc.JudgedPairs, rpc.JudgedPairsPage
)
MEMORY_READ_AGAIN = Endpoint(
    "memory", "daydream.memory.read-again", rpc.ReadAgain, rpc.DeadLetterRead
)
MEMORY_BACK_UP = Endpoint("memory", "daydream.memory.backup", rpc.BackUp, rpc.BackedUp)
MEMORY_RESTORE = Endpoint("memory", "daydream.memory.restore", rpc.RestoreBackup, rpc.Restored)
SAMPLER_STATE = Endpoint("sampler", "daydream.sampler.state", rpc.EmptyRequest, rpc.SamplerState)
SAMPLER_GOAL = Endpoint("sampler", "daydream.sampler.goal", rpc.SetGoal, rpc.SamplerState)
SYNTHESIZER_STATE = Endpoint(
    "synthesizer", "daydream.synthesizer.state", rpc.EmptyRequest, rpc.SynthesizerState
)
SYNTHESIZER_SCREEN = Endpoint(
    "synthesizer", "daydream.synthesizer.screen", rpc.ScreenPairs, rpc.ScreenedPairs
)
CRITIC_STATE = Endpoint("critic", "daydream.critic.state", rpc.EmptyRequest, rpc.CriticState)
CONSOLE_INSIGHTS = Endpoint(
    "console", "daydream.console.insights", rpc.InsightQuery, rpc.InsightPage
)
CONSOLE_INSIGHT = Endpoint("console", "daydream.console.insight", rpc.GetInsight, rpc.InsightDetail)
# all of the above, in their order
ENDPOINTS: tuple[Endpoint[Any, Any], ...] = tuple(
    row for row in tuple(globals().values()) if isinstance(row, Endpoint)
)
