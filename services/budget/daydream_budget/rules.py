"""What may be written: a question and the books give an answer and, if something changes, entries. Pure.

The check against the limits is made when an envelope opens or grows, for the whole of it; a draw only moves money inside
its envelope. Asking twice gives the same answer and no second entry: every question carries what makes it the same one.
Near a cap an envelope is opened for the dearest plan that fits. What is free (bound zero) passes even when a cap is used
up. Once a limit is exceeded (a cap was lowered, a bill came above its bound) nothing that costs is granted, draws included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from daydream_budget import changes, limits
from daydream_budget.accounts import scopes_of
from daydream_budget.books import HORIZON, Books
from daydream_budget.entries import AttemptSettled, Drawn, Entry, Expired, ForegroundSpent, Grown, Opened, WayClosed
from daydream_budget.envelopes import Envelope
from daydream_budget.foreground import REPORT_HORIZON
from daydream_shared.messages import Part
from daydream_shared.requests import (
    ChangeBudget,
    Closed,
    CloseEnvelope,
    Counted,
    Draw,
    EnvelopePart,
    Grant,
    GrowEnvelope,
    OpenEnvelope,
    Purpose,
    Refusal,
    ReportForeground,
    Settle,
    Settled,
)

Question = OpenEnvelope | GrowEnvelope | Draw | Settle | CloseEnvelope | ChangeBudget | ReportForeground
Decided = tuple[Part, tuple[Entry, ...]]
CLOCKS_DIFFER = timedelta(minutes=5)
UNKNOWN = Grant(refusal=Refusal(reason="unknown-envelope", text="the ledger does not know the envelope (any more)"))
CLOSED = Grant(refusal=Refusal(reason="closed", text="the envelope is closed: its work has ended"))


def decide(books: Books, question: Question, now: datetime) -> Decided:
    """The answer, and the entries that make it so (none: nothing changes)."""
    match question:
        case OpenEnvelope():
            return _open(books, question, now)
        case GrowEnvelope():
            return _grow(books, question, now)
        case Draw():
            return _draw(books, question, now)
        case Settle():
            return _settle(books, question)
        case CloseEnvelope():
            return _close(books, question)
        case ReportForeground():
            return _foreground(books, question, now)
        case ChangeBudget():
            return changes.decide(books, question)


def is_sure(answer: Part) -> bool:
    """Whether an answer that came without an entry holds also if the books are behind: not a refusal, and nothing that only says
    that something isn't known. (What is closed and has cost nothing looks like it; to read once more does no harm.)"""
    match answer:
        case Settled():
            return answer.known
        case Closed():
            return not answer.closed or answer.spent_nanousd > 0
    return getattr(answer, "refusal", None) is None


def due(books: Books, now: datetime, envelope_idle_s: float) -> Iterator[Entry]:
    """What time has decided: draws whose worker never came back, counted in full, and envelopes that nobody touches."""
    for attempt_id in books.outstanding:
        attempt = books.attempts[attempt_id]
        if attempt.until < now:
            yield AttemptSettled(attempt_id=attempt_id, cost_nanousd=attempt.bound, unknown=True)
    idle = timedelta(seconds=envelope_idle_s)
    for envelope_id, envelope in books.envelopes.items():
        if envelope.status == "open" and now - envelope.touched_at > idle and not books.in_hand(envelope):
            yield Expired(envelope_id=envelope_id)


def needs_of(parts: Iterable[EnvelopePart], purpose: Purpose) -> dict[str, int]:
    """How much these parts ask for under each scope."""
    needs: dict[str, int] = {}
    for part in parts:
        for scope in scopes_of(part.stage, tuple(dict.fromkeys((part.model, *part.or_models))), part.team, purpose):
            needs[scope] = needs.get(scope, 0) + part.bound_nanousd
    return needs


def _open(books: Books, question: OpenEnvelope, now: datetime) -> Decided:
    known = books.envelopes.get(question.envelope_id)
    if known is not None:
        return _opened_before(books, known, question), ()
    closed = books.closed.get(question.envelope_id)
    if closed is not None:
        return CLOSED if question.first else Grant(plan=closed.plan), ()
    if now - question.asked_at > HORIZON:
        text = f"the envelope was asked for {now - question.asked_at} ago; ids are remembered for {HORIZON.days} days only"
        return Grant(refusal=Refusal(reason="too-old", text=text)), ()
    if question.asked_at - now > CLOCKS_DIFFER:
        text = f"the envelope is asked for by a clock that is {question.asked_at - now} ahead of the ledger's"
        return Grant(refusal=Refusal(reason="wrong-clock", text=text)), ()
    plans = ((question.parts, question.ways), *((plan.parts, plan.ways) for plan in question.smaller))
    refusal = None
    for number, (parts, ways) in enumerate(plans):
        refusal = limits.refusal(books, needs_of(parts, question.purpose), now)
        if refusal is None:
            opened = Opened(envelope_id=question.envelope_id, parts=parts, ways=ways, plan=number, purpose=question.purpose)
            return _with_first(question, opened, now)
    return Grant(refusal=refusal), ()


def _with_first(question: OpenEnvelope, opened: Opened, now: datetime) -> Decided:
    first = question.first
    if first is None:
        return Grant(plan=opened.plan), (opened,)
    able = [part for part in opened.parts if part.stage == first.stage and part.team == first.team and first.model in (part.model, *part.or_models)]
    most = max((part.bound_nanousd for part in able), default=0)
    if not able or first.bound_nanousd > most:
        return Grant(refusal=_short(first.bound_nanousd - most)), ()
    drawn = _drawn(first, 1, now)
    return Grant(attempt_id=drawn.attempt_id, plan=opened.plan), (opened, drawn)


def _opened_before(books: Books, envelope: Envelope, question: OpenEnvelope) -> Grant:
    if question.first is None:
        return Grant(plan=envelope.plan)
    for key in envelope.attempts:
        if books.attempts[key].nonce == question.first.nonce:
            return Grant(attempt_id=key, plan=envelope.plan)
    text = "the envelope is open, and its first draw is another worker's; draw from it"
    return Grant(refusal=Refusal(reason="envelope", text=text), plan=envelope.plan)


def _grow(books: Books, question: GrowEnvelope, now: datetime) -> Decided:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        return CLOSED if question.envelope_id in books.closed else UNKNOWN, ()
    if question.growth_id in envelope.growths:
        return Grant(plan=envelope.plan), ()
    if envelope.status == "closed":
        return CLOSED, ()
    place = envelope.pot(question.stage, question.model, question.team) if question.stage else 0
    scopes = scopes_of(question.stage, (question.model,), question.team, envelope.purpose) if place is None else envelope.pots[place].scopes
    refusal = limits.refusal(books, dict.fromkeys(scopes, question.by_nanousd), now)
    if refusal:
        return Grant(refusal=refusal), ()
    grown = Grown(
        envelope_id=question.envelope_id, growth_id=question.growth_id, stage=question.stage, model=question.model, team=question.team,
        by_nanousd=question.by_nanousd,
    )  # fmt: skip
    return Grant(plan=envelope.plan), (grown,)


def _draw(books: Books, question: Draw, now: datetime) -> Decided:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        return CLOSED if question.envelope_id in books.closed else UNKNOWN, ()
    earlier = [key for key in envelope.attempts if books.attempts[key].call_id == question.call_id]
    for attempt_id in earlier:
        if books.attempts[attempt_id].nonce == question.nonce:
            return Grant(attempt_id=attempt_id, plan=envelope.plan), ()
    if envelope.status == "closed":
        return CLOSED, ()
    place = envelope.pot(question.stage, question.model, question.team)
    left = envelope.pots[place].left if place is not None and envelope.status == "open" else 0
    if place is None or envelope.status == "expired" or question.bound_nanousd > left:
        return Grant(refusal=_short(question.bound_nanousd - left)), ()
    if question.bound_nanousd:
        refusal = limits.stopped(books, scopes_of(question.stage, (question.model,), question.team, envelope.purpose), now)
        if refusal:
            return Grant(refusal=refusal), ()
    drawn = _drawn(question, len(earlier) + 1, now)
    return Grant(attempt_id=drawn.attempt_id, plan=envelope.plan), (drawn,)


def _drawn(question: Draw, number: int, now: datetime) -> Drawn:
    return Drawn(
        attempt_id=f"{question.call_id}:{number}", envelope_id=question.envelope_id, call_id=question.call_id, nonce=question.nonce,
        stage=question.stage, model=question.model, team=question.team, bound_nanousd=question.bound_nanousd,
        until=now + timedelta(seconds=question.lifetime_s),
    )  # fmt: skip


def _short(by: int) -> Refusal:
    return Refusal(reason="envelope", text="the envelope does not cover the call", short_nanousd=max(0, by))


def _settle(books: Books, question: Settle) -> Decided:
    attempt = books.attempts.get(question.attempt_id)
    if attempt is None:
        return Settled(known=False), ()
    entries: tuple[Entry, ...] = ()
    if question.last and books.envelopes[attempt.envelope_id].status != "closed":
        entries = (WayClosed(envelope_id=attempt.envelope_id, way=None),)
    if attempt.charged is not None:
        return Settled(known=True, charged_nanousd=attempt.charged), entries
    cost = attempt.bound if question.cost_nanousd is None else question.cost_nanousd
    settled = AttemptSettled(
        attempt_id=question.attempt_id, cost_nanousd=cost, unknown=question.cost_nanousd is None,
        input_tokens=question.input_tokens, output_tokens=question.output_tokens, provider_id=question.provider_id,
    )  # fmt: skip
    return Settled(known=True, charged_nanousd=cost), (settled, *entries)


def _close(books: Books, question: CloseEnvelope) -> Decided:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        closed = books.closed.get(question.envelope_id)
        return Closed(closed=True, spent_nanousd=closed.spent if closed else 0), ()
    unknown_way = question.way is not None and question.way >= envelope.ways
    if envelope.status == "closed" or question.way in envelope.closed_ways or unknown_way:
        return Closed(closed=envelope.status == "closed", spent_nanousd=envelope.spent), ()
    last = question.way is None or len(envelope.closed_ways | {question.way}) >= envelope.ways
    return Closed(closed=last, spent_nanousd=envelope.spent), (WayClosed(envelope_id=question.envelope_id, way=question.way),)


def _foreground(books: Books, question: ReportForeground, now: datetime) -> Decided:
    if question.report_id in books.foreground.reports:
        return Counted(counted=True), ()
    if now - question.at > REPORT_HORIZON:
        return Counted(counted=False), ()
    spent_at = min(question.at, now)
    return Counted(counted=True), (ForegroundSpent(report_id=question.report_id, spent_at=spent_at, cost_nanousd=question.cost_nanousd),)
