"""Measure a model on your own machine, and derive its price from dollars per hour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daydream_console.cli.budget_measure import toml
from daydream_console.throughput import Throughput, measure
from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.usage import TokenUsage
from daydream_models.provider import ModelProvider
from daydream_models.settings import ModelSettings
from support.commands import run_command
from support.programs import Endpoint, priced_endpoint


def provider_at(url: str) -> ModelProvider:
    return ModelProvider(ModelSettings(name="ours", base_url=url, answers="text"))


async def test_the_rates_of_concurrent_calls_add_up(tmp_path: Path) -> None:
    with priced_endpoint(tmp_path, delay_s=0.05) as running:
        provider = provider_at(running.url)
        throughput = await measure(
            provider, concurrency=4, seconds=0.3, seed=1, progress=lambda _: None
        )
        await provider.close()
        calls = running.witness()["calls"]
    assert throughput.reading_calls + throughput.writing_calls == calls - 2, (
        "the first call of each phase is not counted"
    )
    assert 0 < throughput.reading_calls <= 4 * 7, (
        "four at a time, 50 ms each, and none begins after the end"
    )
    per_call = (300 * 6 - 1) // 4 + 8
    assert throughput.input_tokens_per_s <= per_call * 4 / 0.05


async def test_a_server_without_usage_can_not_be_measured(endpoint: Endpoint) -> None:
    endpoint.misbehave(no_usage=True)
    with pytest.raises(ConfigurationError, match="does not report the tokens"):
        await measure(
            provider_at(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )


async def test_a_failing_server_is_a_configuration_error(endpoint: Endpoint) -> None:
    endpoint.misbehave(status=500)
    with pytest.raises(ConfigurationError, match="did not answer"):
        await measure(
            provider_at(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )


def test_the_printed_entry_is_a_valid_price(tmp_path: Path) -> None:
    lines = toml(
        'odd "name"', Throughput(5000.7, 400.2, 40, 40), usd_per_gpu_hour=3.6, gpus=2, concurrency=8
    )
    (tmp_path / "prices.toml").write_text(lines)
    price = read_prices(str(tmp_path / "prices.toml"))['odd "name"']
    assert price.cost_nanousd(TokenUsage(5000, 400)) == 4_000_000, (
        "one second of reading and one of writing, on two GPUs at 0.1 cents per second"
    )


def test_the_command_prints_the_rates_and_refuses_openai(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (
        "OPENAI_BASE_URL",
        "DAYDREAM_MODEL_BASE_URL",
        "DAYDREAM_MODEL_NAME",
    ):  # the command reads the environment
        monkeypatch.delenv(name, raising=False)
    arguments = [
        "budget",
        "measure",
        "ours",
        "--usd-per-gpu-hour",
        "2",
        "--seconds",
        "1",
        "--concurrency",
        "2",
        "--json",
    ]
    done = run_command(capsys, *arguments, "--base-url", endpoint.url)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["output_tokens_per_s"] > 0
    refused = run_command(capsys, *arguments)
    assert refused.exit_code == 2
    assert "served by OpenAI" in refused.stdout
