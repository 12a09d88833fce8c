"""What each stage of a peer does, the same for all of them. Runs in the peers' environment, which
has the standard library, the peers and the `openai` client.

pair → writer (a model call) → judge (a model call) → memory → end, as the bare relay. A stage asks
the model and hands on what it got. The end writes the number of the pair to a file, which is how
the benchmark counts.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import openai

STAGES = ("writer", "judge", "memory", "end")
ASKING = STAGES[:2]
CONCURRENCY = 4  # the shipped setting of a stage
Event = dict[str, Any]  # as the relay's: number, text, answers

# environment variables of all processes of a peer
BROKER_URL = "PEERS_BROKER_URL"
ENDPOINT_URL = "PEERS_ENDPOINT_URL"
BODIES = "PEERS_BODIES"  # folder with writer.json and judge.json: what they ask
ENDED = "PEERS_ENDED"  # file: a line with the number of each pair that has ended
ACK_WAIT_S = "PEERS_ACK_WAIT_S"
TEXT_BYTES = "PEERS_TEXT_BYTES"


def ack_wait_s() -> float:
    """Return after how many seconds an unacknowledged message may be delivered again."""
    return float(os.environ[ACK_WAIT_S])


def new_event(number: int) -> Event:
    """Return what the source sends."""
    return {"number": number, "text": "x" * int(os.environ[TEXT_BYTES]), "answers": []}


def answered(stage: str, event: Event) -> Event:
    """Ask the model, and return the event with the answer."""
    client = _client(openai.OpenAI)
    return _with_answer(event, client.chat.completions.create(**_request(stage, event)))


async def answered_async(stage: str, event: Event) -> Event:
    """Ask the model as the relay does, and return the event with the answer."""
    client = _client(openai.AsyncOpenAI)
    return _with_answer(event, await client.chat.completions.create(**_request(stage, event)))


def note_end(event: Event) -> None:
    """Append the number to the file in one write, so that a kill cannot cut it."""
    descriptor = os.open(os.environ[ENDED], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, f"{event['number']}\n".encode())
    finally:
        os.close(descriptor)


@cache
def _client(kind: Any) -> Any:
    url = os.environ[ENDPOINT_URL]
    return kind(base_url=url, api_key="right", timeout=600, max_retries=0)


@cache
def _body(stage: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((Path(os.environ[BODIES]) / f"{stage}.json").read_text())
    return body


def _request(stage: str, event: Event) -> dict[str, Any]:
    return {**_body(stage), "seed": event["number"]}


def _with_answer(event: Event, answer: Any) -> Event:
    return {**event, "answers": [*event["answers"], answer.choices[0].message.content]}
