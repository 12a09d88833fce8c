"""Print the result of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from daydream_console.alerts import Alerts
from daydream_console.cli.output import count, emit_json, out, usd
from daydream_console.cli.report_critic import calibration_text
from daydream_console.cli.run_progress import RunEnd
from daydream_console.cli.status_view import show_alerts, show_reports
from daydream_console.cli.verdict_view import show_verdicts
from daydream_console.client import Client
from daydream_console.overview import Overview
from daydream_contracts.events import NANOUSD_PER_USD, VerdictReached
from daydream_contracts.rpc import BudgetState, CriticState, DocumentReport, ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS

PAGE = 50
INSIGHTS_SHOWN = 10
BEST_SHOWN = 3
JUDGES_SHOWN = {"judge_calibration", "warnings", "rule"}


@dataclass(frozen=True)
class RunResult:
    """The system before and after a run, its verdicts, document reports, why it ended,
    and what was raised meanwhile.
    """

    before: Overview
    after: Overview
    verdicts: Sequence[VerdictReached]
    reports: Sequence[DocumentReport]
    end: RunEnd
    alerts: Alerts
    critic: CriticState | None = None

    @property
    def insights(self) -> list[VerdictReached]:
        return [verdict for verdict in self.verdicts if verdict.decision == "promoted"]

    @property
    def judged(self) -> int:
        return sum(1 for verdict in self.verdicts if verdict.judgements)

    @property
    def spent_nanousd(self) -> int:
        if not (self.after.budget and self.before.budget):
            return 0
        return self.after.budget.settled_nanousd - self.before.budget.settled_nanousd

    def decisions(self) -> dict[str, int]:
        return dict(Counter(verdict.decision.value for verdict in self.verdicts))


async def verdicts_since(client: Client, before: Overview) -> list[VerdictReached]:
    """Return the verdicts that were reached after this overview, newest first."""
    earlier = before.memory.verdicts if before.memory else 0
    verdicts: list[VerdictReached] = []
    while True:
        query = ListVerdicts(promoted_only=False, limit=PAGE, offset=len(verdicts))
        page = await client.rpc.request(MEMORY_VERDICTS, query)
        verdicts += page.verdicts
        new = page.total - earlier
        if not page.verdicts or len(verdicts) >= new:
            return verdicts[:new]


def print_result(result: RunResult, *, toy: bool, as_json: bool) -> None:
    """Print the insights, the verdicts and the spend."""
    if as_json:
        emit_json(_as_json(result))
        return
    show_reports(
        [
            report
            for report in result.reports
            if report.status != "read" or report.note or report.left_out
        ]
    )
    _show_best(result, toy=toy)
    out.print(
        f"\n{count(len(result.verdicts), 'daydream')} finished, {result.judged} judged by a model, "
        f"{len(result.insights)} promoted. The run ended: {result.end.reason}."
    )
    decisions = sorted(result.decisions().items())
    verdicts = ", ".join(f"{number} {decision}" for decision, number in decisions)
    out.print(f"Verdicts: {verdicts or 'none'}.")
    if letters := result.after.dead_letters:
        out.print(f"[red]{count(letters, 'dead letter')}. See: daydream dead-letters list[/red]")
    if result.critic is not None:
        show_judges(result.critic)
    show_alerts(result.alerts)
    if result.after.budget:
        _show_spend(result.after.budget, result.spent_nanousd)


def _show_best(result: RunResult, *, toy: bool) -> None:
    scored = [verdict for verdict in result.verdicts if verdict.score is not None]
    if result.insights:
        out.print(f"\n[bold]{count(len(result.insights), 'insight')}[/bold]")
        show_verdicts(result.insights[:INSIGHTS_SHOWN])
    elif scored:
        out.print("\n[bold]No hypothesis was promoted.[/bold] The highest scores:")
        scored.sort(key=lambda verdict: -(verdict.score or 0))
        show_verdicts(scored[:BEST_SHOWN])
    if toy and scored:
        out.print(
            "These texts are by the toy model: they show that the system works and mean nothing.",
            style="yellow",
        )


def show_judges(critic: CriticState) -> None:
    """Print how the judges were calibrated, and what people must know of them."""
    out.print(calibration_text(critic.judge_calibration))
    for text in critic.warnings:
        out.print(Text(text, style="yellow"))


def _show_spend(budget: BudgetState, spent_nanousd: int) -> None:
    limits = ", ".join(
        f"{usd(limit.settled_nanousd)} of {usd(limit.cap_nanousd)} ({limit.window})"
        for limit in budget.limits
    )
    total = usd(budget.settled_nanousd)
    out.print(
        f"Spent: {usd(spent_nanousd)} in this run, {total} in total. "
        f"Limits: {limits or 'none (free models need none)'}."
    )


def _as_json(result: RunResult) -> dict[str, Any]:
    budget, memory = result.after.budget, result.after.memory
    return {
        "ended": result.end.reason,
        "cap_reached": result.end.cap_reached,
        "daydreams": len(result.verdicts),
        "verdicts": memory.verdicts if memory else None,
        "judged": result.judged,
        "judges": result.critic.model_dump(mode="json", include=JUDGES_SHOWN)
        if result.critic
        else None,
        "decisions": result.decisions(),
        "spent_usd": result.spent_nanousd / NANOUSD_PER_USD,
        "budget": budget.model_dump(mode="json") if budget else None,
        "documents": [report.model_dump(mode="json") for report in result.reports],
        "insights": [verdict.model_dump(mode="json") for verdict in result.insights],
        "dead_letters": result.after.dead_letters,
        "alerts": [alert.text for alert in result.alerts.alerts],
    }
