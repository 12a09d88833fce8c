"""Report judge quality, measured on known-good and known-bad test hypotheses (canaries)."""

from __future__ import annotations

import os

from daydream_console.cli.command import command
from daydream_console.cli.connection import READERS, connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import count, emit_json, out, table, usd
from daydream_console.local.model import choose
from daydream_contracts.rpc import (
    CalibrationProgress,
    CriticState,
    EmptyRequest,
    JudgeSkill,
    JudgeState,
    PlaceBias,
    Share,
)
from daydream_contracts.topology import CRITIC_STATE

TEXT_COLUMNS = ("judge", "family", "scores")
NUMBER_COLUMNS = (
    "calls",
    "cost per call",
    "bridges told from decoys",
    "separation (d′)",
    "position bias",
)
SCORES_SHOWN = 4
RULES = {
    "score": "absolute scores (DAYDREAM_CRITIC_PROMOTE_BY)",
    "quota": "the promotion quota",
    "precision": "the precision shown by reviews",
}


@command
async def report_critic(data: Data = None, as_json: Json = False) -> None:
    """Show judge quality, results on canaries, reviews of promoted hypotheses, and cost.

    Examples:
        daydream report critic
    """
    # The state is that of the configured model's history.
    os.environ.setdefault("DAYDREAM_MODEL_NAME", choose(weights=None, base_url="", name="").name)
    async with connection(data, (*READERS, "critic")) as client:
        state = await client.rpc.request(CRITIC_STATE, EmptyRequest())
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show(state)


def show(state: CriticState) -> None:
    """Print the state of the critic."""
    rows = table("", TEXT_COLUMNS, NUMBER_COLUMNS)
    for judge in state.judges:
        rows.add_row(*_judge_row(judge))
    out.print(rows)
    judges = count(len(state.judges), "judge")
    out.print(f"{judges}, worth {state.effective_judges:.1f} independent ones.")
    out.print(calibration_text(state.judge_calibration))
    for judge in state.judges:
        if judge.places:
            out.print(f"Mean score of {judge.name} by place in a call: {_places(judge)}.")
            out.print(f"  {_place_bias(judge.place_bias)}")
    for text in state.warnings:
        out.print(f"[bold]Warning[/bold]: {text}")
    out.print(
        f"Canaries promoted: bridges (should pass) {share_text(state.bridges)}, "
        f"decoys (should not) {share_text(state.decoys)}."
    )
    for text in state.drift:
        out.print(f"[bold]Drift[/bold]: {text}.")
    _show_threshold(state)
    _show_costs(state)


def _places(judge: JudgeState) -> str:
    """Return the mean scores by place: orders are random, so they differ by position bias."""
    return ", ".join(
        f"{place.mean:.2f}" + (f" (± {place.error:.2f})" if place.error is not None else "")
        for place in judge.places
    )


def _place_bias(bias: PlaceBias | None) -> str:
    if bias is None:
        return "Whether it favours a place is not known yet."
    return (
        f"Each place further down adds {bias.per_place:+.2f} points "
        f"({bias.low:+.2f} to {bias.high:+.2f}); 0 is no bias."
    )


def share_text(share: Share) -> str:
    """Format a share with its 95 % interval."""
    if not share.count:
        return "none yet"
    return f"{share.hits} of {share.count} ({share.low:.0%} to {share.high:.0%})"


def calibration_text(progress: CalibrationProgress) -> str:
    """Return how far the calibration of the judges is, as a sentence."""
    heads = {
        "done": "The judges are calibrated",
        "running": "The judges are being calibrated",
        "waiting": "The judges are not calibrated yet",
        "off": "The judges are not calibrated",
        "refused": "",
    }
    head = heads[progress.state]
    return f"{': '.join(part for part in (head, progress.text) if part)}."


def skill_text(skill: JudgeSkill | None) -> str:
    """Return how well a judge tells bridges from decoys, with its interval."""
    if skill is None:
        return "not measured"
    return f"{skill.share:.0%} ({skill.low:.0%} to {skill.high:.0%})"


def _judge_row(judge: JudgeState) -> tuple[str, ...]:
    most_frequent = sorted(judge.scores.items(), key=lambda item: -item[1])[:SCORES_SHOWN]
    return (
        judge.name,
        judge.family,
        " ".join(f"{score}:{times}" for score, times in most_frequent),
        str(judge.answers),
        usd(judge.nanousd_per_answer),
        skill_text(judge.skill),
        f"{judge.separation:.2f}{'' if judge.measured else ' (assumed)'}",
        f"{judge.position_bias:+.2f}" if judge.comparisons else "",
    )


def _show_threshold(state: CriticState) -> None:
    rule = RULES.get(state.rule, state.rule)
    out.print(f"Promotion threshold: log-odds {state.promotion_threshold:.2f}, set by {rule}.")
    if state.certain is not None:
        out.print(
            f"Above {state.certain.threshold:.2f}, reviews accepted "
            f"{share_text(state.certain.accepted)}; the target is {state.target_precision:.0%}."
        )
    for band in state.calibration:
        out.print(
            f"  promoted with log-odds {band.log_odds_low:.2f} to {band.log_odds_high:.2f}: "
            f"{share_text(band.accepted)} accepted"
        )


def _show_costs(state: CriticState) -> None:
    out.print(f"Judged: {state.judged} hypotheses, {usd(state.nanousd_per_verdict)} each.")
    if state.examined:
        outcomes = ", ".join(f"{number} {reason}" for reason, number in _by_count(state.examined))
        out.print(f"The oracle examined {sum(state.examined.values())}: {outcomes}.")
    bridges, decoys = state.oracle_bridges, state.oracle_decoys
    if bridges and decoys and bridges.count + decoys.count:
        out.print(
            f"Canaries that passed the oracle: bridges {share_text(bridges)}, "
            f"decoys {share_text(decoys)}."
        )
    for reason, number in _by_count(state.stopped):
        saved = usd(state.saved_nanousd.get(reason, 0))
        out.print(f"  stopped by a gate as {reason}: {number}, saved {saved}")


def _by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
