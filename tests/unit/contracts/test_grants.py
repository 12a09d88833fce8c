"""What the code of a service asks is what the table allows it, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from daydream_contracts import grants, topology
from daydream_contracts.topology import Endpoint

ROOT = Path(__file__).resolve().parents[3]
NAMES = {name: row for name, row in vars(topology).items() if isinstance(row, Endpoint)}
# Two packages have two roles; their folders say which. Stages use what daydream_models asks.
FOLDERS = {
    "services/budget/daydream_budget/gateway": ("gateway",),
    "services/critic/daydream_critic/oracle": ("oracle",),
    "services/budget/daydream_budget": ("budget",),
    "services/console/daydream_console": ("console",),
    "services/critic/daydream_critic": ("critic",),
    "services/memory/daydream_memory": ("memory",),
    "services/sampler/daydream_sampler": ("sampler",),
    "services/synthesizer/daydream_synthesizer": ("synthesizer",),
    "shared/models/daydream_models": grants.STAGES,
}


def uses() -> Iterator[tuple[str, str]]:
    """Yield (user, name of an endpoint) for each import of an endpoint that is not served there."""
    for file in (file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")):
        users = next(who for folder, who in FOLDERS.items() if file.is_relative_to(ROOT / folder))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == topology.__name__:
                for name in {alias.name for alias in node.names} & NAMES.keys():
                    yield from ((user, name) for user in users)


@pytest.mark.parametrize(("user", "name"), sorted(set(uses())))
def test_a_service_may_ask_what_its_code_asks(user: str, name: str) -> None:
    endpoint = NAMES[name]
    assert user in (*grants.CALLERS[endpoint], endpoint.service)


def test_every_allowed_caller_has_code_that_asks() -> None:
    asked = set(uses())
    for name, endpoint in NAMES.items():
        for user in grants.CALLERS[endpoint]:
            # documents are embedded by the memory, with the client of daydream_models
            assert (user, name) in asked or (user, name) == ("memory", "GATEWAY_QUOTE")
