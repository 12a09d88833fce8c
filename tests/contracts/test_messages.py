"""Stored messages stay readable: each example under `messages` is of version 1.

From the first release on they are never edited. A change that breaks one of them breaks a message
that is pending in a stream: give the type a new major version instead, and add an example. A type
without an example fails too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from daydream_budget.gateway.calls.record import CallRecord
from daydream_budget.ledger.entries import Commit
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_contracts.events import Message
from daydream_contracts.rpc import IssuedKey
from daydream_contracts.topology import ENDPOINTS, ROUTES
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.pipeline.outcome import DecisionRecord
from daydream_models.prompt import StoredPrompt
from daydream_models.stage_plans import StagePlan
from daydream_runtime.delivery_counts import DeliveryCounts
from daydream_sampler.canary_injection import CanaryCursor
from daydream_sampler.epoch import Epoch
from daydream_sampler.strategy_history import StrategyHistory
from daydream_synthesizer.writer_history import WriterHistory

EXAMPLES = Path(__file__).parent / "messages"
FILES = sorted(EXAMPLES.glob("*.json"))
KEPT: tuple[type[BaseModel], ...] = (
    Commit,
    LedgerSnapshot,
    Epoch,
    CriticHistory,
    StoredPrompt,
    CanaryCursor,
    DecisionRecord,
    StagePlan,
    CallRecord,
    IssuedKey,
    DeliveryCounts,
    WriterHistory,
    StrategyHistory,
)  # what the ledger and the buckets hold
MAPPINGS = (
    "LedgerSnapshot.v1",
    "MemoryState.v1",
    "Erased.v1",
    "Epoch.v1",
    "CriticHistory.v1",
    "CriticHistory.v1.examined",
    "StoredPrompt.v1",
    "CriticState.v1",
    "CriticState.v1.examined",
    "PairSampled.v1.mixture",
    "CandidateNominated.v1",
    "VerdictReached.v1.examined",
    "InsightDetail.v1",
    "HypothesisProposed.v1.written",
    "StagePlan.v1.mixture",
    "CallRecord.v1",
    "CallRecord.v1.answered",
    "WriterHistory.v1",
    "StrategyHistory.v1",
)  # their objects are mappings with keys of data, where any key is known
SPOKEN: list[type[BaseModel]] = [route.message for route in ROUTES]
ASKED: list[type[BaseModel]] = [
    kind for endpoint in ENDPOINTS for kind in (endpoint.request, endpoint.reply)
]
KINDS: dict[str, type[BaseModel]] = {
    kind.__name__: kind for kinds in (SPOKEN, ASKED, KEPT) for kind in kinds
}

IDS = {
    "PairSampled": "30d537f6-3a36-5a40-acc5-6eb6ac9f051f",
    "HypothesisProposed": "02602cc6-3a0a-50e3-883b-f9895add7ec1",
    "VerdictReached": "9c5242df-3ff6-5922-8006-5ad1df49d530",
    "CandidateNominated": "c7f9dff1-3431-5d80-abd4-d6e7bc094997",
    "ReviewRecorded": "a57bd04f-a446-5a97-84b5-896f61f0d284",
    "CommandReceived": "8904c1f6-3556-527b-b735-fe16e87e7e6f",
    "OutcomeRecorded": "607e2d62-1e63-5113-89ba-96b430a4be3b",
    "InsightPromoted": "0ffb3e4f-2798-5749-8f49-6fc6f395c00c",
    "ForegroundReported": "42016e09-56cf-5a17-894c-1b365e32c1ce",
    "AlertRaised": "c1a5",
    "DocumentRemoved": "228d48dd-da50-57db-b108-83b4426b7e16",
    "VisibilityChanged": "496b5a3e-9c3d-5d88-ae69-fff182635b93",
    "InsightRetracted": "4cdf56ca-be71-5f69-af41-9d545e4155e9",
    "InsightReinstated": "4d531cb8-6546-57aa-bade-60821ba42164",
    "DocumentOffered": "8006726f-3956-5d95-bac6-3bcd8c7acbfd",
}


def kind_of(file: Path) -> type[BaseModel]:
    return KINDS[file.name.split(".")[0]]


def with_unknown_fields(value: Any) -> Any:
    """Return the same JSON from a newer writer: every object has an unknown field."""
    if isinstance(value, list):
        return [with_unknown_fields(item) for item in value]
    if isinstance(value, dict):
        return {
            **{key: with_unknown_fields(item) for key, item in value.items()},
            "field_of_a_newer_version": {"any": ["thing"]},
        }
    return value


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_type_on_the_wire_and_in_the_buckets_has_a_stored_example(name: str) -> None:
    assert list(EXAMPLES.glob(f"{name}.v*.json")), f"store an example of {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.fault("F32", invariant="every message that was ever written is still read")
def test_a_stored_example_is_still_read_and_written_back_the_same(file: Path) -> None:
    kind = kind_of(file)
    read = kind.model_validate_json(file.read_text())
    assert kind.model_validate_json(read.model_dump_json()) == read
    written = json.loads(read.model_dump_json())
    assert contains(written, json.loads(file.read_text())), (
        "a field was renamed, removed or changed its form"
    )


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in MAPPINGS], ids=lambda file: file.stem
)
@pytest.mark.fault("F32", invariant="a field that is not known is ignored")
def test_a_field_that_is_not_known_is_ignored(file: Path) -> None:
    kind = kind_of(file)
    newer = json.dumps(with_unknown_fields(json.loads(file.read_text())))
    assert kind.model_validate_json(newer) == kind.model_validate_json(file.read_text())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.message.__name__)
@pytest.mark.fault("F10 F32", invariant="a message of another major version is refused")
def test_a_message_of_another_major_version_is_refused(route: Any) -> None:
    content = json.loads((EXAMPLES / f"{route.message.__name__}.v1.json").read_text())
    with pytest.raises(ValidationError, match="version"):
        route.message.model_validate_json(json.dumps({**content, "version": 2}))


@pytest.mark.parametrize("name", sorted(IDS))
def test_the_id_of_a_message_never_changes(name: str) -> None:
    message = KINDS[name].model_validate_json((EXAMPLES / f"{name}.v1.json").read_text())
    assert isinstance(message, Message)
    assert message.message_id == IDS[name]


def test_the_ids_of_all_messages_are_pinned() -> None:
    assert set(IDS) == {kind.__name__ for kind in SPOKEN}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.message.__name__)
def test_messages_are_frozen(route: Any) -> None:
    message = route.message.model_validate_json(
        (EXAMPLES / f"{route.message.__name__}.v1.json").read_text()
    )
    with pytest.raises(ValidationError, match="frozen"):
        message.version = 1


def test_every_example_belongs_to_a_type_that_exists() -> None:
    assert {file.name.split(".")[0] for file in FILES} <= set(KINDS)


def contains(written: Any, stored: Any) -> bool:
    """Return whether everything stored was written again. Fields added since then may be there."""
    if isinstance(stored, dict):
        return isinstance(written, dict) and all(
            key in written and contains(written[key], item) for key, item in stored.items()
        )
    if isinstance(stored, list):
        return (
            isinstance(written, list)
            and len(written) == len(stored)
            and all(map(contains, written, stored))
        )
    return bool(written == stored)
