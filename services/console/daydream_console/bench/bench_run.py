"""Run a benchmark: the arms one after the other, then what measures them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from rich.progress import Progress

from daydream_console.bench.arm_run import run_arm
from daydream_console.bench.measuring import measuring_asker
from daydream_console.bench.outcome import BenchOutcome, assess
from daydream_console.bench.plan import (
    FREE_INPUT_USD,
    FREE_OUTPUT_USD,
    BenchPlan,
    price_of_free_model,
)
from daydream_console.bench.record import BenchRecord
from daydream_console.bench.step_report import StepReport
from daydream_console.bench.wording import dollars
from daydream_console.cli.output import count, err
from daydream_console.cli.preparation import prepare
from daydream_console.local.gateway_program import ask_gateway_program
from daydream_contracts.events import NANOUSD_PER_USD

MEASURED_EVERY_S = 10.0


async def run_bench(plan: BenchPlan, progress: Progress) -> tuple[BenchRecord, BenchOutcome]:
    """Return the record of a benchmark and its result. What is complete already is not run again.

    Raise ConfigurationError before anything is spent if something is missing.
    """
    free = await prepare(plan.data_folder("measure"), plan.model, 0)
    plan.claim_folder()
    settings: Mapping[str, str] = price_of_free_model(plan) if free else {}
    price = _free_price() if free else await _price(plan.model.name)
    _announce(plan, price)
    started_at = datetime.now(UTC)
    # Runs of all arms alternate, so that a slow hour of a provider hits all alike.
    runs = [
        await run_arm(plan, arm, number, settings, progress)
        for number in range(plan.runs)
        for arm in plan.arms
    ]
    record = BenchRecord(
        version=version("daydream-console"),
        model=plan.model.name,
        toy=plan.model.toy,
        price=price,
        notional=free,
        corpus=plan.corpus.digest,
        pairs=plan.size.pairs,
        plain_notes=plan.size.plain_notes,
        cap_usd=plan.cap_usd,
        votes=plan.size.votes,
        labelled=plan.labelled,
        started_at=started_at,
        arms=tuple(arm.name for arm in plan.arms),
        runs=tuple(runs),
    )
    report = StepReport(progress, "measuring", MEASURED_EVERY_S)
    async with measuring_asker(plan, settings, report) as asker:
        outcome = await assess(record, plan.corpus, asker)
        await asker.count_spend()
        measured = {"answers": asker.answers, "measuring_nanousd": asker.spent_nanousd}
    return record.model_copy(update=measured), outcome


def _announce(plan: BenchPlan, price: str) -> None:
    size, runs = plan.size, len(plan.arms) * plan.runs
    bounds = [f"{dollars(plan.run_cap_nanousd / NANOUSD_PER_USD)}"]
    bounds += [count(size.daydreams_max, "daydream")] if size.daydreams_max else []
    bounds += [f"{size.minutes_max:g} minutes"] if size.minutes_max else []
    err.print(
        f"{count(runs, 'run')}, each with {len(plan.notes)} notes and at most "
        f"{' or '.join(bounds)}. Then "
        f"{dollars(plan.measuring_cap_nanousd / NANOUSD_PER_USD)} at most to measure them. "
        f"Price: {price}.",
        markup=False,
    )


def _free_price() -> str:
    return f"${FREE_INPUT_USD:.2f} / ${FREE_OUTPUT_USD:.2f} per million tokens in / out, notional"


async def _price(model: str) -> str:
    """Return the price in force, with its source."""
    price: dict[str, Any] = await ask_gateway_program("price", model)
    usual = price["tiers"][0]
    return (
        f"${usual['input']:g} / ${usual['output']:g} per million tokens in / out, "
        f"from {price['detail']}"
    )
