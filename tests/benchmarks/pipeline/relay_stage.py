"""One process of the bare relay: `python -m benchmarks.pipeline.relay_stage OPTIONS`.

A stage takes a message, makes its model call if it has one, publishes the next message, and
acknowledges. The source publishes as many messages as it is asked for, as far as its stream has
room. Nothing else is done: no money, no memory, no judgement, no telemetry.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import nats
import openai
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import APIError

STREAMS = ("RELAY_PAIRS", "RELAY_HYPOTHESES", "RELAY_VERDICTS", "RELAY_INSIGHTS")
GO = "relay.go"
CONCURRENCY = 4  # the shipped setting of a stage
AHEAD = 16  # the shipped setting of the sampler
FULL_PAUSE_S = 0.01
PULL_S = 5.0


def subject_of(stream: str) -> str:
    """Return the subject of one of `STREAMS`."""
    return stream.lower().replace("_", ".")


async def make_streams(js: JetStreamContext) -> None:
    """Make the streams and their consumers, with the settings of the system's own."""
    for stream in STREAMS:
        await js.add_stream(
            api.StreamConfig(
                name=stream,
                subjects=[subject_of(stream)],
                retention=api.RetentionPolicy.WORK_QUEUE,
                discard=api.DiscardPolicy.NEW,
                max_msgs=AHEAD if stream == STREAMS[0] else 256,
            )
        )
        config = api.ConsumerConfig(
            durable_name="relay", ack_policy=api.AckPolicy.EXPLICIT, ack_wait=10, max_deliver=-1
        )
        await js.add_consumer(stream, config)


class RelayStage:
    """Where its messages come from and go to, and what it asks a model."""

    def __init__(self, js: JetStreamContext, source: str, target: str, body: str, url: str) -> None:
        self._js = js
        self._source = source
        self._target = target
        self._body: dict[str, Any] = json.loads(Path(body).read_text()) if body else {}
        self._client = openai.AsyncOpenAI(base_url=url, api_key="right", timeout=600, max_retries=0)

    async def work(self) -> None:
        """Take one message at a time."""
        pull = await self._js.pull_subscribe_bind("relay", stream=self._source)
        while True:
            with suppress(TimeoutError):
                for message in await pull.fetch(1, timeout=PULL_S):
                    await self._handle(message)

    async def _handle(self, message: Msg) -> None:
        event = json.loads(message.data)
        if self._body:
            body = {**self._body, "seed": event["number"]}
            answer = await self._client.chat.completions.create(**body)
            event["answers"].append(answer.choices[0].message.content)
        if self._target:
            await _publish(self._js, self._target, event)
        await message.ack()


async def _publish(js: JetStreamContext, stream: str, event: dict[str, Any]) -> None:
    headers = {"Nats-Msg-Id": f"{stream}:{event['number']}"}
    await js.publish(subject_of(stream), json.dumps(event).encode(), headers=headers)


async def supply(nc: Client, js: JetStreamContext, text: str) -> None:
    """Publish as many messages as each message on `GO` says."""
    wanted: asyncio.Queue[int] = asyncio.Queue()

    async def hear(message: Msg) -> None:
        wanted.put_nowait(int(message.data))
        await message.respond(b"")

    await nc.subscribe(GO, cb=hear)
    numbers = count()
    while True:
        for _ in range(await wanted.get()):
            event = {"number": next(numbers), "text": text, "answers": []}
            while True:
                try:
                    await _publish(js, STREAMS[0], event)
                    break
                except APIError:  # the stream is full
                    await asyncio.sleep(FULL_PAUSE_S)


async def run(options: argparse.Namespace) -> None:
    """Run the process until SIGTERM."""
    nc = await nats.connect(options.nats)
    js = nc.jetstream()
    if options.source:
        stage = RelayStage(js, options.source, options.target, options.body, options.endpoint)
        work = [asyncio.create_task(stage.work()) for _ in range(CONCURRENCY)]
    else:
        work = [asyncio.create_task(supply(nc, js, "x" * options.bytes))]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stopping = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        task.result()  # raises what ended it
    for task in work:
        task.cancel()
    await nc.close()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nats", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--source", default="", help="stream; none: this is the source")
    parser.add_argument("--target", default="")
    parser.add_argument("--body", default="", help="file with the request of its model call")
    parser.add_argument("--bytes", type=int, default=0, help="size of what the source publishes")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
