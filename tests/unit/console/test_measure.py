"""Derive a price from measured rates and dollars per hour."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from daydream_budget.gateway.tools.throughput import Throughput
from daydream_budget.pricing.price_file import read_prices
from daydream_budget.pricing.usage import TokenUsage
from daydream_console.cli.budget_measure import toml
from support.commands import run_command
from support.programs import EndpointProgram


def test_the_printed_entry_is_a_valid_price(tmp_path: Path) -> None:
    lines = toml(
        'odd "name"',
        asdict(Throughput(5000.7, 400.2, 40, 40)),
        usd_per_gpu_hour=3.6,
        gpus=2,
        concurrency=8,
    )
    (tmp_path / "prices.toml").write_text(lines)
    price = read_prices(str(tmp_path / "prices.toml"))['odd "name"']
    assert price.cost_nanousd(TokenUsage(5000, 400)) == 4_000_000, (
        "one second of reading and one of writing, on two GPUs at 0.1 cents per second"
    )


def test_the_command_prints_the_rates_and_refuses_openai(
    endpoint: EndpointProgram, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
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
    assert "served by api.openai.com" in refused.stdout
