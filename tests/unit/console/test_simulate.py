"""`daydream simulate` runs the sampler's simulation, and shows or draws the result."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from typer.testing import CliRunner

from daydream_console.cli.commands import app

ARGUMENTS = ["simulate", "--facts", "30", "--draws", "10", "--periods", "5", "--seeds", "2"]


def test_it_prints_json_and_draws_a_chart(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--json", "--plot", str(tmp_path / "hits.svg")])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["without"]["hits"]) == 5
    chart = ElementTree.parse(tmp_path / "hits.svg").getroot()
    assert len(chart.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_it_shows_a_table_with_the_trends() -> None:
    result = CliRunner().invoke(app, ARGUMENTS)
    assert result.exit_code == 0, result.output
    assert "with write-back" in result.stdout
    assert "hits per period" in result.stdout
