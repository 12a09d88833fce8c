"""A machine of one's own is measured by calls, and its price follows from dollars an hour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daydream_console.cli.commands import app
from daydream_console.cli.measure import toml
from daydream_console.throughput import Throughput, measure
from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.usage import TokenUsage
from daydream_models.provider import ModelProvider
from daydream_models.settings import ModelSettings
from support.programs import Endpoint, priced_endpoint


def model(url: str) -> ModelProvider:
    return ModelProvider(ModelSettings(name="ours", base_url=url, answers="text"))


async def test_calls_at_once_add_up(tmp_path: Path) -> None:
    with priced_endpoint(tmp_path, delay_s=0.05) as running:
        endpoint = model(running.url)
        found = await measure(endpoint, concurrency=4, seconds=0.3, seed=1, progress=lambda _: None)
        await endpoint.close()
        calls = running.witness()["calls"]
    assert found.reading_calls + found.writing_calls == calls - 2, (
        "the first of each phase is not counted"
    )
    assert 0 < found.reading_calls <= 4 * 7, (
        "four at once, fifty milliseconds each, none begins after the end"
    )
    per_call = (300 * 6 - 1) // 4 + 8
    assert found.input_tokens_per_s <= per_call * 4 / 0.05


async def test_a_server_without_usage_can_not_be_measured(endpoint: Endpoint) -> None:
    endpoint.misbehave(no_usage=True)
    with pytest.raises(ConfigurationError, match="does not say how many tokens"):
        await measure(
            model(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )


async def test_a_server_that_fails_is_said_to(endpoint: Endpoint) -> None:
    endpoint.misbehave(status=500)
    with pytest.raises(ConfigurationError, match="did not answer"):
        await measure(
            model(endpoint.url), concurrency=2, seconds=0.1, seed=1, progress=lambda _: None
        )


def test_the_lines_are_a_price_of_the_prices_file(tmp_path: Path) -> None:
    lines = toml(
        'odd "name"', Throughput(5000.7, 400.2, 40, 40), usd_per_gpu_hour=3.6, gpus=2, concurrency=8
    )
    (tmp_path / "prices.toml").write_text(lines)
    price = read_prices(str(tmp_path / "prices.toml"))['odd "name"']
    assert price.cost_nanousd(TokenUsage(5000, 400)) == 4_000_000, (
        "a second of reading and one of writing, on two GPUs at a tenth of a cent a second"
    )


def test_the_command_prints_them_and_refuses_a_provider(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "OPENAI_BASE_URL",
        "DAYDREAM_MODEL_BASE_URL",
        "DAYDREAM_MODEL_NAME",
    ):  # the command reads the environment
        monkeypatch.delenv(name, raising=False)
    asked = [
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
    done = CliRunner().invoke(app, [*asked, "--base-url", endpoint.url])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["output_tokens_per_s"] > 0
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2
    assert "OpenAI's" in refused.output
