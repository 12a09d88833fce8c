"""What is added to a lone daydream: from claim to verdict, without the time in the provider.

One daydream at a time, so that nothing waits for another one.
"""

from __future__ import annotations

import asyncio

from benchmarks.figures import figure, percentile
from benchmarks.pipeline.system import BenchedSystem, benched_system
from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of

POLL_S = 0.01
WARM_UP = 10
STREAM = route_of(VerdictReached).stream


async def latency(quick: bool) -> None:
    """Print the quantiles of what is added."""
    async with benched_system() as benched:
        added_ms = [await _added_ms(benched) for _ in range(WARM_UP + (60 if quick else 300))]
    measured = added_ms[WARM_UP:]
    for share in (0.5, 0.99):
        value = percentile(measured, share)
        name = f"added_latency_ms_p{share * 100:g}"
        figure("pipeline", name, [value], "ms", daydreams=len(measured))


async def _added_ms(benched: BenchedSystem) -> float:
    """Make one more daydream."""
    number = await benched.verdicts() + 1
    lines = len(benched.system.endpoint.lines())
    await benched.draw(number)
    while await benched.verdicts() < number:
        await asyncio.sleep(POLL_S)
    stored = await benched.system.nc.jetstream().get_msg(STREAM, seq=number)
    verdict = VerdictReached.model_validate_json(stored.data or b"")
    assert stored.time is not None
    whole_s: float = (stored.time - verdict.hypothesis.pair.drawn_at).total_seconds()
    calls = benched.system.endpoint.lines()[lines:]
    in_provider_s = sum(
        float(line["at"]) if line["event"] == "end" else -float(line["at"])
        for line in calls
        if line["event"] in ("start", "end")
    )
    return 1000 * (whole_s - in_provider_s)
