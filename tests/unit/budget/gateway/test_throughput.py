"""Measure how many tokens per second a model server reads and writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.tools.throughput import MeasuredModel, measure
from daydream_contracts.errors import ConfigurationError
from support.programs import EndpointProgram, priced_endpoint


def model_at(url: str) -> MeasuredModel:
    config = ProviderConfig(base_url=url)
    return MeasuredModel("ours", Provider(config), Dialect.of(config))


async def test_the_rates_of_concurrent_calls_add_up(tmp_path: Path) -> None:
    with priced_endpoint(tmp_path, delay_s=0.05) as running:
        model = model_at(running.url)
        throughput = await measure(
            model, concurrency=4, seconds=0.3, seed=1, progress=lambda _: None
        )
        await model.provider.close()
        calls = running.witness()["calls"]
    assert throughput.reading_calls + throughput.writing_calls == calls - 2, (
        "the first call of each phase is not counted"
    )
    assert 0 < throughput.reading_calls <= 4 * 7, (
        "four at a time, 50 ms each, and none begins after the end"
    )
    per_call = (300 * 6 - 1) // 4 + 8
    assert throughput.input_tokens_per_s <= per_call * 4 / 0.05


async def test_a_server_without_usage_can_not_be_measured(endpoint: EndpointProgram) -> None:
    endpoint.misbehave(no_usage=True)
    with pytest.raises(ConfigurationError, match="does not report the tokens"):
        await measure(
            model_at(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )


async def test_a_failing_server_is_a_configuration_error(endpoint: EndpointProgram) -> None:
    endpoint.misbehave(status=500)
    with pytest.raises(ConfigurationError, match="did not answer"):
        await measure(
            model_at(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )
