"""The AsyncAPI document, generated from the table of subjects by FastStream's own generator.

It describes subjects and payloads. Streams, durables and retention are not part of AsyncAPI: see `subjects`.
"""

from __future__ import annotations

from typing import Any

from daydream_shared.subjects import CONSUMERS, ENDPOINTS, FLOWS, Consumer, Endpoint
from faststream import FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.specification import AsyncAPI


def document(version: str) -> str:
    """The document as JSON. Nothing is connected to."""
    broker = NatsBroker("nats://localhost:4222")
    for flow in FLOWS:
        title, text = f"{flow.said_by} says {flow.message.__name__}", (flow.message.__doc__ or "").strip()
        broker.publisher(flow.subject, title=title, description=text, schema=flow.message, stream=JStream(flow.stream, declare=False))
    for consumer in CONSUMERS:
        _consumer(broker, consumer)
    for endpoint in ENDPOINTS:
        _endpoint(broker, endpoint)
    described = "Events and questions of daydream. Events travel over JetStream, at least once, with their derived id as Nats-Msg-Id."
    app = FastStream(broker, specification=AsyncAPI(title="daydream", version=version, description=described, schema_version="3.0.0"))
    return app.schema.to_specification().to_json()


def _consumer(broker: NatsBroker, consumer: Consumer) -> None:
    async def take(message: Any) -> None: ...

    take.__annotations__ = {"message": consumer.message, "return": None}
    broker.subscriber(
        consumer.flow.subject,
        title=f"{consumer.service} takes {consumer.message.__name__}",
        stream=JStream(consumer.flow.stream, declare=False),
        durable=consumer.durable,
        pull_sub=PullSub(batch_size=1),
    )(take)


def _endpoint(broker: NatsBroker, endpoint: Endpoint[Any, Any]) -> None:
    async def answer(question: Any) -> Any: ...

    answer.__annotations__ = {"question": endpoint.question, "return": endpoint.answer}
    title = f"{endpoint.service} answers {endpoint.subject.rsplit('.', 1)[-1]}"
    broker.subscriber(endpoint.subject, endpoint.service, title=title, description=(endpoint.question.__doc__ or "").strip())(answer)
