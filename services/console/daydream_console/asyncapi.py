"""The AsyncAPI document, generated from the table of subjects by FastStream's own generator.

It describes subjects and payloads. Streams, durables and retention are not part of AsyncAPI: see `subjects`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from faststream import FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.specification import AsyncAPI

from daydream_contracts.topology import CONSUMERS, ENDPOINTS, ROUTES, Consumer, Endpoint


def document(version: str) -> str:
    """The document as JSON. Nothing is connected to."""
    broker = NatsBroker("nats://localhost:4222")
    for flow in ROUTES:
        title, text = (
            f"{flow.publisher} says {flow.message.__name__}",
            (flow.message.__doc__ or "").strip(),
        )
        broker.publisher(
            flow.subject,
            title=title,
            description=text,
            schema=flow.message,
            stream=JStream(flow.stream, declare=False),
        )
    for consumer in CONSUMERS:
        _consumer(broker, consumer)
    for endpoint in ENDPOINTS:
        _endpoint(broker, endpoint)
    described = "Events and questions of daydream. Events travel over JetStream, at least once, with their derived id as Nats-Msg-Id."
    app = FastStream(
        broker,
        specification=AsyncAPI(
            title="daydream", version=version, description=described, schema_version="3.0.0"
        ),
    )
    found: dict[str, Any] = json.loads(app.schema.to_specification().to_json())
    for endpoint in ENDPOINTS:
        _add_answer(found, endpoint)
    return json.dumps(found, indent=1)


def _consumer(broker: NatsBroker, consumer: Consumer) -> None:
    async def take(message: Any) -> None: ...

    take.__annotations__ = {"message": consumer.message, "return": None}
    broker.subscriber(
        consumer.route.subject,
        title=f"{consumer.service} takes {consumer.message.__name__}",
        stream=JStream(consumer.route.stream, declare=False),
        durable=consumer.durable,
        pull_sub=PullSub(batch_size=1),
    )(take)


def _endpoint(broker: NatsBroker, endpoint: Endpoint[Any, Any]) -> None:
    async def answer(question: Any) -> Any: ...

    answer.__annotations__ = {"question": endpoint.question, "return": endpoint.answer}
    title = f"{endpoint.service} answers {endpoint.subject.rsplit('.', 1)[-1]}"
    broker.subscriber(
        endpoint.subject,
        endpoint.service,
        title=title,
        description=(endpoint.question.__doc__ or "").strip(),
    )(answer)


def _add_answer(found: dict[str, Any], endpoint: Endpoint[Any, Any]) -> None:
    """FastStream describes what is asked only. In AsyncAPI the answer is the reply of the operation, on a channel whose address
    is not known beforehand (NATS makes an inbox for each question)."""
    name = endpoint.answer.__name__
    schema = endpoint.answer.model_json_schema(ref_template="#/components/schemas/{model}")
    for part, definition in schema.pop("$defs", {}).items():
        found["components"]["schemas"].setdefault(part, definition)
    found["components"]["schemas"][name] = schema
    channel = f"{endpoint.subject}.answer"
    found["components"]["messages"][name] = {
        "title": name,
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    found["channels"][channel] = {
        "address": None,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    (operation,) = [
        one for one in found["operations"].values() if _address(found, one) == endpoint.subject
    ]
    operation["reply"] = {"channel": {"$ref": f"#/channels/{channel}"}}


def _address(found: dict[str, Any], operation: dict[str, Any]) -> str:
    return str(
        found["channels"][unquote(operation["channel"]["$ref"]).removeprefix("#/channels/")].get(
            "address"
        )
    )
