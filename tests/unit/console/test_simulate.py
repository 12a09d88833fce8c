"""`daydream simulate` runs the sampler's simulation, shows it, and draws it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from typer.testing import CliRunner

from daydream_console.cli.commands import app

ASKED = ["simulate", "--facts", "30", "--draws", "10", "--periods", "5", "--seeds", "2"]


def test_it_prints_json_and_draws_a_chart(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*ASKED, "--json", "--plot", str(tmp_path / "hits.svg")])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["without"]["hits"]) == 5
    drawn = ElementTree.parse(tmp_path / "hits.svg").getroot()
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_it_shows_a_table_with_the_trends() -> None:
    done = CliRunner().invoke(app, ASKED)
    assert done.exit_code == 0, done.output
    assert "with write-back" in done.stdout
    assert "from one period to the next" in done.stdout
