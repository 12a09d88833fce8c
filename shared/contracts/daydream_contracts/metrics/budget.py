"""Metrics of the ledger. All replicas of the budget show the same one: take the maximum over them,
not the sum. Only refusals are counted by each replica for itself: add them up.
"""

from __future__ import annotations

from daydream_contracts.metrics.declaration import Label, Metric, MetricKind
from daydream_contracts.rpc import HALT_REASONS

BY = ("budget",)
NEAR_CAP = "near-cap"
REFUSAL_REASONS = (NEAR_CAP, "cap", "tax", "paused", "no-cap", *HALT_REASONS)
REFUSAL_REASON = Label(
    "reason",
    REFUSAL_REASONS,
    "`near-cap` is a wait of seconds for money that work in progress holds; `cap` is a cap that is"
    " used up",
)
HALT_REASON = Label("reason", tuple(HALT_REASONS))

LIMITS = Metric(
    "daydream.budget",
    MetricKind.GAUGE,
    "each limit, and what counts against it",
    BY,
    (
        Label("scope"),
        Label("window"),
        Label("of", ("cap", "settled", "authorized", "reserved")),
    ),
    unit="usd",
)
OVERRUNS = Metric(
    "daydream.budget.overruns",
    MetricKind.GAUGE,
    "calls that cost more than their upper bound; each raises an alert",
    BY,
    always=True,
)
REFUSALS = Metric(
    "daydream.budget.refusals",
    MetricKind.COUNTER,
    "requests for money that were refused, by this replica",
    BY,
    (REFUSAL_REASON,),
    always=True,
)
BURN = Metric(
    "daydream.budget.burn",
    MetricKind.GAUGE,
    "spend in the last hour",
    BY,
    unit="usd/h",
    always=True,
)
HALTED = Metric(
    "daydream.ledger.halted",
    MetricKind.GAUGE,
    "1 while the replica commits nothing",
    BY,
    (HALT_REASON,),
    always=True,
)
LEDGER_ENTRIES = Metric(
    "daydream.ledger.last_sequence",
    MetricKind.GAUGE,
    "last sequence of the ledger's stream and of its mirror. A ledger that is shorter than its"
    " mirror has lost entries",
    BY,
    (Label("of", ("ledger", "mirror")),),
    always=True,
)
CLOCK_SKEW = Metric(
    "daydream.budget.clock_skew",
    MetricKind.GAUGE,
    "how far the replica's clock is ahead of NATS's clock",
    BY,
    unit="s",
    always=True,
)
TAX = Metric(
    "daydream.tax",
    MetricKind.GAUGE,
    "daydream spend ÷ foreground spend, and its cap",
    BY,
    (Label("of", ("ratio", "cap")),),
)
COST = Metric(
    "daydream.cost",
    MetricKind.GAUGE,
    "average cost",
    BY,
    (Label("of", ("daydream", "insight", "promoted-insight")),),
    unit="usd",
)
