"""`daydream budget price` explains the price of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from daydream_console.cli.budget_price import budget_price

FILE = """
[models."m"]
input_usd_per_mtok = 1
output_usd_per_mtok = 2
service_tiers = { priority = 2 }
[[models."m".dated]]
from = 2026-06-01
input_usd_per_mtok = 3
output_usd_per_mtok = 4
"""


@pytest.fixture(autouse=True)
def _prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(FILE)
    monkeypatch.setenv("DAYDREAM_PRICES_FILE", str(file))
    for name in ("NAME", "FREE", "BASE_URL", "PROVIDER"):
        monkeypatch.delenv(f"DAYDREAM_MODEL_{name}", raising=False)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(budget_price)
    return CliRunner().invoke(app, arguments)


def test_it_shows_source_date_and_the_cost_of_an_example() -> None:
    result = run("m", "--input-tokens", "1000", "--output-tokens", "0")
    assert result.exit_code == 0
    assert "m: file (the operator's file), since 2026-06-01" in result.stdout
    assert "A call with 1000 tokens in and 0 out: $0.003, at most $0.003." in result.stdout


def test_it_answers_for_another_time_and_as_json() -> None:
    price = json.loads(
        run(
            "m", "--input-tokens", "1000", "--output-tokens", "0", "--at", "2026-05-31", "--json"
        ).stdout
    )
    assert (price["since"], price["cost_nanousd"], price["upper_bound_nanousd"]) == (
        None,
        1_000_000,
        2_000_000,
    )
    assert price["service_tiers"]["priority"][0]["input"] == 2


def test_the_bundled_list_covers_models_that_are_not_in_the_file() -> None:
    assert json.loads(run("gpt-4.1-mini", "--json").stdout)["source"] == "list"


def test_the_configured_model_is_priced_as_the_services_price_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_MODEL_NAME", "ours")
    monkeypatch.setenv("DAYDREAM_MODEL_FREE", "true")
    assert "ours: free (declared free of charge)" in run().stdout
    monkeypatch.delenv("DAYDREAM_MODEL_FREE")
    assert run().exit_code == 2


def test_an_unknown_model_is_refused_with_the_entry_to_add() -> None:
    result = run("unheard-of", "--json")
    assert result.exit_code == 2
    assert (
        'models."unheard-of" = { input_usd_per_mtok = PRICE, ' in json.loads(result.stdout)["fix"]
    )
