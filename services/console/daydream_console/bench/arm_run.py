"""Run an arm: the whole system over the corpus, until its cap, in its own data folder.

States: started → the notes are facts → draws until the cap, the number of daydreams or the time →
its verdicts are read → stopped. Killed at any moment, it continues in the same folder, with what is
left of the cap: ledger, memory and sampler are stored there.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import uuid4

from rich.progress import Progress

from daydream_console import ingest
from daydream_console.bench.arm_progress import ArmWatch
from daydream_console.bench.arms import Arm, shipped_settings
from daydream_console.bench.corpus import write_notes
from daydream_console.bench.plan import BenchPlan
from daydream_console.bench.record import ArmRun, RecordedDaydream
from daydream_console.bench.step_report import StepReport
from daydream_console.cli.calibration_notice import announce_calibration, critic_state
from daydream_console.cli.run_progress import wait_for_end
from daydream_console.client import Client, connected
from daydream_console.export.examples import roots_of
from daydream_console.local.folder import DataFolder
from daydream_console.local.stack import running
from daydream_console.settled_budget import settled_budget
from daydream_console.sources import SourceDocument
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Fact, FactKind, LinkKind, ModelCall, VerdictReached
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetGoal, SetLimit
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    MEMORY_STATE,
    SAMPLER_GOAL,
    SAMPLER_STATE,
    route_of,
)
from daydream_models.parsing import without_thinking
from daydream_runtime.stream_reader import read_stream

POLL_S = 0.25
STATE_FILE = "bench.json"


async def run_arm(
    plan: BenchPlan,
    arm: Arm,
    number: int,
    settings: Mapping[str, str],
    progress: Progress,
) -> ArmRun:
    """Run an arm, or return the stored result of an earlier time. `settings` are of all arms."""
    label = f"{arm.name}, run {number + 1} of {plan.runs}"
    file = plan.result_file(arm, number)
    if file.exists():
        return ArmRun.model_validate_json(file.read_text("utf-8"))
    folder = plan.data_folder(f"arms/{arm.name}-{number}")
    seed = plan.seed + number
    own = {
        **shipped_settings(os.environ),
        **settings,
        **arm.settings,
        "DAYDREAM_SAMPLER_SEED": str(seed),
    }
    report = StepReport(progress, label)
    async with (
        running(folder, arm.services, model=plan.model, progress=report, settings=own) as stack,
        connected(stack.address) as client,
    ):
        await _set_cap(client, plan.run_cap_nanousd)
        await _read_notes(client, plan, folder, report)
        ended, seconds = await _daydream(client, plan, folder, progress, label)
        state = await critic_state(client)
        verdicts = await _verdicts(client)
        spent = (await settled_budget(client)).settled_nanousd
    written = [call for verdict in verdicts for call in verdict.hypothesis.calls]
    judged = [call for verdict in verdicts for call in verdict.calls]
    result = ArmRun(
        arm=arm.name,
        run=number,
        seed=seed,
        cap_nanousd=plan.run_cap_nanousd,
        spent_nanousd=spent,
        seconds=seconds,
        ended=ended,
        settings=dict(arm.settings),
        prompts=_prompts("writer", written) | _prompts("critic", judged),
        models=dict(Counter(call.model for call in (*written, *judged))),
        calibration=state.judge_calibration if state else None,
        daydreams=tuple(recorded_daydreams(verdicts)),
    )
    file.write_text(result.model_dump_json(), "utf-8")
    return result


def _prompts(role: str, calls: Iterable[ModelCall]) -> dict[str, str]:
    return {f"{role} {call.prompt.name}": call.prompt.digest for call in calls}


async def _set_cap(client: Client, cap_nanousd: int) -> None:
    limit = SetLimit(window="lifetime", cap_nanousd=cap_nanousd)
    change = ChangeBudget(change_id=uuid4().hex, change=limit, who="daydream bench", why="its cap")
    await client.rpc.request(BUDGET_CHANGE, change)


async def _read_notes(
    client: Client, plan: BenchPlan, folder: DataFolder, report: Callable[[str], None]
) -> None:
    """Offer the notes, and wait until all of them are facts: then all arms draw from the same.

    Raise ConfigurationError if the memory refuses one.
    """
    notes = plan.notes
    report(f"reading {len(notes)} notes")
    files = await asyncio.to_thread(write_notes, folder.path / "notes", notes)
    documents = [SourceDocument(file.name, file.read_bytes) for file in files]
    offers = ingest.offer(client, documents)
    reports = await ingest.reports(client, [offered async for offered in offers])
    if refused := [report for report in reports if report.status != "read"]:
        raise ConfigurationError(
            f"The memory did not read {len(refused)} notes: {refused[0].note}",
            "Each note of a corpus must be a sentence that can be read as a document",
        )
    while True:
        memory = await client.rpc.request(MEMORY_STATE, EmptyRequest())
        if memory.facts >= len(notes) and not memory.facts_pending:
            return
        await asyncio.sleep(POLL_S)


async def _verdicts(client: Client) -> list[VerdictReached]:
    """Return all verdicts as their stream has them, with the models' raw answers."""
    stream = route_of(VerdictReached).stream
    last = (await client.js.stream_info(stream)).state.last_seq
    return [
        VerdictReached.model_validate_json(message.data)
        async for _, message in read_stream(client.js, stream, 0, last)
    ]


async def _daydream(
    client: Client, plan: BenchPlan, folder: DataFolder, progress: Progress, label: str
) -> tuple[str, float]:
    """Draw until the end. Return why it ended, and the seconds of all times that it ran.

    When its time is up, what is in progress has no verdict, and does not count.
    """
    size = plan.size
    goal = size.daydreams_max or math.comb(len(plan.notes), 2)
    earlier = float(folder.read(STATE_FILE).get("seconds", 0))
    left = max(1.0, 60 * size.minutes_max - earlier) if size.minutes_max else None
    began = time.monotonic()
    await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=goal))
    task = progress.add_task(label, total=size.daydreams_max or None)
    watch = ArmWatch(
        progress,
        task,
        goal,
        0,
        label=label,
        cap_nanousd=plan.run_cap_nanousd,
        daydreams_max=size.daydreams_max,
        seconds_max=left or 0.0,
    )
    try:
        async with asyncio.timeout(left) as limit:
            await announce_calibration(client)
            reason = (await wait_for_end(client, watch)).reason
    except TimeoutError:
        if not limit.expired():
            raise
        reason = f"its {size.minutes_max:g} minutes are up"
    finally:
        progress.remove_task(task)
        seconds = earlier + time.monotonic() - began
        folder.write(STATE_FILE, {"seconds": seconds})
        drawn = (await client.rpc.request(SAMPLER_STATE, EmptyRequest())).drawn
        await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=drawn))
    return reason, seconds


def recorded_daydreams(verdicts: Sequence[VerdictReached]) -> list[RecordedDaydream]:
    """Return the final verdicts as a record has them, the oldest first, without canaries."""
    verdicts = [verdict for verdict in verdicts if not verdict.hypothesis.pair.canary]
    roots = roots_of(verdicts)
    names = dict[str, str]()
    for verdict in verdicts:
        for fact in _facts(verdict):
            if fact.kind is not FactKind.INSIGHT:
                names[fact.fact_id] = fact.source.removesuffix(".txt")
    final = sorted(
        (verdict for verdict in verdicts if verdict.final), key=lambda verdict: verdict.reached_at
    )
    return [_recorded(verdict, roots, names) for verdict in final]


def _facts(verdict: VerdictReached) -> tuple[Fact, Fact]:
    return verdict.hypothesis.pair.first, verdict.hypothesis.pair.second


def _recorded(
    verdict: VerdictReached, roots: Mapping[str, set[str]], names: Mapping[str, str]
) -> RecordedDaydream:
    first, second = (
        tuple(sorted({names[root] for root in roots.get(fact.fact_id, {fact.fact_id})}))
        for fact in _facts(verdict)
    )
    synthesis = verdict.hypothesis.synthesis
    return RecordedDaydream(
        notes=tuple(sorted({*first, *second})),
        parents=(first, second),
        strategy=verdict.hypothesis.pair.strategy,
        title=synthesis.title if synthesis else "",
        text=_shown_text(verdict),
        decision=verdict.decision.value,
        reason=verdict.reason,
        score=verdict.score,
        cost_nanousd=verdict.cost_nanousd,
        written=tuple(call.answer for call in verdict.hypothesis.calls),
        judged=tuple(call.answer for call in verdict.calls),
    )


def _shown_text(verdict: VerdictReached) -> str:
    """Return what a reader is shown: all texts of the finding, or the whole answer in prose."""
    synthesis, calls = verdict.hypothesis.synthesis, verdict.hypothesis.calls
    if synthesis is None:
        return ""
    if synthesis.link is LinkKind.UNSPECIFIED and calls:
        return without_thinking(calls[-1].answer)
    texts = (synthesis.title, synthesis.hypothesis, synthesis.reasoning, synthesis.implication)
    return "\n".join(filter(None, texts))
