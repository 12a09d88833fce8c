"""`daydream simulate` runs the sampler's simulation, and shows or draws the result."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.commands import run_command

ARGUMENTS = ["simulate", "--facts", "30", "--draws", "10", "--periods", "5", "--seeds", "2"]


def test_it_prints_json_and_draws_a_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_command(capsys, *ARGUMENTS, "--json", "--plot", str(tmp_path / "hits.svg"))
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)["without"]["hits"]) == 5
    chart = ElementTree.parse(tmp_path / "hits.svg").getroot()
    assert len(chart.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_it_shows_a_table_with_the_trends(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, *ARGUMENTS)
    assert result.exit_code == 0, result.stderr
    assert "with write-back" in result.stdout
    assert "hits per period" in result.stdout
