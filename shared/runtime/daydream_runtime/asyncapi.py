"""Generate the AsyncAPI document of one or several services, from their real applications.

FastStream describes channels, operations and payloads. The topology adds what it leaves out: the
reply of an endpoint and who asks it (`x-callers`), the stream of an event with its readers, and the
durable of a consumer (`x-jetstream`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from daydream_contracts.grants import CALLERS
from daydream_contracts.grants import STREAMS as GRANTS
from daydream_contracts.topology import CONSUMERS, ENDPOINTS, ROUTES, STREAMS, Endpoint
from daydream_runtime.application import ServiceApp

Document = dict[str, Any]
MERGED = ("channels", "operations")
MERGED_COMPONENTS = ("schemas", "messages")
DESCRIPTION = (
    "Events and requests of daydream. Events travel over JetStream, at least once. Their derived id"
    " is the Nats-Msg-Id. Requests and replies travel over core NATS."
)


def document_of(apps: Iterable[ServiceApp], version: str) -> Document:
    """Return one document for these services. Connect to nothing."""
    document: Document = {
        "asyncapi": "3.0.0",
        "info": {"title": "daydream", "version": version, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": "localhost:4222", "protocol": "nats"}},
        "channels": {},
        "operations": {},
        "components": {"schemas": {}, "messages": {}},
    }
    for app in apps:
        _merge(document, app.schema.to_specification().to_jsonable())
    _add_replies(document)
    _add_streams(document)
    return document


def _merge(document: Document, fragment: Document) -> None:
    """Add a service's channels, operations and components; titles make their names unique."""
    for name, channel in fragment["channels"].items():
        fragment["channels"][name] = channel | {"servers": [{"$ref": "#/servers/nats"}]}
    for section in MERGED:
        document[section] |= fragment[section]
    for section in MERGED_COMPONENTS:
        document["components"][section] |= fragment["components"].get(section, {})


def _add_replies(document: Document) -> None:
    endpoints = {endpoint.subject: endpoint for endpoint in ENDPOINTS}
    for operation in list(document["operations"].values()):
        endpoint = endpoints.get(_channel_of(document, operation)["address"])
        if endpoint is not None:
            operation["reply"] = {"channel": {"$ref": _add_reply(document, endpoint)}}
            operation["x-callers"] = list(CALLERS[endpoint])


def _add_reply(document: Document, endpoint: Endpoint[Any, Any]) -> str:
    """Add the channel of an endpoint's replies, and return its reference.

    Its address is null: NATS creates an inbox for each request.
    """
    name, components = endpoint.reply.__name__, document["components"]
    schema = endpoint.reply.model_json_schema(ref_template="#/components/schemas/{model}")
    for part, definition in schema.pop("$defs", {}).items():
        components["schemas"].setdefault(part, definition)
    components["schemas"][name] = schema
    payload = {"$ref": f"#/components/schemas/{name}"}
    components["messages"][name] = {"title": name, "payload": payload}
    channel = f"{endpoint.subject}.reply"
    document["channels"][channel] = {
        "address": None,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    return f"#/channels/{channel}"


def _add_streams(document: Document) -> None:
    routes = {route.subject: route for route in ROUTES}
    retention = {stream.name: stream.retention.value for stream in STREAMS}
    durables = {f"{row.service} takes {row.message.__name__}": row.durable for row in CONSUMERS}
    for name, channel in document["channels"].items():
        route = routes.get(channel["address"])
        if route is not None:
            channel["x-jetstream"] = {
                "stream": route.stream,
                "retention": retention[route.stream],
                "readers": list(GRANTS[route.stream].readers),
                **({"durable": durables[name]} if name in durables else {}),
            }


def _channel_of(document: Document, operation: Document) -> Document:
    name = unquote(operation["channel"]["$ref"]).removeprefix("#/channels/")
    channel: Document = document["channels"][name]
    return channel
