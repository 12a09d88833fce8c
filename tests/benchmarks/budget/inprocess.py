"""The ledger inside this process, over a real NATS server: what group commit reaches without questions over NATS, and how
long it takes to read a large ledger again."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.js import JetStreamContext

from benchmarks.budget.ledger import ENDLESS
from benchmarks.budget.payments import BOUND, COST, draw, envelope
from benchmarks.figures import figure
from daydream_budget import snapshots
from daydream_budget.books import Books
from daydream_budget.ledger import Ledger, replay
from daydream_shared.messages import AlertRaised
from daydream_shared.provision import provision
from daydream_shared.requests import ChangeBudget, SetLimit, Settle
from daydream_shared.subjects import LEDGER_SUBJECT
from support.programs import NatsServer

CLIENTS = 64
SECONDS = 1.0
ENTRIES_A_PAYMENT = 4  # opened, drawn, settled, closed


async def measure(*, quick: bool) -> None:
    """Print the figures."""
    rounds = 2 if quick else 5
    async with _ledger(sync_always=True) as (ledger, _):
        figure("budget", "pairs_per_s", [await _pairs(ledger, f"pairs-{number}") for number in range(rounds)], "1/s", form="draw, settle", **_MORE)
        whole = [await _payments(ledger, f"whole-{number}", CLIENTS, SECONDS) / SECONDS for number in range(rounds)]
        figure("budget", "pairs_per_s", whole, "1/s", form="open with draw, settle with close", **_MORE)
    async with _ledger(sync_always=False) as (ledger, js):
        await _replays(ledger, js, 50_000 if quick else 1_000_000)


_MORE = {"in_flight": CLIENTS, "replicas": 1, "sync": "always", "where": "in process"}


@asynccontextmanager
async def _ledger(*, sync_always: bool) -> AsyncIterator[tuple[Ledger, JetStreamContext]]:
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder), sync_always=sync_always)
        server.start()
        nc = await nats.connect(server.url)
        await provision(nc, replicas=1)
        js = nc.jetstream()
        ledger = Ledger(js, Books(), 0, by="benchmark", tell=_tell, on_commit=_on_commit)
        committer = asyncio.create_task(ledger.commit_forever())
        try:
            await ledger.ask(ChangeBudget(change_id="cap", what=SetLimit(window="lifetime", cap_nanousd=ENDLESS), who="benchmark"))
            yield ledger, js
        finally:
            committer.cancel()
            await asyncio.gather(committer, return_exceptions=True)
            await nc.close()
            server.kill()


async def _pairs(ledger: Ledger, name: str) -> float:
    """Draws and their settlements a second, from envelopes that are open already: what a call costs."""
    done, end = 0, time.perf_counter() + SECONDS

    async def client(own: str) -> None:
        nonlocal done
        opened = envelope(own)
        large = opened.parts[0].model_copy(update={"bound_nanousd": BOUND * 100_000})
        await ledger.ask(opened.model_copy(update={"parts": (large,)}))
        number = 0
        while time.perf_counter() < end:
            grant = await ledger.ask(draw(own, f"{own}-{number}"))
            await ledger.ask(Settle(attempt_id=grant.attempt_id, cost_nanousd=COST))
            number += 1
        done += number

    await asyncio.gather(*(client(f"{name}-{number}") for number in range(CLIENTS)))
    return done / SECONDS


async def _payments(ledger: Ledger, name: str, clients: int, seconds: float, most: float = float("inf")) -> int:
    """Whole payments in so much time, or so many."""
    done, end = 0, time.perf_counter() + seconds

    async def client(own: str) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() < end and done < most:
            grant = await ledger.ask(envelope(f"{own}-{number}", first=True))
            await ledger.ask(Settle(attempt_id=grant.attempt_id, cost_nanousd=COST, last=True))
            number += 1
            done += 1

    await asyncio.gather(*(client(f"{name}-{number}") for number in range(clients)))
    return done


async def _replays(ledger: Ledger, js: JetStreamContext, entries: int) -> None:
    """Fill a ledger, all of whose ids are still remembered, and read it as a replica does that starts."""
    payments = await _payments(ledger, "filled", 256, 600.0, entries // ENTRIES_A_PAYMENT)
    more = {"entries": payments * ENTRIES_A_PAYMENT, "commits": ledger.sequence}
    name = f"replay_{'1m' if entries == 1_000_000 else entries}_entries_s"
    started = time.perf_counter()
    books = Books()
    sequence = await replay(js, books, 0)
    figure("budget", name, [time.perf_counter() - started], "s", snapshot="no", **more)
    if sequence != ledger.sequence:
        raise RuntimeError(f"read until {sequence}, but the ledger ends at {ledger.sequence} on {LEDGER_SUBJECT}")
    started = time.perf_counter()
    await snapshots.save(js, books, sequence)
    saved_s = time.perf_counter() - started
    started = time.perf_counter()
    books, sequence = await snapshots.load(js)
    if not sequence:
        raise RuntimeError("the snapshot could not be read")
    await replay(js, books, sequence)
    figure("budget", name, [time.perf_counter() - started], "s", snapshot="yes", saved_in_s=round(saved_s, 3), **more)


async def _tell(alert: AlertRaised) -> None:
    pass


async def _on_commit() -> None:
    pass
