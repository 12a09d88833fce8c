"""Metrics of critic and oracle. All replicas of the critic compute the same history: of its gauges
take the maximum over them, not the sum.
"""

from __future__ import annotations

from daydream_contracts.events import Decision
from daydream_contracts.metrics.declaration import Kind, Label, Metric

BOTH = ("critic", "oracle")
CRITIC = ("critic",)
DECISION = Label("daydream.decision", tuple(decision.value for decision in Decision))
REASON = Label("daydream.reason", meaning="the gate or the rule that decided")
CANARY = Label("daydream.canary", ("bridge", "decoy"))

DECISIONS = Metric(
    "daydream.decisions", Kind.COUNTER, "verdicts, without canaries", BOTH, (DECISION,), always=True
)
REASONS = Metric(
    "daydream.decision.reasons",
    Kind.COUNTER,
    "verdicts, without canaries, by their reason",
    BOTH,
    (DECISION, REASON),
)
CANARIES = Metric(
    "daydream.canaries",
    Kind.COUNTER,
    "verdicts on canaries",
    BOTH,
    (CANARY, DECISION),
    always=True,
)
CANARY_RATE = Metric(
    "daydream.critic.canary_promotion_rate",
    Kind.GAUGE,
    "share of canaries that would be promoted, and its 95 % interval",
    CRITIC,
    (CANARY, Label("of", ("share", "low", "high"))),
)
CANARY_DRIFT = Metric(
    "daydream.critic.canary_drift",
    Kind.GAUGE,
    "canary rates that have clearly changed in the last 30 canaries",
    CRITIC,
    always=True,
)
WARNINGS = Metric(
    "daydream.critic.warnings",
    Kind.GAUGE,
    "judges that can't tell bridges from decoys, and contradictions with the canaries",
    CRITIC,
    always=True,
)
EFFECTIVE_JUDGES = Metric(
    "daydream.critic.effective_judges",
    Kind.GAUGE,
    "the number of independent judges that the panel is worth",
    CRITIC,
    always=True,
)
POSITION_BIAS = Metric(
    "daydream.critic.position_bias",
    Kind.GAUGE,
    "advantage of the hypothesis shown first, log-odds",
    CRITIC,
    (Label("judge"),),
)
