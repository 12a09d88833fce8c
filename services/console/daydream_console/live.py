"""The live flow: plain NATS subscriptions on the subjects of the streams, which cost the streams nothing.

Each browser has a bounded queue; one that reads too slowly loses the oldest events, which it can read again from the API.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.events import (
    AlertRaised,
    CandidateNominated,
    DocumentRemoved,
    HypothesisProposed,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    PairSampled,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.topology import ROUTES

EVENTS_MAX = 100
HEARTBEAT_S = 10.0


class EventFanout:
    """Fans events out to whoever listens."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()

    async def follow(self, nc: Client) -> None:
        """Listen on all subjects of the table."""
        for flow in ROUTES:
            await nc.subscribe(flow.subject, cb=self._take)

    async def _take(self, message: Msg) -> None:
        if not self._listeners:
            return
        kinds: dict[str, type[Message]] = {flow.subject: flow.message for flow in ROUTES}
        try:
            event = summary(kinds[message.subject].model_validate_json(message.data))
        except ValueError:
            return  # a message of another version; its own consumer says so
        line = json.dumps(event)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(line)

    async def events(self, stopping: asyncio.Event) -> AsyncIterator[str]:
        """Server-sent events for one listener, until it goes or we stop."""
        queue: asyncio.Queue[str] = asyncio.Queue(EVENTS_MAX)
        self._listeners.add(queue)
        stop = asyncio.create_task(stopping.wait())
        try:
            yield "retry: 1000\n\n"
            while not stopping.is_set():
                get = asyncio.create_task(queue.get())
                done, _ = await asyncio.wait(
                    {get, stop}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if get in done:
                    yield f"data: {get.result()}\n\n"
                else:
                    get.cancel()
                    yield ": still here\n\n"
        finally:
            stop.cancel()
            self._listeners.discard(queue)


def summary(message: Message) -> dict[str, Any]:
    """An event in the few words that a list shows."""
    match message:
        case HypothesisProposed(pair=PairSampled(canary="bridge" | "decoy" as kind)):
            return {"kind": "canary", "id": message.hypothesis_id, "text": f"a {kind} was planted"}
        case VerdictReached(
            hypothesis=HypothesisProposed(pair=PairSampled(canary="bridge" | "decoy" as kind))
        ):
            return {
                "kind": "canary",
                "id": message.verdict_id,
                "text": f"a planted {kind} was {message.decision.value}",
                "score": message.score,
            }
        case PairSampled():
            return {
                "kind": "pair",
                "id": message.pair_id,
                "text": f"{message.first.title or message.first.text[:60]} × {message.second.title or message.second.text[:60]}",
            }
        case HypothesisProposed():
            text = (
                message.synthesis.title
                if message.synthesis
                else (message.abstention or "unreadable")
            )
            return {
                "kind": "hypothesis" if message.synthesis else "abstention",
                "id": message.hypothesis_id,
                "text": text[:200],
            }
        case VerdictReached():
            title = message.hypothesis.synthesis.title if message.hypothesis.synthesis else ""
            return {
                "kind": message.decision.value,
                "id": message.verdict_id,
                "text": ": ".join(filter(None, (title, message.explanation)))[:200],
                "score": message.score,
            }
        case CandidateNominated(verdict=verdict):
            planted = verdict.hypothesis.pair.canary
            title = verdict.hypothesis.synthesis.title if verdict.hypothesis.synthesis else ""
            return {
                "kind": "candidate",
                "id": message.message_id,
                "text": f"a planted {planted}" if planted else title[:200],
                "score": verdict.score,
            }
        case ReviewRecorded():
            return {
                "kind": "review",
                "id": message.message_id,
                "text": f"{message.who} {'accepts' if message.accepted else 'rejects'} {message.verdict_id}",
            }
        case InsightPromoted():
            return {"kind": "insight", "id": message.insight_id, "text": message.fact.title}
        case InsightRetracted() | InsightReinstated():
            word = "retracted" if isinstance(message, InsightRetracted) else "restored"
            return {
                "kind": word,
                "id": message.message_id,
                "text": f"{message.fact.title} ({message.who})"[:200],
            }
        case VisibilityChanged():
            text = f"{message.who} {'restores' if message.active else 'withdraws'} {', '.join(message.fact_ids)}"
            return {"kind": "standing", "id": message.message_id, "text": text[:200]}
        case DocumentRemoved():
            return {"kind": "removed", "id": message.message_id, "text": message.source[-200:]}
        case AlertRaised():
            return {"kind": "alert", "id": message.alert_id, "text": message.text[:200]}
    return {"kind": "event", "id": message.message_id, "text": type(message).__name__}
