"""The limiter's metrics, as Prometheus reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest

from daydream_budget.gateway.limiter.metrics import LimiterMetrics
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelClosedError
from daydream_runtime.telemetry import Telemetry, start_telemetry

LABELS = ('gen_ai_provider_name="openai"', 'gen_ai_request_model="gpt-5"')


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = start_telemetry("gateway", "test")
    yield telemetry
    telemetry.close()


async def test_metrics_show_calls_waiters_refusals_and_the_gate(telemetry: Telemetry) -> None:
    metrics = LimiterMetrics(telemetry)
    registry = LimiterRegistry(
        lambda _: LimiterSettings(), asyncio.get_running_loop(), observer=metrics
    )
    metrics.watch(registry)
    limiter = registry.limiter("openai", "gpt-5")
    first, second = [await limiter.acquire(patience_s=1) for _ in range(2)]
    limiter.report(first, "ok")
    limiter.report(second, "stop", reason="You exceeded your current quota")
    with pytest.raises(ModelClosedError):
        await limiter.acquire(patience_s=1)
    assert sample(telemetry, "daydream_gateway_closed") == 2
    assert sample(telemetry, "daydream_gateway_in_flight") == 0
    assert (
        sample(telemetry, "daydream_gateway_attempts_total", 'probe="false"', 'signal="stop"') == 1
    )
    assert sample(telemetry, "daydream_gateway_refused_total", 'stop="true"') == 1
    assert sample(telemetry, "daydream_gateway_wait_seconds_count", 'reason="none"') == 2


def sample(telemetry: Telemetry, name: str, *labels: str) -> float:
    """Return the value of a metric of the model, by further labels."""
    values = [
        float(line.rpartition(" ")[2])
        for line in generate_latest(telemetry.registry).decode().splitlines()
        if line.startswith(f"{name}{{") and all(label in line for label in (*LABELS, *labels))
    ]
    assert len(values) == 1, generate_latest(telemetry.registry).decode()
    return values[0]
