"""How long a replica takes to start on a large ledger, all of whose ids are still remembered: read again, or from a snapshot."""

from __future__ import annotations

import time

from nats.js import JetStreamContext

from benchmarks.figures import figure
from daydream_budget.ledger import snapshots
from daydream_budget.ledger.ledger import replay
from daydream_budget.ledger.state import LedgerState

ENTRIES_A_PAYMENT = 4  # opened, drawn, settled, closed


async def measure(js: JetStreamContext, last: int, entries: int) -> None:
    """Print the figures of a ledger of about so many entries that ends at this sequence."""
    more = {"entries": entries, "commits": last}
    name = f"replay_{'1m' if entries == 1_000_000 else entries}_entries_s"
    started = time.perf_counter()
    books = LedgerState()
    sequence = await replay(js, books, 0)
    figure("budget", name, [time.perf_counter() - started], "s", snapshot="no", **more)
    if sequence != last:
        raise RuntimeError(f"read until {sequence}, but the ledger ends at {last}")
    started = time.perf_counter()
    await snapshots.save(js, books, sequence)
    saved_s = time.perf_counter() - started
    started = time.perf_counter()
    books, sequence = await snapshots.load(js)
    if not sequence:
        raise RuntimeError("the snapshot could not be read")
    await replay(js, books, sequence)
    figure(
        "budget",
        name,
        [time.perf_counter() - started],
        "s",
        snapshot="yes",
        saved_in_s=round(saved_s, 3),
        **more,
    )
