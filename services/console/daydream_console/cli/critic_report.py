"""`daydream report critic`: how good the judges are, and what the critic does to hypotheses that were planted."""

from __future__ import annotations

import os

from rich.table import Table

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.local.model import choose
from daydream_console.local.stack import READERS
from daydream_contracts.rpc import CriticState, EmptyRequest, Share
from daydream_contracts.topology import CRITIC_STATE

COLUMNS = (
    "judge",
    "family",
    "answers",
    "scores",
    "per answer",
    "separation",
    "favours the first by",
)


def report_critic(data: Data = None, as_json: Json = False) -> None:
    """Judges, what became of planted hypotheses, what people made of promoted ones, and what it costs."""

    async def work() -> None:
        os.environ.setdefault(
            "DAYDREAM_MODEL_NAME", choose(weights=None, base_url="", name="").name
        )  # whose history is told
        async with reading(data or default_folder(), (*READERS, "critic")) as client:
            state = await client.ask(CRITIC_STATE, EmptyRequest())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            show(state)

    perform(work, as_json=as_json)


def show(state: CriticState) -> None:
    """For people."""
    table = Table()
    for at, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if at in (0, 1, 3) else "right")
    for one in state.judges:
        scores = " ".join(
            f"{score}:{count}"
            for score, count in sorted(one.scores.items(), key=lambda item: -item[1])[:4]
        )
        position = f"{one.position_bias:+.2f}" if one.comparisons else ""
        guessed = "" if one.measured else " (guessed)"
        table.add_row(
            one.name,
            one.family,
            str(one.answers),
            scores,
            usd(one.nanousd_per_answer),
            f"{one.separation:.2f}{guessed}",
            position,
        )
    out.print(table)
    out.print(
        f"Together they are worth {state.effective_judges:.1f} independent votes of {len(state.judges)}."
    )
    out.print(
        f"Planted links that hold: {_said(state.bridges)} would be promoted. Planted ones that do not: {_said(state.decoys)}."
    )
    for text in state.drift:
        out.print(f"[bold]Drift[/bold]: {text}.")
    words = {
        "score": "absolute scores, until each judge has a history",
        "quota": "the best few",
        "precision": "what people's reviews show",
    }
    out.print(
        f"The line is at log-odds {state.promotion_threshold:.2f}, by {words.get(state.rule, state.rule)}."
    )
    if state.certain is not None:
        out.print(
            f"Above {state.certain.threshold:.2f} people accepted {_said(state.certain.accepted)}; {state.target_precision:.0%} were wanted."
        )
    for part in state.calibration:
        out.print(
            f"  promoted with log-odds {part.log_odds_low:.2f} to {part.log_odds_high:.2f}: {_said(part.accepted)} accepted"
        )
    out.print(f"{state.judged} hypotheses were judged at {usd(state.nanousd_per_verdict)} each.")
    if state.examined:
        ends = ", ".join(
            f"{count} {reason}"
            for reason, count in sorted(state.examined.items(), key=lambda item: -item[1])
        )
        out.print(f"The oracle examined {sum(state.examined.values())}: {ends}.")
    if (
        state.oracle_bridges
        and state.oracle_decoys
        and state.oracle_bridges.count + state.oracle_decoys.count
    ):
        out.print(
            f"Of planted ones that came to it, it let through {_said(state.oracle_bridges)} that hold and {_said(state.oracle_decoys)} that do not."
        )
    for reason, count in sorted(state.stopped.items(), key=lambda item: -item[1]):
        out.print(
            f"  {count} were stopped before as {reason}, which saved {usd(state.saved_nanousd.get(reason, 0))}"
        )


def _said(share: Share) -> str:
    if not share.count:
        return "none yet"
    return f"{share.hits} of {share.count} ({share.low:.0%} to {share.high:.0%})"
