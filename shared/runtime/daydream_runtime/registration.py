"""Register handlers from the topology table.

Every option is stated: FastStream's defaults lose messages.

A handler is a typed module-level function. It takes a message and the collaborators it needs, and
returns the event that follows, or None:

    async def candidate_nominated(
        candidate: CandidateNominated, oracle: Annotated[Oracle, FromContext()]
    ) -> VerdictReached: ...

FastStream publishes the returned event before the message is acknowledged, so a failed publish is
a failed delivery. A handler with several events, or with one of several kinds, returns None and
calls an injected `EventPublisher`: FastStream sends a result to every publisher of its handler,
and a list as one body.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from faststream.message import StreamMessage
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsRouter, PullSub

from daydream_contracts.events import ContractModel, Message
from daydream_contracts.topology import (
    CONSUMERS,
    ROUTES,
    Consumer,
    Endpoint,
    MessageRoute,
    route_of,
)
from daydream_runtime.endpoint_server import EndpointServer
from daydream_runtime.failure_replies import FailureReplyMiddleware
from daydream_runtime.from_context import injected_names
from daydream_runtime.middleware import DeliveryMiddleware
from daydream_runtime.publish_retry import PUBLISH_TIMEOUT_S

PULL_S = 5.0
Handler = Callable[..., Awaitable[Any]]
ConsumerHandlers = Mapping[type[Message], Handler]
EndpointHandlers = Mapping[Endpoint[Any, Any], Handler]


def consumers_of(service: str, handlers: ConsumerHandlers) -> dict[Consumer, Handler]:
    """Return the service's rows of the table with their handlers. Raise KeyError without a row."""
    rows = {row.message: row for row in CONSUMERS if row.service == service}
    return {rows[message]: handler for message, handler in handlers.items()}


def consumer_router(
    consumers: Mapping[Consumer, Handler],
    delivery: DeliveryMiddleware,
    concurrency: int,
    inbox: str = "_INBOX",
) -> NatsRouter:
    """Subscribe each handler `concurrency` times to its durable, one message each.

    That is exactly `concurrency` in progress. `max_workers` prefetches, and what it prefetched
    runs and is paid for twice. A larger batch waits for its slowest message (3.5 times slower).
    `inbox`: prefix of the subjects on which messages come. FastStream does not take the broker's.
    """
    router = NatsRouter(middlewares=[delivery])
    for consumer, handler in consumers.items():
        check_names(handler, consumer.message)
        event = result_event(handler)
        subscribed: Any = (
            handler if event is None else _publish_result(router, event, consumer.service, handler)
        )
        for number in range(concurrency):
            subscribed = router.subscriber(
                consumer.route.subject,
                title=f"{consumer.service} takes {consumer.message.__name__}",
                description=_summary(handler),
                stream=JStream(consumer.route.stream, declare=False),
                durable=consumer.durable,
                pull_sub=PullSub(batch_size=1, timeout=PULL_S),
                ack_policy=AckPolicy.NACK_ON_ERROR,
                decoder=json_decoder(consumer.message),
                no_reply=True,
                inbox_prefix=f"{inbox}.".encode(),
                include_in_schema=number == 0,
            )(subscribed)
    return router


def json_decoder(message: type[Message]) -> Callable[[StreamMessage[Any]], Awaitable[Message]]:
    """Return a decoder that validates the JSON text itself.

    FastStream decodes to Python first, which takes a third longer, and refuses dates in strict
    models.
    """

    async def decode(received: StreamMessage[Any]) -> Message:
        return message.model_validate_json(received.body)

    return decode


def endpoint_router(endpoints: EndpointHandlers, server: EndpointServer) -> NatsRouter:
    """Answer each endpoint's requests in a queue group, so that replicas share them."""
    router = NatsRouter(middlewares=[FailureReplyMiddleware])
    for endpoint, handler in endpoints.items():
        check_names(handler, endpoint.request)
        subscriber = router.subscriber(
            endpoint.subject,
            queue=endpoint.service,
            title=f"{endpoint.service} replies to {endpoint.subject.rsplit('.', 1)[-1]}",
            description=_summary(handler),
        )
        subscriber(handler)
        server.reply_directly(subscriber, endpoint, handler)
    return router


def document_publishers(
    broker: NatsBroker, service: str, consumers: Mapping[Consumer, Handler]
) -> None:
    """Add to the AsyncAPI document what the service publishes by an `EventPublisher`."""
    returned = {result_event(handler) for handler in consumers.values()}
    for route in ROUTES:
        if service in route.publishers and route.message not in returned:
            broker.publisher(route.subject, **_publisher_options(route, service))


def check_names(handler: Handler, message: type[ContractModel]) -> None:
    """Raise TypeError if a collaborator is named like a field: FastStream would hide that field."""
    hidden = set(injected_names(handler)) & set(message.model_fields)
    if hidden:
        raise TypeError(f"{handler!r} names a collaborator like a field of its message: {hidden}")


def result_event(handler: Handler) -> type[Message] | None:
    """Return the event that a handler may return, by its annotation. None: it returns none.

    Raise TypeError if it may return events of several kinds.
    """
    returned = get_type_hints(inspect.unwrap(handler)).get("return")
    members = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
    events = [member for member in members if member not in (None, type(None))]
    if not events:
        return None
    if len(events) > 1 or not (isinstance(events[0], type) and issubclass(events[0], Message)):
        raise TypeError(f"{handler!r} must return one kind of event or None, not {returned}")
    return events[0]


def _publish_result(
    router: NatsRouter, event: type[Message], service: str, handler: Handler
) -> Any:
    route = route_of(event)
    publisher = router.publisher(
        route.subject,
        timeout=PUBLISH_TIMEOUT_S,
        **_publisher_options(route, service),
    )
    return publisher(handler)


def _publisher_options(route: MessageRoute, service: str) -> dict[str, Any]:
    """Return the options, with the stream: without it, FastStream never learns of a lost event."""
    return {
        "title": f"{service} publishes {route.message.__name__}",
        "description": inspect.cleandoc(route.message.__doc__ or ""),
        "schema": route.message,
        "stream": JStream(route.stream, declare=False),
    }


def _summary(handler: Handler) -> str:
    return inspect.cleandoc(inspect.unwrap(handler).__doc__ or "")
