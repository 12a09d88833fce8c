"""Write docs/reference/provider-answers.md from the table of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from daydream_budget.gateway.providers.dispositions import (
    COSTS,
    DISPOSITIONS,
    SIGNALS,
    TABLE,
)

INTRO = """\
The gateway sorts whatever a provider answers by one table. It says what follows, what the attempt
cost, what the limiter learns, and the HTTP status that the caller gets. The first row that matches
decides. An error inside a 200 counts as the status that it names.

Before the table decides, a refusal of the request's form is corrected: the gateway learns the
model's dialect from the refusal and sends the request again at once. That costs nothing.
"""


def provider_answers_page(mark: str) -> Iterator[str]:
    """Yield the lines of the page. The mark says how it was made."""
    yield from ("# Answers of providers", "", mark, "", INTRO)
    yield "| answer | matches | what follows | cost | limiter | status |"
    yield "|---|---|---|---|---|---|"
    for row in TABLE:
        condition = row.condition.replace("|", "\\|")
        cells = (row.disposition, row.cost, row.signal, str(row.status))
        yield f"| `{row.name}` | {condition} | {' | '.join(cells)} |"
    yield from _meanings("What follows", DISPOSITIONS)
    yield from _meanings("Cost", COSTS)
    yield from _meanings("Limiter", SIGNALS)


def _meanings(heading: str, meanings: Mapping[str, str]) -> Iterator[str]:
    yield from ("", f"## {heading}", "", "| word | meaning |", "|---|---|")
    for word, meaning in meanings.items():
        yield f"| `{word}` | {meaning} |"
