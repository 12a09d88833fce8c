"""What other designs spend with the same calls, workers and caps, and the same endpoint as witness.

Overshoot is a share of the cap: 1 means that twice the cap was spent.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from statistics import mean

from benchmarks.budget.cap_runs import CENTS, WORKERS
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.simple_counters import COUNTERS, PostHoc
from benchmarks.budget.trace import USD, TracedCall, shuffled
from benchmarks.budget.workers import WorkerPool
from benchmarks.figures import figure

SNIPZ = "snipz==0.2.0"
NEEDS = (3, 13)
INTERPRETERS = ("python3.13", "python3.14", "python3", "python")
TESTS = Path(__file__).parents[2]


def measure(
    file: Path,
    calls: list[TracedCall],
    *,
    quick: bool,
    ledger_rates: Mapping[tuple[int, int], float],
) -> None:
    """Print the figures.

    `ledger_rates`: the ledger's calls per second by cap and workers, if measured in this run.
    """
    asyncio.run(_counters(calls, seeds=1 if quick else 5, quick=quick))
    _snipz(file, seeds=1 if quick else 3, ledger_rates=ledger_rates)


async def _counters(calls: list[TracedCall], *, seeds: int, quick: bool) -> None:
    for name, counter in COUNTERS.items():
        for cents in CENTS[:2] if quick else CENTS:
            for workers in WORKERS:
                cap = cents * USD // 100
                billed = await asyncio.gather(
                    *(_counter(counter, calls, cap, workers, seed) for seed in range(seeds))
                )
                _print(name, cents, workers, list(billed))


async def _counter(
    counter: type[PostHoc], calls: list[TracedCall], cap: int, workers: int, seed: int
) -> int:
    endpoint = PricedEndpoint()
    await WorkerPool(counter(endpoint, cap), cycle(shuffled(calls, seed))).run(workers)
    return endpoint.billed


def _snipz(file: Path, *, seeds: int, ledger_rates: Mapping[tuple[int, int], float]) -> None:
    interpreter = next(
        (path for name in INTERPRETERS if (path := shutil.which(name)) and _fits(path)), None
    )
    if interpreter is None:
        return _skip(f"it needs Python {'.'.join(map(str, NEEDS))} or newer, and PATH has none")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [
        uv,
        "run",
        "--quiet",
        "--no-project",
        "--isolated",
        "--python",
        interpreter,
        "--with",
        SNIPZ,
        "python",
        "-m",
        "benchmarks.budget.snipz_peer",
    ]
    done = subprocess.run(
        [*command, str(file), str(seeds)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        messages = [line.strip(" |") for line in done.stderr.splitlines() if line.strip(" |+-")]
        return _skip((messages or ["it failed without a message"])[-1])
    for line in done.stdout.splitlines():
        cell = json.loads(line)
        _print(
            "snipz, SQLite",
            cell["cents"],
            cell["workers"],
            [billed for billed, _, _ in cell["runs"]],
        )
        rates = [made / seconds for _, made, seconds in cell["runs"]]
        labels = {
            "peer": "snipz, SQLite",
            "cap_usd": cell["cents"] / 100,
            "workers": cell["workers"],
            "sync": "at checkpoints",
        }
        figure("budget", "peer_payments_per_s", rates, "1/s", **labels)
        if rate_of_ledger := ledger_rates.get((cell["cents"], cell["workers"])):
            figure(
                "budget",
                "ours_by_peer_payments",
                [rate_of_ledger / rate for rate in rates],
                "ratio",
                ours_per_s=round(rate_of_ledger),
                ours_sync="always",
                **labels,
            )
    return None


def _fits(interpreter: str) -> bool:
    check = f"import sys; sys.exit(sys.version_info < {NEEDS})"
    return (
        subprocess.run([interpreter, "-c", check], capture_output=True, check=False).returncode == 0
    )


def _print(peer: str, cents: int, workers: int, billed: list[int]) -> None:
    cap = cents * USD // 100
    over = [max(0, spent - cap) / cap for spent in billed]
    used = round(mean(spent / cap for spent in billed), 6)
    figure(
        "budget",
        "peer_overshoot_ratio",
        over,
        "share of the cap",
        peer=peer,
        cap_usd=cents / 100,
        workers=workers,
        utilisation=used,
    )


def _skip(reason: str) -> None:
    print(
        json.dumps(
            {
                "benchmark": "budget",
                "figure": "peer_overshoot_ratio",
                "peer": "snipz",
                "skipped": reason,
            }
        ),
        flush=True,
    )
