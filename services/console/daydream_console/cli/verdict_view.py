"""Print verdicts and facts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.text import Text

from daydream_console.cli.output import local_time, print_boxed, usd
from daydream_contracts.events import Fact, VerdictReached


def show_verdicts(
    verdicts: Sequence[VerdictReached], *, with_ids: bool = False, retracted: Collection[str] = ()
) -> None:
    """Print each verdict with its two facts, scores and cost."""
    for verdict in verdicts:
        is_retracted = verdict.verdict_id in retracted
        promoted = verdict.decision == "promoted" and not is_retracted
        print_boxed(
            _body(verdict),
            title=_title(verdict).append(" · retracted" if is_retracted else ""),
            subtitle=verdict.verdict_id if with_ids else "",
            style="green" if promoted else "dim",
        )


def source_line(fact: Fact) -> str:
    """Return where a fact comes from, in one line."""
    return " · ".join(part for part in (fact.title, fact.source) if part)


def _title(verdict: VerdictReached) -> Text:
    synthesis = verdict.hypothesis.synthesis
    title = synthesis.title if synthesis else "(no link)"
    return Text(f"{title} · {verdict.decision.value} · {local_time(verdict.reached_at, '')}")


def _body(verdict: VerdictReached) -> Text:
    text = _hypothesis(verdict)
    pair = verdict.hypothesis.pair
    for number, fact in enumerate((pair.first, pair.second), 1):
        text.append(f"Fact {number} ", style="bold").append(f"{fact.text}\n")
        text.append(f"  {source_line(fact)}\n", style="dim")
    text.append(_scores(verdict), style="bold")
    saved = f" ({usd(verdict.saved_nanousd)} saved by batches)" if verdict.saved_nanousd else ""
    text.append(f" · cost {usd(verdict.cost_nanousd)}{saved}", style="bold")
    if any(judgement.self_judged for judgement in verdict.judgements):
        text.append(" · self-judged", style="dim")
    return text


def _hypothesis(verdict: VerdictReached) -> Text:
    synthesis = verdict.hypothesis.synthesis
    if not synthesis:
        return Text()
    text = Text(f"{synthesis.hypothesis}\n")
    text.append(f"Why: {synthesis.reasoning}\n")
    text.append(f"To test: {synthesis.implication}\n", style="italic")
    if synthesis.if_false:
        text.append(f"If it were false: {synthesis.if_false}\n", style="italic")
    return text.append("\n")


def _scores(verdict: VerdictReached) -> str:
    scores = next((judgement.scores for judgement in verdict.judgements if judgement.scores), None)
    if not scores:
        return verdict.explanation
    return (
        f"novelty {scores.novelty} · coherence {scores.coherence} · "
        f"usefulness {scores.usefulness} · mean {scores.mean:.1f}"
    )
