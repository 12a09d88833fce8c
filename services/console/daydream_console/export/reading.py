"""Read all verdicts from the memory, page by page, and outcomes from their stream."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from pydantic import ValidationError

from daydream_console.client import Client
from daydream_contracts.events import OutcomeRecorded, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS, route_of
from daydream_runtime.stream_reader import read_stream

PAGE = 50


async def read_all(
    client: Client,
    *,
    promoted_only: bool = False,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> VerdictPage:
    """Return all verdicts with their reviews, on one page.

    New verdicts shift the pages during the read, so a verdict can arrive twice; it is returned
    once. `progress` gets (verdicts read, total).
    """
    verdicts: dict[str, VerdictReached] = {}
    reviews: dict[str, ReviewRecorded] = {}
    retracted, pending = set[str](), set[str]()
    offset = 0
    while True:
        query = ListVerdicts(promoted_only=promoted_only, limit=PAGE, offset=offset)
        page = await client.rpc.request(MEMORY_VERDICTS, query)
        verdicts |= {verdict.verdict_id: verdict for verdict in page.verdicts}
        reviews |= {review.message_id: review for review in page.reviews}
        retracted |= set(page.retracted)
        pending |= set(page.pending_review)
        offset += len(page.verdicts)
        progress(len(verdicts), page.total)
        if not page.verdicts:
            return VerdictPage(
                verdicts=tuple(verdicts.values()),
                total=len(verdicts),
                reviews=tuple(reviews.values()),
                retracted=tuple(retracted),
                pending_review=tuple(pending),
            )


async def read_outcomes(client: Client) -> dict[str, OutcomeRecorded]:
    """Return the last outcome of each verdict that has one. Unreadable ones are left out."""
    stream = route_of(OutcomeRecorded).stream
    last = (await client.js.stream_info(stream)).state.last_seq
    outcomes: dict[str, OutcomeRecorded] = {}
    async for _, message in read_stream(client.js, stream, 0, last, gaps=True):
        with contextlib.suppress(ValidationError):
            outcome = OutcomeRecorded.model_validate_json(message.data)
            outcomes[outcome.verdict_id] = outcome
    return outcomes
