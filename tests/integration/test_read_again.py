"""A dead letter of a verdict: the memory reads it again, since no one else may publish verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.client import connected
from daydream_console.dead_letters import dead_letters
from daydream_console.resend import resend
from daydream_contracts.dead_letters import dead_letter_subject
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Decision, InsightPromoted, Message, VerdictReached
from daydream_contracts.rpc import ReadAgain
from daydream_contracts.topology import MEMORY_READ_AGAIN, route_of
from daydream_memory.dead_letter_reader import DeadLetterReader
from daydream_runtime.failure_replies import failure_reply
from support.message_builders import AT, hypothesis
from support.programs import NatsServer

VERDICTS = route_of(VerdictReached)


def verdict() -> VerdictReached:
    return VerdictReached(
        verdict_id="v",
        hypothesis=hypothesis(),
        role="critic",
        decision=Decision.DISCARDED,
        reason="score",
        reached_at=AT,
        round=1,
        explanation="",
        final=True,
        cost_nanousd=5,
    )


@dataclass
class FakeStore:
    """Take verdicts, or refuse them."""

    error: Exception | None = None
    written: list[VerdictReached] = field(default_factory=list)

    async def write_verdict(self, verdict: VerdictReached) -> list[InsightPromoted]:
        if self.error is not None:
            raise self.error
        self.written.append(verdict)
        return []


async def serve(nc: Client, store: FakeStore) -> None:
    """Reply to the request as the memory service does."""

    async def publish(_: Message) -> None: ...

    reader = DeadLetterReader(nc.jetstream(), store, publish)  # type: ignore[arg-type]

    async def reply(msg: Msg) -> None:
        headers: dict[str, str] | None = None
        try:
            answer = await reader.read(ReadAgain.model_validate_json(msg.data))
            body = answer.model_dump_json().encode()
        except Exception as error:
            headers, text = failure_reply(error)
            body = text.encode()
        await nc.publish(msg.reply, body, headers=headers)

    await nc.subscribe(MEMORY_READ_AGAIN.subject, cb=reply)


async def write_letter(nc: Client, body: bytes, stream: str = VERDICTS.stream) -> None:
    headers = {"Nats-Msg-Id": f"{stream}:memory:v:dead", "Daydream-Subject": VERDICTS.subject}
    await nc.jetstream().publish(dead_letter_subject(stream), body, headers=headers)


async def test_the_memory_stores_it_and_nothing_is_published_again(
    nc: Client, server: NatsServer
) -> None:
    store = FakeStore()
    await serve(nc, store)
    await write_letter(nc, verdict().model_dump_json().encode())
    async with connected(server.url) as client:
        (letter,) = [letter async for letter in dead_letters(client)]
        assert await resend(client, letter) is None
        assert [other async for other in dead_letters(client)] == []
    assert store.written == [verdict()]
    assert (await nc.jetstream().stream_info(VERDICTS.stream)).state.messages == 0


async def test_a_letter_stays_while_the_memory_can_not_store_it(
    nc: Client, server: NatsServer
) -> None:
    await serve(nc, FakeStore(RetryLaterError("the budget service does not answer")))
    await write_letter(nc, verdict().model_dump_json().encode())
    async with connected(server.url) as client:
        (letter,) = [letter async for letter in dead_letters(client)]
        assert await resend(client, letter) == "the budget service does not answer"
        assert [other async for other in dead_letters(client)] == [letter]


@pytest.mark.parametrize(
    ("body", "stream", "words"),
    [
        (verdict().model_dump_json().encode(), "REVIEWS", "is no verdict"),
        (b"{}", VERDICTS.stream, "can't be read"),
    ],
)
async def test_only_a_dead_letter_of_the_memorys_own_verdicts_is_read(
    nc: Client, server: NatsServer, body: bytes, stream: str, words: str
) -> None:
    """A user that may write another dead letter, or ask for a number, makes no verdict of it."""
    store = FakeStore()
    await serve(nc, store)
    await write_letter(nc, body, stream)
    async with connected(server.url) as client:
        for number, problem in ((1, words), (2, "no dead letter 2 exists")):
            with pytest.raises(Exception, match=problem):
                await client.rpc.request(MEMORY_READ_AGAIN, ReadAgain(number=number))
    assert store.written == []
