"""Metrics of every service: rate, errors and duration of messages and requests."""

from __future__ import annotations

from daydream_contracts.grants import SERVICES
from daydream_contracts.metrics.declaration import Label, Metric, MetricKind
from daydream_contracts.topology import CONSUMERS, ENDPOINTS

# Model calls take minutes: DAYDREAM_MODEL_TIMEOUT_S is 3,600 at most.
DURATION_BUCKETS_S = tuple(round(0.01 * 2**power, 2) for power in range(19))
REQUEST_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
AGE_BUCKETS_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)

SUBJECT = Label("messaging.destination.name", meaning="the subject")
OUTCOME = Label(
    "outcome",
    ("ok", "redelivered", "returned", "ended", "dead"),
    "`redelivered`: a failure that is tried again; `returned`: at a stop; `ended`: finished by an"
    " earlier delivery; `dead`: a dead letter",
)
DEAD_REASONS = ("bug", "invalid", "failed-too-often", "worker-died")
DEAD_REASON = Label("reason", (), "`bug`, `invalid`, `failed-too-often`, `worker-died`, …")
ENDPOINT = Label("endpoint", meaning="the subject of the request")
REPLY = Label("reply", ("ok", "not-now", "transient", "permanent", "bug"), "how it was answered")
CONSUMING = tuple(name for name in SERVICES if name in {row.service for row in CONSUMERS})
ANSWERING = tuple(name for name in SERVICES if name in {row.service for row in ENDPOINTS})

MESSAGES = Metric(
    "daydream.messages.handled",
    MetricKind.COUNTER,
    "messages handled, by how the delivery ended",
    CONSUMING,
    (SUBJECT, OUTCOME),
    always=True,
)
DEAD_LETTERS = Metric(
    "daydream.messages.dead",
    MetricKind.COUNTER,
    "messages that became dead letters, by reason",
    CONSUMING,
    (SUBJECT, DEAD_REASON),
    always=True,
)
MESSAGE_DURATION = Metric(
    "messaging.process.duration",
    MetricKind.HISTOGRAM,
    "time in the handler",
    CONSUMING,
    (SUBJECT,),
    unit="s",
    buckets=DURATION_BUCKETS_S,
)
MESSAGE_AGE = Metric(
    "daydream.messages.age",
    MetricKind.HISTOGRAM,
    "age of a message when its delivery begins: the time in the queue",
    CONSUMING,
    (SUBJECT,),
    unit="s",
    buckets=AGE_BUCKETS_S,
)
IN_PROGRESS = Metric(
    "daydream.messages.in_progress",
    MetricKind.GAUGE,
    "messages that one replica works on: add them up",
    always=True,
)
REQUESTS = Metric(
    "daydream.requests.answered",
    MetricKind.COUNTER,
    "requests over NATS, by how they were answered",
    ANSWERING,
    (ENDPOINT, REPLY),
    always=True,
)
REQUEST_DURATION = Metric(
    "daydream.requests.duration",
    MetricKind.HISTOGRAM,
    "time until a request over NATS was answered",
    ANSWERING,
    (ENDPOINT,),
    unit="s",
    buckets=REQUEST_BUCKETS_S,
)
NATS_CONNECTED = Metric(
    "daydream.nats.connected",
    MetricKind.GAUGE,
    "1 while the service is connected to NATS",
    always=True,
)
READY = Metric("daydream.ready", MetricKind.GAUGE, "1 while the service does its work", always=True)
