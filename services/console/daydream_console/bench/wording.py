"""What the figures say, in sentences and cells: for the terminal, Markdown and the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from daydream_console.bench.arms import FULL_ARM, PLAIN_ARM
from daydream_console.bench.outcome import ArmOutcome, BenchOutcome
from daydream_console.bench.record import ArmRun, BenchRecord
from daydream_console.bench.statistics import RATIO_MAX, BenchInterval

SMALL_USD = 0.1
MINUTE_S, HOUR_S = 60, 3600
COLUMNS = (
    "arm",
    "spent",
    "time",
    "daydreams",
    "shown",
    "good",
    "good per $ (95 %)",
    "times the plain arm (95 %)",
    "good of those shown (95 %)",
    "$ per good (95 %)",
    "decoys shown, of those drawn",
)
CALIBRATION_STATES = {
    "done": "calibrated",
    "off": "calibration is switched off",
    "refused": "not calibrated: too expensive for the cap",
    "waiting": "not calibrated: it had not begun",
    "running": "not calibrated: it had not ended",
}
EXPLANATIONS = (
    "shown: hypotheses that the arm promoted, so that people would read them.",
    "good: those that state a known link between two notes, which needs both of them; each such "
    "bridge counts once per run. Corrected for the errors of the model that compares them.",
    "decoys shown: promoted hypotheses about two notes that share a word and nothing else.",
    "(95 %): the interval that holds the true value in 95 of 100 benchmarks. –: nothing to compute "
    "it from.",
)


def cells(arm: ArmOutcome) -> tuple[str, ...]:
    """Return the row of an arm, in the order of COLUMNS."""
    return (
        arm.arm,
        dollars(arm.usd),
        duration(arm.seconds),
        str(arm.daydreams),
        str(arm.promoted),
        number(arm.good),
        with_interval(arm.good_per_usd),
        ratio_text(arm.ratio, arm.ratio_found) if arm.ratio else "–",
        share(arm.precision) if arm.promoted else "–",
        dollars_with_interval(arm.usd_per_good) if arm.usd_per_good else "–",
        f"{arm.decoys_promoted} of {arm.decoys_drawn}",
    )


def headline(outcome: BenchOutcome, record: BenchRecord) -> str:
    """Return the result in one or two sentences."""
    if record.remark:
        return record.remark
    if record.toy:
        return (
            "This was the bundled toy model, which has no ideas: the table shows that everything "
            "works, and says nothing about which arm is better. For a result, name a model: "
            "daydream bench --model gpt-4.1-mini --cap 5"
        )
    ratio, full = outcome.ratio, outcome.of(FULL_ARM)
    if full is None or outcome.of(PLAIN_ARM) is None or ratio is None:
        return f"To compare, run the arms {PLAIN_ARM} and {FULL_ARM}."
    if not sum(arm.good for arm in outcome.arms):
        return (
            "No arm found a known link, so there is nothing to compare. Raise --cap or --runs, "
            "or lower --plain-notes."
        )
    if uncalibrated_text(record.runs, FULL_ARM):
        return (
            f"The arm {FULL_ARM} ran without calibrated judges, so this is no result for daydream "
            "as shipped. Raise --cap, or lower --runs."
        )
    times = ratio_text(ratio, full.ratio_found)
    said = f"{times} times as many good insights per dollar as the plain loop"
    if ratio.low > 1:
        return f"daydream found {said}."
    if ratio.high < 1:
        return f"daydream found fewer: {said}."
    return (
        f"Not decided: daydream found {said}, and the interval includes 1. Raise --cap or --runs."
    )


def notes(outcome: BenchOutcome, record: BenchRecord) -> list[str]:
    """Return what a reader must know besides."""
    money = "counted at a fixed price; the model is free" if record.notional else record.price
    lines = [
        f"Model: {record.model} ({money}). All arms had the same cap, and ledgers that keep it.",
        f"Each memory has {outcome.bridges} pairs with a known link among "
        f"{math.comb(outcome.notes, 2):,} pairs of {outcome.notes} notes.",
        *(f"{arm.arm}: {arm.text}." for arm in outcome.arms),
        *EXPLANATIONS,
    ]
    lines += [text for arm in outcome.arms if (text := uncalibrated_text(record.runs, arm.arm))]
    if early := sorted({run.arm for run in record.runs if "cap" not in run.ended}):
        lines.append(
            f"Runs of {', '.join(early)} ended before their cap, so the dollars are not equal."
        )
    errors = outcome.errors
    if errors is None:
        lines.append(
            "No arm wrote a hypothesis about the notes of a known link, so nothing was compared."
        )
    else:
        lines.append(
            f"The comparing model, {_votes(record.votes)} each: of labelled matches it "
            f"recognized {errors.same_right} of {errors.same}, and rejected {errors.other_right} "
            f"of {errors.other} others."
        )
        if not errors.can_tell:
            lines.append(
                "It can hardly tell them apart, so its answers are not corrected, and the numbers "
                "of good ones mean little."
            )
    if outcome.excluded:
        lines.append(
            f"Left out, because one note alone yields their link: {', '.join(outcome.excluded)}."
        )
    return lines


def uncalibrated_text(runs: Sequence[ArmRun], arm: str) -> str:
    """Return that judges of an arm were not calibrated, and why, or "" if all were.

    An arm that switches calibration off, as its name says, needs no remark.
    """
    states = [run.calibration for run in runs if run.arm == arm and run.calibration]
    missing = [state for state in states if state.state not in ("done", "off")]
    if not missing:
        return ""
    times = f"{len(missing)} of {len(states)} runs" if len(states) > 1 else "its run"
    reason = missing[0].text or "the calibration did not end"
    return f"{arm}: without calibrated judges in {times}. {reason.rstrip('.')}."


def with_interval(interval: BenchInterval) -> str:
    """Format a value with its interval."""
    return f"{number(interval.value)} ({number(interval.low)} to {number(interval.high)})"


def dollars_with_interval(interval: BenchInterval) -> str:
    """Format an amount with its interval, which may have no upper end."""
    high = "more" if interval.high >= RATIO_MAX else dollars(interval.high)
    return f"{dollars(interval.value)} ({dollars(interval.low)} to {high})"


def ratio_text(interval: BenchInterval, plain_found: bool) -> str:
    """Format a ratio with its interval, which may have no upper end.

    Where the plain arm found nothing, there is a lower end only, if any.
    """
    if not plain_found:
        return f"at least {number(interval.low)}" if interval.low else "–"
    high = "more" if interval.high >= RATIO_MAX else number(interval.high)
    return f"{number(interval.value)} ({number(interval.low)} to {high})"


def share(interval: BenchInterval) -> str:
    """Format a share with its interval, in percent."""
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"


def number(value: float) -> str:
    """Format a number with about two digits that count."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def dollars(usd: float) -> str:
    """Format dollars, with as many decimals as small amounts need."""
    if not usd:
        return "$0"
    return f"${usd:.2f}" if usd >= SMALL_USD else f"${usd:.6f}".rstrip("0")


def duration(seconds: float) -> str:
    """Format a time in its largest units."""
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h"


def reproduction(record: BenchRecord) -> list[tuple[str, str]]:
    """Return what it takes to run it again: versions, seeds, prompts, prices."""
    prompts = {name: digest for run in record.runs for name, digest in run.prompts.items()}
    seeds = sorted({run.seed for run in record.runs})
    return [
        ("daydream", record.version),
        ("started", f"{record.started_at:%Y-%m-%d %H:%M} UTC"),
        ("model", record.model),
        ("price", record.price),
        ("cap", f"${record.cap_usd:g} for everything"),
        ("spent on measuring", dollars(record.measuring_nanousd / 1e9)),
        ("corpus", f"{record.corpus[:16]}, {record.plain_notes} plain notes"),
        ("seeds of the draws", ", ".join(map(str, seeds))),
        ("votes per comparison", str(record.votes)),
        *((f"prompt {name}", digest[:16]) for name, digest in sorted(prompts.items())),
        *((f"judges of {arm}", text) for arm, text in _calibrations(record)),
        *((f"settings of {arm}", text) for arm, text in _settings(record)),
    ]


def _votes(number: int) -> str:
    return "1 vote" if number == 1 else f"{number} votes"


def _calibrations(record: BenchRecord) -> Sequence[tuple[str, str]]:
    """Return for each arm in which states the calibrations of its judges were when it ended."""
    states: dict[str, list[str]] = {}
    for run in record.runs:
        if run.calibration is not None:
            states.setdefault(run.arm, []).append(CALIBRATION_STATES[run.calibration.state])
    return [(arm, ", ".join(dict.fromkeys(texts))) for arm, texts in states.items()]


def _settings(record: BenchRecord) -> Sequence[tuple[str, str]]:
    by_arm = {run.arm: run.settings for run in record.runs}
    return [
        (
            arm,
            ", ".join(f"{name}={value}" for name, value in settings.items()) or "as shipped",
        )
        for arm, settings in by_arm.items()
    ]
