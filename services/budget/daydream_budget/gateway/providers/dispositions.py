"""The one table of provider answers: what follows, and what the attempt cost.

The first row that matches decides. An error inside a 200 already has its own status (see
`read_reply`). `docs/reference/provider-answers.md` is written from these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from daydream_budget.gateway.providers import answer_conditions as when
from daydream_budget.gateway.providers.reply import ProviderReply

Disposition = Literal["answer", "wait", "retry", "stop", "reject"]
Cost = Literal["nothing", "known", "unknown"]
LimiterSignal = Literal["ok", "busy", "overloaded", "bad", "stop", "none"]

DISPOSITIONS: dict[str, str] = {
    "answer": "the answer is stored and sent",
    "wait": "the provider recovers by itself; the call waits and is made again",
    "retry": "this attempt went wrong; another one may succeed",
    "stop": "a person has to act; drawing stops and only probes are sent",
    "reject": "this request never works",
}
COSTS: dict[str, str] = {
    "nothing": "the authorization is released",
    "known": "what the reported usage costs; without a usage it is unknown",
    "unknown": "the whole authorization counts",
}
SIGNALS: dict[str, str] = {
    "ok": "the provider is well",
    "busy": "fewer calls, and not before the time that it names",
    "overloaded": "one probe at a time until it is well again",
    "bad": "a burst of these opens the circuit breaker",
    "stop": "closed until a probe succeeds",
    "none": "says nothing about the provider's health",
}


@dataclass(frozen=True)
class AnswerRow:
    """A kind of answer. `status` goes to the caller; with 200 it gets the answer itself."""

    name: str
    disposition: Disposition
    cost: Cost
    signal: LimiterSignal
    status: int
    matches: Callable[[ProviderReply], bool]

    @property
    def condition(self) -> str:
        """Return in words which answers this row is for."""
        words = " ".join((self.matches.__doc__ or "").split())
        return words.removeprefix("Match ").rstrip(".")

    def cost_of(self, reply: ProviderReply) -> Cost:
        """Return what this answer cost. `known` needs a usage or a cost that was reported."""
        is_reported = reply.usage is not None or reply.reported_cost_nanousd is not None
        return "unknown" if self.cost == "known" and not is_reported else self.cost


TABLE = (
    AnswerRow("not-sent", "wait", "nothing", "bad", 503, when.not_sent),
    AnswerRow("too-slow", "retry", "unknown", "bad", 504, when.too_slow),
    AnswerRow("broke-off", "retry", "unknown", "bad", 502, when.broke_off),
    AnswerRow("page", "stop", "unknown", "stop", 502, when.page),
    AnswerRow("truncated", "retry", "unknown", "bad", 502, when.truncated),
    AnswerRow("no-choices", "retry", "known", "bad", 502, when.without_choices),
    AnswerRow("unnamed-error", "retry", "unknown", "bad", 502, when.unnamed_error),
    AnswerRow("redirect", "stop", "nothing", "stop", 502, when.redirect),
    AnswerRow("no-balance", "stop", "nothing", "stop", 402, when.no_balance),
    AnswerRow("quota", "stop", "nothing", "stop", 402, when.quota),
    AnswerRow("filtered", "reject", "nothing", "none", 400, when.filtered),
    AnswerRow("too-long", "reject", "nothing", "none", 400, when.too_long),
    AnswerRow("key-refused", "stop", "nothing", "stop", 502, when.key_refused),
    AnswerRow("no-such-model", "stop", "nothing", "stop", 404, when.no_such_model),
    AnswerRow("no-such-path", "stop", "nothing", "stop", 502, when.no_such_path),
    AnswerRow("busy", "wait", "nothing", "busy", 429, when.busy),
    AnswerRow("wrong-dialect", "stop", "nothing", "none", 400, when.wrong_dialect),
    AnswerRow("try-again", "retry", "nothing", "bad", 503, when.try_again),
    AnswerRow("refused", "reject", "nothing", "none", 400, when.refused),
    AnswerRow("overloaded", "wait", "nothing", "overloaded", 503, when.overloaded),
    AnswerRow("failed", "retry", "nothing", "bad", 502, when.failed),
    AnswerRow("failed-without-body", "retry", "unknown", "bad", 502, when.failed_without_body),
    AnswerRow("broken-answer", "retry", "known", "bad", 502, when.broken_answer),
    AnswerRow("runaway", "retry", "known", "ok", 200, when.runaway),
    AnswerRow("filtered-answer", "reject", "known", "ok", 200, when.filtered_answer),
    AnswerRow("refusal", "reject", "known", "ok", 200, when.refusal),
    AnswerRow("cut", "retry", "known", "ok", 200, when.cut),
    AnswerRow("empty", "retry", "known", "ok", 200, when.empty),
    AnswerRow("answer", "answer", "known", "ok", 200, when.answer),
    AnswerRow("vectors", "answer", "known", "ok", 200, when.vectors),
)


def classify(reply: ProviderReply) -> AnswerRow:
    """Return the row of an answer."""
    return next(row for row in TABLE if row.matches(reply))
