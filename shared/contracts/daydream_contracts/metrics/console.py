"""Metrics of the whole loop, as the console sees it. Replicas see the same: take the maximum."""

from __future__ import annotations

from daydream_contracts.metrics.declaration import Label, Metric, MetricKind

BY = ("console",)
STAGE = (
    Label("consumer", meaning="the service that takes the messages"),
    Label("messaging.destination.name", meaning="the subject"),
)

CAUSE = Metric(
    "daydream.loop.cause",
    MetricKind.GAUGE,
    "1 for the cause that the console names when nothing is happening, 0 for the others",
    BY,
    (Label("daydream.cause"),),
    always=True,
)
QUEUE = Metric(
    "daydream.queue.messages",
    MetricKind.GAUGE,
    "messages of a consumer: not delivered yet, and in progress",
    BY,
    (*STAGE, Label("of", ("pending", "in-progress", "redelivered"))),
    always=True,
)
QUEUE_AGE = Metric(
    "daydream.queue.age",
    MetricKind.GAUGE,
    "age of the oldest message that is not done; 0 if there is none",
    BY,
    STAGE,
    unit="s",
    always=True,
)
STORED_DEAD_LETTERS = Metric(
    "daydream.dead_letters",
    MetricKind.GAUGE,
    "stored dead letters, and those of the last hour",
    BY,
    (Label("of", ("stored", "last-hour")),),
    always=True,
)
ITEMS = Metric(
    "daydream.memory.items",
    MetricKind.GAUGE,
    "what the memory holds",
    BY,
    (Label("of", ("facts", "facts-pending", "documents", "verdicts", "insights")),),
    always=True,
)
INSIGHT_AGE = Metric(
    "daydream.insight.age",
    MetricKind.GAUGE,
    "time since the last insight; before the first one, since the installation",
    BY,
    unit="s",
    always=True,
)
STREAM = Metric(
    "daydream.stream",
    MetricKind.GAUGE,
    "size of a stream, and its maximum; missing: unlimited",
    BY,
    (Label("stream"), Label("of", ("used", "max"))),
    unit="By",
    always=True,
)
STREAM_MESSAGES = Metric(
    "daydream.stream.messages",
    MetricKind.GAUGE,
    "messages in a stream, and their maximum; missing: unlimited",
    BY,
    (Label("stream"), Label("of", ("used", "max"))),
    always=True,
)
STORAGE = Metric(
    "daydream.jetstream.storage",
    MetricKind.GAUGE,
    "disk that JetStream uses for this system, and its limit; missing: unlimited",
    BY,
    (Label("of", ("used", "limit")),),
    unit="By",
    always=True,
)
