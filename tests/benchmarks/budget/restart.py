"""Start time of a replica on a large ledger whose ids are all remembered: replay or snapshot."""

from __future__ import annotations

import time

from nats.js import JetStreamContext

from benchmarks.figures import figure
from daydream_budget.ledger import snapshots
from daydream_budget.ledger.projection import LedgerProjection

ENTRIES_PER_PAYMENT = 4  # opened, authorized, settled, released


async def measure(js: JetStreamContext, last: int, entries: int) -> None:
    """Print the figures of a ledger of about `entries` entries that ends at sequence `last`."""
    labels = {"entries": entries, "commits": last}
    name = f"replay_{'1m' if entries == 1_000_000 else entries}_entries_s"
    started = time.perf_counter()
    projection = LedgerProjection(js)
    await projection.replay()
    figure("budget", name, [time.perf_counter() - started], "s", snapshot="no", **labels)
    position = projection.position
    if position.sequence != last:
        raise RuntimeError(f"the replay ended at {position.sequence}, the ledger at {last}")
    started = time.perf_counter()
    await snapshots.save(js, projection.state, position)
    saved_s = time.perf_counter() - started
    started = time.perf_counter()
    state, position = await snapshots.load(js)
    if not position.sequence:
        raise RuntimeError("the snapshot can't be read")
    await LedgerProjection(js, state, position).replay()
    figure(
        "budget",
        name,
        [time.perf_counter() - started],
        "s",
        snapshot="yes",
        saved_in_s=round(saved_s, 3),
        **labels,
    )
