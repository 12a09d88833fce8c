"""Merge facts and insights that say nearly the same, and undo it.

A separate job, apart from the loop: new hypotheses are compared with what is known by a gate, but
documents repeat each other, and insights drift towards each other. Of facts that say nearly the
same, the oldest stays. The others are hidden, and nothing else: what descends from them stays, and
no text is lost. No model is asked.

Facts are merged if their similarity is above the embedding model's own threshold (the one of the
gate), and if they have the same kind, team, clearance, numbers and negations: an embedding hardly
tells 5 mg from 50 mg. Questions are never merged, and no fact with what it descends from.

An event is published per kept fact. Its id derives from its content, and applying it twice has no
further effect.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daydream_console.client import Client
from daydream_console.overview import wait_until_handled
from daydream_contracts.events import Fact, FactKind, VisibilityChanged
from daydream_contracts.rpc import (
    EmptyRequest,
    FindNearest,
    FindNeighbours,
    FindPairs,
    Neighbour,
    Neighbourhoods,
    NeighbourQuery,
)
from daydream_contracts.topology import (
    MEMORY_NEAREST,
    MEMORY_NEIGHBOURHOODS,
    MEMORY_PAIRS,
    MEMORY_STATE,
    route_of,
)
from daydream_models.similarity_threshold import (
    DUPLICATE_SIMILARITY,
    SAME_FALSE_SHARE,
    on_scale,
    similarity_threshold,
)
from daydream_runtime.stream_reader import read_stream

NEAREST = 16  # neighbours of a fact that are looked at
AT_ONCE = 2  # facts in one request to the memory
WHY = "it says nearly the same as another fact"
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot)\b|n['’]t\b", re.I)


@dataclass(frozen=True)
class Repeat:
    """A fact that says nearly the same as an older one, which stays."""

    kept: Fact
    merged: Fact
    similarity: float


async def find_repeats(client: Client, progress: Callable[[int, int], None]) -> list[Repeat]:
    """Look at all facts, the oldest first. `progress` gets the number of facts read, and of all.

    A fact that is merged is merged with one that stays: there are no chains.
    """
    count = (await client.rpc.request(MEMORY_STATE, EmptyRequest())).facts
    question = FindNearest(text="the scale of this model", own_fact_ids=(), own_hypothesis_id="")
    matches = await client.rpc.request(MEMORY_NEAREST, question)
    threshold = similarity_threshold(matches, SAME_FALSE_SHARE, DUPLICATE_SIMILARITY)
    repeats, merged = list[Repeat](), set[int]()
    async for own, near in _neighbourhoods(client, count):
        progress(own.ordinal + 1, count)
        if own.hidden or own.ordinal in merged:
            continue
        for other in near:
            similarity = on_scale(other.similarity, matches.unrelated_median)
            is_new = other.ordinal > own.ordinal and other.ordinal not in merged
            if not is_new or similarity < threshold or not may_merge(own, other):
                continue
            reply = await client.rpc.request(
                MEMORY_PAIRS, FindPairs(pairs=((own.ordinal, other.ordinal),))
            )
            (pair,) = reply.pairs
            if pair is not None and say_the_same_numbers(pair.first.text, pair.second.text):
                repeats.append(Repeat(pair.first, pair.second, similarity))
                merged.add(other.ordinal)
    return repeats


async def _neighbourhoods(
    client: Client, count: int
) -> AsyncIterator[tuple[Neighbour, Sequence[Neighbour]]]:
    """Yield each fact with its neighbours, the closest first."""
    for start in range(0, count, AT_ONCE):
        ordinals = range(start, min(count, start + AT_ONCE))
        queries = tuple(NeighbourQuery(ordinal=ordinal) for ordinal in ordinals)
        reply: Neighbourhoods = await client.rpc.request(
            MEMORY_NEIGHBOURHOODS, FindNeighbours(queries=queries, near=NEAREST)
        )
        for own, *near in reply.neighbourhoods:
            yield own, near


def may_merge(fact: Neighbour, other: Neighbour) -> bool:
    """Return whether two facts that say the same may stand for each other."""
    return (
        not other.hidden
        and not other.related
        and fact.kind is other.kind
        and fact.kind is not FactKind.QUESTION
        and (fact.team, fact.clearance) == (other.team, other.clearance)
    )


def say_the_same_numbers(text: str, other: str) -> bool:
    """Return whether two texts have the same numbers, and as many negations."""
    return Counter(NUMBER.findall(text)) == Counter(NUMBER.findall(other)) and len(
        NEGATION.findall(text)
    ) == len(NEGATION.findall(other))


async def merge(client: Client, repeats: Iterable[Repeat], who: str) -> None:
    """Hide what is merged, and wait until the memory has done it."""
    merged_of = dict[str, list[str]]()
    for repeat in repeats:
        merged_of.setdefault(repeat.kept.fact_id, []).append(repeat.merged.fact_id)
    await _publish(client, merged_of, who, active=False)


async def merged_now(client: Client) -> dict[str, list[str]]:
    """Return the ids of the facts that are merged into each kept one, by their latest change."""
    stream, latest = route_of(VisibilityChanged).stream, dict[str, str]()
    last = (await client.js.stream_info(stream)).state.last_seq
    async for _, message in read_stream(client.js, stream, 0, last, gaps=True):
        change = VisibilityChanged.model_validate_json(message.data)
        if change.merged_into:
            latest |= dict.fromkeys(change.fact_ids, "" if change.active else change.merged_into)
    merged_of = dict[str, list[str]]()
    for fact_id, kept in latest.items():
        if kept:
            merged_of.setdefault(kept, []).append(fact_id)
    return merged_of


async def separate(client: Client, merged_of: dict[str, list[str]], who: str) -> None:
    """Make merged facts active again, and wait until the memory has done it."""
    await _publish(client, merged_of, who, active=True)


async def _publish(
    client: Client, merged_of: dict[str, list[str]], who: str, *, active: bool
) -> None:
    now, sequence = datetime.now(UTC), 0
    for kept, fact_ids in merged_of.items():
        change = VisibilityChanged(
            fact_ids=tuple(fact_ids),
            active=active,
            merged_into=kept,
            who=who or "unknown",
            why=WHY,
            changed_at=now,
        )
        sequence = max(sequence, await client.publish(change))
    if sequence:
        await wait_until_handled(client, VisibilityChanged, sequence)
