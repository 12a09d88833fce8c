"""Read all verdicts from the memory, page by page, with their reviews and outcomes."""

from __future__ import annotations

from collections.abc import Callable

from daydream_console.client import Client
from daydream_contracts.events import OutcomeRecorded, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS

PAGE = 50


async def read_all(
    client: Client,
    *,
    promoted_only: bool = False,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> VerdictPage:
    """Return all verdicts with their reviews and outcomes, on one page.

    New verdicts shift the pages during the read, so a verdict can arrive twice; it is returned
    once. `progress` gets (verdicts read, total).
    """
    verdicts: dict[str, VerdictReached] = {}
    reviews: dict[str, ReviewRecorded] = {}
    outcomes: dict[str, OutcomeRecorded] = {}
    retracted, pending = set[str](), set[str]()
    offset = 0
    while True:
        query = ListVerdicts(promoted_only=promoted_only, limit=PAGE, offset=offset)
        page = await client.rpc.request(MEMORY_VERDICTS, query)
        verdicts |= {verdict.verdict_id: verdict for verdict in page.verdicts}
        reviews |= {review.message_id: review for review in page.reviews}
        outcomes |= {outcome.message_id: outcome for outcome in page.outcomes}
        retracted |= set(page.retracted)
        pending |= set(page.pending_review)
        offset += len(page.verdicts)
        progress(len(verdicts), page.total)
        if not page.verdicts:
            return VerdictPage(
                verdicts=tuple(verdicts.values()),
                total=len(verdicts),
                reviews=tuple(reviews.values()),
                outcomes=tuple(outcomes.values()),
                retracted=tuple(retracted),
                pending_review=tuple(pending),
            )
