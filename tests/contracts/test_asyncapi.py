"""The AsyncAPI document of the real applications covers the whole topology."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from daydream_console.asyncapi import document
from daydream_contracts import grants
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
    }  # a reply's inbox has none


@pytest.mark.parametrize(
    "subject", [*(route.subject for route in ROUTES), *(endpoint.subject for endpoint in ENDPOINTS)]
)
def test_every_subject_has_a_channel(described: dict[str, Any], subject: str) -> None:
    assert any(subject in address for address in addresses(described))


def test_it_has_no_channel_that_the_table_does_not_know(described: dict[str, Any]) -> None:
    subjects = {route.subject for route in ROUTES} | {endpoint.subject for endpoint in ENDPOINTS}
    assert all(any(subject in address for subject in subjects) for address in addresses(described))


@pytest.mark.parametrize(
    "kind",
    sorted(
        {
            *(route.message.__name__ for route in ROUTES),
            *(endpoint.request.__name__ for endpoint in ENDPOINTS),
        }
    ),
)
def test_every_message_has_a_schema_of_its_payload_with_all_its_fields(
    described: dict[str, Any], kind: str
) -> None:
    model = next(
        model
        for model in (
            *(route.message for route in ROUTES),
            *(endpoint.request for endpoint in ENDPOINTS),
        )
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


def test_publishers_and_consumers_of_an_event_are_all_described(described: dict[str, Any]) -> None:
    channels = " ".join(
        channel.get("title", "") + name for name, channel in described["channels"].items()
    )
    for route in ROUTES:
        for publisher in route.publishers:
            assert f"{publisher} publishes {route.message.__name__}" in channels
    for consumer in CONSUMERS:
        assert f"{consumer.service} takes {consumer.message.__name__}" in channels


def references(value: Any) -> Iterator[str]:
    """Yield every `$ref` in a part of the document."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from references(item)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    links = list(references(described))
    assert links
    for reference in links:
        target: Any = described
        for step in reference.removeprefix("#/").split("/"):
            target = target[unquote(step).replace("~1", "/").replace("~0", "~")]


@pytest.mark.parametrize("kind", sorted({endpoint.reply.__name__ for endpoint in ENDPOINTS}))
def test_every_reply_has_a_schema(described: dict[str, Any], kind: str) -> None:
    assert kind in described["components"]["schemas"]


def test_each_endpoint_is_described_once_with_its_reply(described: dict[str, Any]) -> None:
    replied = [
        _channel(described, operation)["address"]
        for operation in described["operations"].values()
        if "reply" in operation
    ]
    assert sorted(replied) == sorted(endpoint.subject for endpoint in ENDPOINTS)


def test_streams_and_durables_are_described(described: dict[str, Any]) -> None:
    for consumer in CONSUMERS:
        channel = described["channels"][f"{consumer.service} takes {consumer.message.__name__}"]
        assert channel["x-jetstream"]["stream"] == consumer.route.stream
        assert channel["x-jetstream"]["durable"] == consumer.durable
        readers = grants.STREAMS[consumer.route.stream].readers
        assert tuple(channel["x-jetstream"]["readers"]) == readers


def test_it_says_who_asks_each_endpoint(described: dict[str, Any]) -> None:
    callers = {
        _channel(described, operation)["address"]: tuple(operation["x-callers"])
        for operation in described["operations"].values()
        if "reply" in operation
    }
    assert callers == {endpoint.subject: grants.CALLERS[endpoint] for endpoint in ENDPOINTS}


def _channel(described: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    name = unquote(operation["channel"]["$ref"]).removeprefix("#/channels/")
    channel: dict[str, Any] = described["channels"][name]
    return channel
