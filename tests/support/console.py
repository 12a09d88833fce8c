"""A test client of the console's web application: a real index over fake services."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

from nats.aio.client import Client as Nats
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from starlette.testclient import TestClient

from daydream_console.client import Client
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.queries import InsightQueries
from daydream_console.insights.schema import open_database
from daydream_console.loop_watch import LoopWatch
from daydream_console.overview import Overview
from daydream_console.spending.queries import SpendingQueries
from daydream_console.web.access import AccessRules
from daydream_console.web.app import web_app
from daydream_console.web.event_log import EventLog
from daydream_console.web.security import TokenBuckets
from daydream_console.web.services import ConsoleServices
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import CommandReceived, Message, VerdictReached
from daydream_contracts.topology import Endpoint
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.rpc import RpcClient
from support.loop_states import loop_state

EXAMPLES = Path(__file__).parents[1] / "contracts" / "messages"


class FakeServices:
    """All services behind one RPC client: each answers with its stored example, or as told.

    `answers` maps subjects to replies or to functions of the request. A subject in `silent` does
    not answer.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.silent: set[str] = set()
        self.asked: list[Any] = []

    async def request(self, endpoint: Endpoint[Any, Any], request: Any, **_: Any) -> Any:
        self.asked.append(request)
        if endpoint.subject in self.silent or "*" in self.silent:
            raise RetryLaterError(f"{endpoint.service} does not answer on {endpoint.subject}")
        answer = self.answers.get(endpoint.subject)
        if callable(answer):
            return answer(request)
        if answer is not None:
            return answer
        file = EXAMPLES / f"{endpoint.reply.__name__}.v1.json"
        return endpoint.reply.model_validate_json(file.read_text())


class FakeStreams:
    """JetStream with empty streams and key-value buckets in memory."""

    def __init__(self) -> None:
        self.buckets: dict[str, FakeConsoleBucket] = {}
        self.stored: dict[int, Any] = {}

    async def stream_info(self, _: str) -> Any:
        from nats.js.api import StreamState

        last = max(self.stored, default=0)
        count = len(self.stored)
        state = StreamState(count, bytes=0, first_seq=min(1, last), last_seq=last, consumer_count=0)
        return type("FakeInfo", (), {"state": state})()

    async def publish(self, *_: Any, **__: Any) -> Any:
        return type("FakeAck", (), {"seq": 1})()

    async def consumer_info(self, *_: Any) -> Any:
        """Everything that was published is handled."""
        floor = type("FakeFloor", (), {"stream_seq": 1})()
        return type("FakeConsumer", (), {"ack_floor": floor})()

    async def get_msg(self, _: str, seq: int) -> Any:
        if seq not in self.stored:
            raise NotFoundError
        return self.stored[seq]

    async def delete_msg(self, _: str, seq: int) -> None:
        del self.stored[seq]

    async def key_value(self, name: str) -> FakeConsoleBucket:
        return self.buckets.setdefault(name, FakeConsoleBucket())


class FakeConsoleBucket:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> Any:
        if key not in self.values:
            raise KeyNotFoundError
        return type("FakeEntry", (), {"value": self.values[key]})()

    async def create(self, key: str, value: bytes) -> None:
        if key in self.values:
            raise KeyWrongLastSequenceError
        self.values[key] = value

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)


class ConsoleFixture:
    """The application with what it works on."""

    def __init__(
        self, access: AccessRules | None = None, *, index_file: Path | None = None, **security: Any
    ) -> None:
        self.index = InsightIndex(open_database(index_file))
        self.index.complete = True
        self.rpc = FakeServices()
        self.js = FakeStreams()
        self.events = EventLog()
        self.state: Overview = loop_state()
        self.published: list[Message] = []
        self.verdicts: dict[str, VerdictReached] = {}
        self.publish_error: Exception | None = None
        client = Client(
            cast(Nats, None),
            cast(JetStreamContext, self.js),
            cast(RpcClient, self.rpc),
            NatsAddress(()),
        )
        self.services = ConsoleServices(
            client=client,
            insights=InsightQueries(self.index, self._verdict),
            spending=SpendingQueries(self.index.database),
            loop=LoopWatch(self._state, asyncio.sleep),
            events=self.events,
            access=access or AccessRules(),
            publish=self._publish,
            stopping=asyncio.Event(),
        )
        buckets = security.pop("buckets", TokenBuckets(1e6, 1e6))
        self.app = web_app(self.services, security.pop("hosts", ()), buckets)

    def add(self, *verdicts: VerdictReached) -> None:
        """Put verdicts into the index."""
        for number, verdict in enumerate(verdicts, 1):
            self.verdicts[verdict.verdict_id] = verdict
            self.index.add_verdict(verdict, number)

    def client(self, **headers: str) -> TestClient:
        """Return a client that sends these headers."""
        return TestClient(self.app, headers=headers)

    @property
    def events_published(self) -> list[Message]:
        """Return what was published, without the record of commands."""
        return [each for each in self.published if not isinstance(each, CommandReceived)]

    async def _verdict(self, verdict_id: str, _: int) -> VerdictReached | None:
        return self.verdicts.get(verdict_id)

    async def _state(self) -> Overview:
        return self.state

    async def _publish(self, message: Message) -> None:
        if self.publish_error is not None:
            raise self.publish_error
        json.loads(message.model_dump_json())
        self.published.append(message)
