"""Metrics of critic and oracle. All replicas of the critic compute the same history: of its gauges
take the maximum over them, not the sum.
"""

from __future__ import annotations

from daydream_contracts.events import Decision
from daydream_contracts.metrics.declaration import Label, Metric, MetricKind

BOTH = ("critic", "oracle")
CRITIC = ("critic",)
DECISION = Label("daydream.decision", tuple(decision.value for decision in Decision))
REASON = Label("daydream.reason", meaning="the gate or the rule that decided")
CANARY = Label("daydream.canary", ("bridge", "decoy"))

DECISIONS = Metric(
    "daydream.decisions",
    MetricKind.COUNTER,
    "verdicts, without canaries",
    BOTH,
    (DECISION,),
    always=True,
)
REASONS = Metric(
    "daydream.decision.reasons",
    MetricKind.COUNTER,
    "verdicts, without canaries, by their reason",
    BOTH,
    (DECISION, REASON),
)
CANARIES = Metric(
    "daydream.canaries",
    MetricKind.COUNTER,
    "verdicts on canaries",
    BOTH,
    (CANARY, DECISION),
    always=True,
)
CANARY_RATE = Metric(
    "daydream.critic.canary_promotion_rate",
    MetricKind.GAUGE,
    "share of canaries that would be promoted, and its 95 % interval",
    CRITIC,
    (CANARY, Label("of", ("share", "low", "high"))),
)
CANARY_DRIFT = Metric(
    "daydream.critic.canary_drift",
    MetricKind.GAUGE,
    "canary rates that have clearly changed in the last 30 canaries",
    CRITIC,
    always=True,
)
WARNINGS = Metric(
    "daydream.critic.warnings",
    MetricKind.GAUGE,
    "judges that can't tell bridges from decoys, and contradictions with the canaries",
    CRITIC,
    always=True,
)
EFFECTIVE_JUDGES = Metric(
    "daydream.critic.effective_judges",
    MetricKind.GAUGE,
    "the number of independent judges that the panel is worth",
    CRITIC,
    always=True,
)
POSITION_BIAS = Metric(
    "daydream.critic.position_bias",
    MetricKind.GAUGE,
    "advantage of the hypothesis shown first, log-odds",
    CRITIC,
    (Label("judge"),),
)
