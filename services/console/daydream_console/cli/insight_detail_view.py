"""Print one insight in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from daydream_console.cli.insight_view import outcome_line, review_line, show_insight, with_note
from daydream_console.cli.output import count, local_time, out, usd
from daydream_contracts.events import Refutation
from daydream_contracts.rpc import AncestryNode, InsightDetail

TITLE_CHARS = 80


def show_insight_detail(detail: InsightDetail) -> None:
    """Print one insight in full."""
    show_insight(detail.summary)
    for heading, lines in _sections(detail):
        if kept := list(lines):
            out.print(Text(heading, style="bold"))
            for line in kept:
                out.print(Text(f"  {line}"))


def _sections(detail: InsightDetail) -> Iterator[tuple[str, Iterable[str]]]:
    verdict, insight = detail.verdict, detail.summary
    yield "Verdict", [f"{verdict.decision.value} ({verdict.reason}): {verdict.explanation}"]
    yield "Judges", _judge_lines(detail)
    examination = verdict.examination
    yield "Oracle", map(_attempt_line, examination.attempts if examination else ())
    if near := verdict.nearest:
        yield "Nearest match", [f"{near.similarity:.2f} {near.kind} {near.id}: {near.text}"]
    yield "Reviews", map(review_line, detail.reviews)
    yield "Outcomes", map(outcome_line, detail.outcomes)
    changes = (
        with_note(
            f"{'Reinstated' if change.active else 'Retracted'} by {change.who}, "
            f"{local_time(change.at, '')}",
            change.why,
        )
        for change in detail.visibility
    )
    yield "Visibility", changes
    yield "Ancestry", _ancestry_lines(detail)
    calls = (*verdict.hypothesis.calls, *verdict.calls)
    saved = f" ({usd(verdict.saved_nanousd)} saved by batches)" if verdict.saved_nanousd else ""
    yield (
        f"Cost {usd(insight.cost_nanousd)}{saved}, in {count(len(calls), 'call')}",
        (f"{usd(call.cost_nanousd)} {call.prompt.name} · {call.model}" for call in calls),
    )
    yield "Prompts and answers", [f"daydream inspect {insight.verdict_id}"]
    yield "IDs", _id_lines(detail)


def _judge_lines(detail: InsightDetail) -> Iterator[str]:
    for judge in detail.summary.judges:
        odds = f", adds {judge.log_odds:+.2f} to the log-odds" if judge.log_odds is not None else ""
        score = f"score {judge.score:.1f}" if judge.score is not None else "no readable score"
        yield f"{judge.judge} ({judge.model}): {score}{odds}"
    for judgement in detail.verdict.judgements:
        own = " (self-judged)" if judgement.self_judged else ""
        if judgement.justification:
            yield f"{judgement.judge}{own}: {judgement.justification}"
    for comparison in detail.verdict.comparisons:
        result = "preferred to" if comparison.won else "placed after"
        yield f"{comparison.judge}: {result} {comparison.other_verdict_id}"


def _attempt_line(attempt: Refutation) -> str:
    outcome = {True: "could not refute it", False: "refuted it", None: "gave no readable answer"}
    return f"{attempt.model} {outcome[attempt.holds]}: {attempt.case}"


def _ancestry_lines(detail: InsightDetail) -> Iterator[str]:
    nodes = sorted(detail.ancestry.nodes, key=lambda node: node.level)
    for node in nodes:
        relation = "this insight" if not node.level else _relation(node)
        state = f" · {node.state.value}" if node.state else ""
        title = node.title or node.text[:TITLE_CHARS]
        yield f"{relation}: {title}{state} · {node.verdict_id or node.source}"
    if detail.ancestry.cut:
        yield "and more"


def _relation(node: AncestryNode) -> str:
    generations = abs(node.level)
    kind = "ancestor" if node.level < 0 else "descendant"
    return kind if generations == 1 else f"{kind}, {generations} generations away"


def _id_lines(detail: InsightDetail) -> Iterator[str]:
    yield f"insight {detail.summary.insight_id}"
    yield f"verdict {', '.join(detail.verdict_ids)}"
    yield f"hypothesis {detail.verdict.hypothesis.hypothesis_id}"
    if detail.trace_id:
        yield f"trace {detail.trace_id}"
