"""The AsyncAPI document says everything that the table of subjects says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from daydream_console.asyncapi import document
from daydream_contracts.topology import CONSUMERS, ENDPOINTS, ROUTES


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document("0.1.0"))
    return parsed


def test_it_is_asyncapi_3_under_the_version_that_was_asked_for(described: dict[str, Any]) -> None:
    assert described["asyncapi"] == "3.0.0"
    assert described["info"]["version"] == "0.1.0"


def addresses(described: dict[str, Any]) -> set[str]:
    return {
        channel["address"] for channel in described["channels"].values() if channel["address"]
    }  # an answer's inbox has none


@pytest.mark.parametrize(
    "subject", [*(flow.subject for flow in ROUTES), *(endpoint.subject for endpoint in ENDPOINTS)]
)
def test_every_subject_has_a_channel(described: dict[str, Any], subject: str) -> None:
    assert any(subject in address for address in addresses(described))


def test_it_has_no_channel_that_the_table_does_not_know(described: dict[str, Any]) -> None:
    subjects = {flow.subject for flow in ROUTES} | {endpoint.subject for endpoint in ENDPOINTS}
    assert all(any(subject in address for subject in subjects) for address in addresses(described))


@pytest.mark.parametrize(
    "kind",
    sorted(
        {
            *(flow.message.__name__ for flow in ROUTES),
            *(endpoint.question.__name__ for endpoint in ENDPOINTS),
        }
    ),
)
def test_every_message_has_a_schema_of_its_payload_with_all_its_fields(
    described: dict[str, Any], kind: str
) -> None:
    model = next(
        model
        for model in (*(f.message for f in ROUTES), *(e.question for e in ENDPOINTS))
        if model.__name__ == kind
    )
    schemas = described["components"]["schemas"]
    named = [
        schema
        for name, schema in schemas.items()
        if name.split(":")[-1] == kind or schema.get("title") == kind
    ]
    assert named, f"no schema of {kind}"
    assert any(set(model.model_fields) <= set(schema.get("properties", {})) for schema in named)


def test_who_says_and_who_takes_an_event_are_both_told(described: dict[str, Any]) -> None:
    channels = " ".join(
        channel.get("title", "") + name for name, channel in described["channels"].items()
    )
    for flow in ROUTES:
        assert f"{flow.publisher} says {flow.message.__name__}" in channels
    for consumer in CONSUMERS:
        assert f"{consumer.service} takes {consumer.message.__name__}" in channels


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [
                reference
                for key, item in value.items()
                for reference in ([item] if key == "$ref" else references(item))
            ]
        return (
            [reference for item in value for reference in references(item)]
            if isinstance(value, list)
            else []
        )

    all_references = references(described)
    assert all_references
    for reference in all_references:
        target: Any = described
        for step in reference.removeprefix("#/").split("/"):
            target = target[unquote(step).replace("~1", "/").replace("~0", "~")]


@pytest.mark.parametrize("kind", sorted({endpoint.answer.__name__ for endpoint in ENDPOINTS}))
def test_every_answer_has_a_schema(described: dict[str, Any], kind: str) -> None:
    assert kind in described["components"]["schemas"]
