"""Print a list of insights."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from daydream_console.cli.output import local_time, out, print_boxed, usd
from daydream_console.reviews import describe_review
from daydream_contracts.events import OutcomeRecorded, ReviewRecorded
from daydream_contracts.rpc import (
    InsightPage,
    InsightState,
    InsightSummary,
    SourceFact,
)

STYLES = {
    InsightState.ACTIVE: "green",
    InsightState.PENDING: "yellow",
    InsightState.REJECTED: "red",
    InsightState.RETRACTED: "red",
}
INCOMPLETE = "The console still reads the streams: older insights are missing."


def show_insight_page(page: InsightPage, offset: int) -> None:
    """Print a page of insights."""
    for insight in page.insights:
        show_insight(insight)
    if not page.total:
        out.print("No insight matches. See all verdicts: daydream insights --all")
    elif not page.insights:
        out.print(f"There are only {page.total}.")
    else:
        last = offset + len(page.insights)
        next_page = f" Next: --offset {last}" if last < page.total else ""
        out.print(f"{offset + 1} to {last} of {page.total}.{next_page}")
    if not page.complete:
        out.print(INCOMPLETE, style="yellow")


def show_insight(insight: InsightSummary) -> None:
    """Print one insight: what, why, from what, how good, at what cost."""
    title = Text(insight.title or "(no link)", style="bold")
    title.append(f" · {insight.state.value} · {local_time(insight.reached_at, '')}", style="")
    print_boxed(
        _body(insight),
        title=title,
        subtitle=insight.verdict_id,
        style=STYLES.get(insight.state, "dim"),
    )


def rating_line(insight: InsightSummary) -> str:
    """Return worth, score, kind, strategy, depth, writer and cost in one line."""
    parts = (
        f"worth {insight.worth:.0%}" if insight.worth is not None else "worth not calibrated yet",
        f"score {insight.score:.1f}" if insight.score is not None else "",
        insight.kind.value if insight.kind else "",
        f"strategy {insight.strategy}",
        f"depth {insight.depth}",
        f"written by {insight.model}" if insight.model else "",
        f"team {insight.team}" if insight.team else "",
        f"cost {usd(insight.cost_nanousd)}",
    )
    return " · ".join(filter(None, parts))


def _body(insight: InsightSummary) -> Text:
    text = Text()
    labelled = (
        ("", insight.hypothesis),
        ("Why: ", insight.reasoning),
        ("To test: ", insight.implication),
        ("If it were false: ", insight.if_false),
    )
    for label, content in labelled:
        if content:
            text.append(label, style="bold").append(f"{content}\n")
    if not insight.hypothesis:
        text.append(f"{insight.explanation}\n")
    for number, fact in enumerate((insight.first, insight.second), 1):
        text.append(f"Fact {number}: ", style="bold").append(f"{fact.text}\n")
        text.append(f"        {source_of(fact)}\n", style="dim")
    text.append(rating_line(insight), style="bold")
    for line in _opinions(insight.review, insight.outcome):
        text.append(f"\n{line}")
    return text


def source_of(fact: SourceFact) -> str:
    """Return where a fact comes from, in one line."""
    return " · ".join(part for part in (fact.title, fact.source) if part) or fact.fact_id


def _opinions(review: ReviewRecorded | None, outcome: OutcomeRecorded | None) -> Iterator[str]:
    if review:
        yield review_line(review)
    if outcome:
        yield outcome_line(outcome)


def review_line(review: ReviewRecorded) -> str:
    """Return a review in one line."""
    line = f"{review.who} {describe_review(review)}, {local_time(review.recorded_at, '')}"
    return with_note(line, review.note)


def outcome_line(outcome: OutcomeRecorded) -> str:
    """Return an outcome in one line."""
    result = outcome.result.value.capitalize()
    line = f"{result} by {outcome.who}, {local_time(outcome.recorded_at, '')}"
    return " ".join(filter(None, (with_note(line, outcome.note), outcome.link)))


def with_note(line: str, note: str) -> str:
    """Return the line with a note, if there is one."""
    return f"{line}: {note}" if note else line
