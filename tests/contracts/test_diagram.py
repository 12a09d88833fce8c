"""The diagram in the docs shows the services and streams of the table, and no others."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from daydream_contracts.events import CandidateNominated, HypothesisProposed, PairSampled
from daydream_contracts.grants import SERVICES
from daydream_contracts.topology import CONSUMERS, STREAMS

DIAGRAM = Path(__file__).resolve().parents[2] / "docs" / "assets" / "architecture.svg"
NAME = re.compile(r"[A-Z][A-Z_]{3,}")
ABBREVIATIONS = {"HTTP", "NATS"}


def texts() -> list[str]:
    nodes = ElementTree.parse(DIAGRAM).getroot().iter()  # our own file
    return [" ".join("".join(node.itertext()).split()) for node in nodes if "text" in node.tag]


def test_each_service_is_in_the_diagram() -> None:
    assert set(SERVICES) <= set(texts())


def test_each_stream_in_the_diagram_is_in_the_table() -> None:
    shown = {name for text in texts() for name in NAME.findall(text)} - ABBREVIATIONS
    assert shown <= {stream.name for stream in STREAMS}
    pipeline = (PairSampled, HypothesisProposed, CandidateNominated)
    assert {row.route.stream for row in CONSUMERS if row.message in pipeline} <= shown
