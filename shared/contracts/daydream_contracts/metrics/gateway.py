"""Metrics of model calls: only the gateway has them, since only it calls a model."""

from __future__ import annotations

from daydream_contracts.metrics.declaration import Label, Metric, MetricKind
from daydream_contracts.metrics.service import DURATION_BUCKETS_S

BY = ("gateway",)
STAGE = Label(
    "daydream.stage", meaning="the stage, or `foreground` for a program with an issued key"
)
OPERATION = Label("gen_ai.operation.name", ("chat", "embeddings"))
PROVIDER = Label("gen_ai.provider.name", meaning="the provider's name in the settings")
MODEL = Label("gen_ai.request.model")
TOKEN_TYPE = Label("gen_ai.token.type", ("input", "output"))
ERROR = Label("error.type", meaning="the row of the [table of answers](provider-answers.md)")
ANSWER = Label(
    "daydream.answer", meaning="the row of the [table of answers](provider-answers.md), `cancelled`"
)
REFUSAL = Label("reply", ("ok", "wait", "retry", "reject", "stop"), "what the caller should do")
WAIT = Label("reason", meaning="what it last waited for: `pace`, `concurrency`, …")
SIGNAL = Label("signal", ("ok", "busy", "overloaded", "bad", "stop", "none"))
PROBE = Label("probe", ("true", "false"), "whether it was the one probe of a closed model")
STOP = Label("stop", ("true", "false"), "whether a person must act")
LIMITED = (PROVIDER, MODEL)
CALL = (STAGE, OPERATION, PROVIDER, MODEL)
TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))

SPENT = Metric(
    "daydream.spent",
    MetricKind.COUNTER,
    "settled cost of model calls",
    BY,
    (STAGE, MODEL),
    unit="usd",
)
SAVED = Metric(
    "daydream.saved", MetricKind.COUNTER, "saving by batch APIs", BY, (STAGE, MODEL), unit="usd"
)
HTTP_REQUESTS = Metric(
    "daydream.gateway.requests",
    MetricKind.COUNTER,
    "requests of stages and of other programs, by the answer to them",
    BY,
    (REFUSAL,),
    always=True,
)
HTTP_DURATION = Metric(
    "http.server.request.duration",
    MetricKind.HISTOGRAM,
    "time until a request over HTTP was answered, with the wait for a turn",
    BY,
    (Label("http.route"),),
    unit="s",
    buckets=DURATION_BUCKETS_S,
)
CALL_DURATION = Metric(
    "gen_ai.client.operation.duration",
    MetricKind.HISTOGRAM,
    "time of one attempt that reached a provider; `error_type` if it failed",
    BY,
    (*CALL, ERROR),
    unit="s",
    buckets=DURATION_BUCKETS_S,
)
TOKENS = Metric(
    "gen_ai.client.token.usage",
    MetricKind.HISTOGRAM,
    "tokens of one billed call",
    BY,
    (STAGE, PROVIDER, MODEL, TOKEN_TYPE),
    buckets=TOKEN_BUCKETS,
)
ANSWERS = Metric(
    "daydream.gateway.answers", MetricKind.COUNTER, "answers of providers", BY, (*CALL, ANSWER)
)
WAITED = Metric(
    "daydream.gateway.wait",
    MetricKind.HISTOGRAM,
    "time until a request got its turn",
    BY,
    (*LIMITED, WAIT),
    unit="s",
    buckets=DURATION_BUCKETS_S,
)
ATTEMPTS = Metric(
    "daydream.gateway.attempts",
    MetricKind.COUNTER,
    "finished attempts, by what they taught the limiter",
    BY,
    (*LIMITED, SIGNAL, PROBE),
)
REFUSED = Metric(
    "daydream.gateway.refused",
    MetricKind.COUNTER,
    "requests that got no turn",
    BY,
    (*LIMITED, STOP),
)
IN_FLIGHT = Metric(
    "daydream.gateway.in_flight",
    MetricKind.GAUGE,
    "calls in flight at one replica: add them up",
    BY,
    LIMITED,
)
WAITING = Metric(
    "daydream.gateway.waiting",
    MetricKind.GAUGE,
    "requests that wait for a turn at one replica: add them up",
    BY,
    LIMITED,
)
CONCURRENCY = Metric(
    "daydream.gateway.concurrency",
    MetricKind.GAUGE,
    "calls that one replica may have in flight",
    BY,
    LIMITED,
)
PACE = Metric(
    "daydream.gateway.pace",
    MetricKind.GAUGE,
    "learned starts per second of all replicas; missing: unlimited. Take the maximum",
    BY,
    LIMITED,
    unit="1/s",
)
CLOSED = Metric(
    "daydream.gateway.closed",
    MetricKind.GAUGE,
    "1: no call may start; 2: a person must act. Take the maximum",
    BY,
    LIMITED,
)
REPLICAS = Metric(
    "daydream.gateway.replicas",
    MetricKind.GAUGE,
    "replicas that this one knows, itself included",
    BY,
    LIMITED,
)
