"""What may be written: a question and the books give an answer and, if something changes, an entry. Pure.

The check against the limits is made when an envelope opens or grows, for the whole of it; a draw only moves money inside
its envelope. Asking twice gives the same answer and no second entry: every question carries what makes it the same one.
A free envelope (bound zero) passes even when a cap is used up. Once a limit is exceeded (a cap was lowered, a bill came
above its bound) nothing that costs is granted, draws included.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from daydream_budget.books import HORIZON, Books
from daydream_budget.entries import AttemptSettled, Drawn, Entry, Expired, Grown, LimitSet, Opened, WayClosed
from daydream_shared.messages import NANOUSD_PER_USD, Part
from daydream_shared.requests import (
    Closed,
    CloseEnvelope,
    Draw,
    Grant,
    GrowEnvelope,
    OpenEnvelope,
    Refusal,
    SetLimit,
    Settle,
    Settled,
    Window,
)

Question = OpenEnvelope | GrowEnvelope | Draw | Settle | CloseEnvelope | SetLimit
GRANTED = Grant()
NO_CAP = Refusal(reason="no-cap", text="no cap is set, and what is not capped may not be spent: daydream budget set --lifetime 1.00")


class LimitChanged(Part):
    """The answer to a change of a limit; the service adds the state of the books."""


def decide(books: Books, question: Question, now: datetime) -> tuple[Part, Entry | None]:
    """The answer, and the entry that makes it so (None: nothing changes)."""
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
        case SetLimit():
            if question.change_id in books.changes:
                return LimitChanged(), None
            return LimitChanged(), LimitSet(**question.model_dump())


def due(books: Books, now: datetime, envelope_idle_s: float) -> Iterator[Entry]:
    """What time has decided: draws whose worker never came back, counted in full, and envelopes that nobody touches."""
    for attempt_id in books.outstanding:
        attempt = books.attempts[attempt_id]
        if attempt.until < now:
            yield AttemptSettled(attempt_id=attempt_id, cost_nanousd=attempt.bound, unknown=True)
    idle = timedelta(seconds=envelope_idle_s)
    for envelope_id, envelope in books.envelopes.items():
        if envelope.status == "open" and not books.in_hand(envelope) and now - envelope.touched_at > idle:
            yield Expired(envelope_id=envelope_id)


def next_window(books: Books, window: Window, now: datetime) -> datetime | None:
    """When the window renews; None for the lifetime. Midnight is the operator's, daylight saving included."""
    if window == "lifetime":
        return None
    tomorrow = now.astimezone(books.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, books.zone)


def _open(books: Books, question: OpenEnvelope, now: datetime) -> tuple[Grant, Entry | None]:
    if question.envelope_id in books.envelopes:
        return GRANTED, None
    if now - question.asked_at > HORIZON:
        text = f"the envelope was asked for {now - question.asked_at} ago; ids are remembered for {HORIZON.days} days only"
        return Grant(refusal=Refusal(reason="too-old", text=text)), None
    refusal = _refusal(books, sum(part.bound_nanousd for part in question.parts), now)
    if refusal:
        return Grant(refusal=refusal), None
    return GRANTED, Opened(envelope_id=question.envelope_id, parts=question.parts, ways=question.ways)


def _grow(books: Books, question: GrowEnvelope, now: datetime) -> tuple[Grant, Entry | None]:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        return Grant(refusal=Refusal(reason="unknown-envelope", text="the ledger does not know the envelope (any more)")), None
    if question.growth_id in envelope.growths:
        return GRANTED, None
    if envelope.status == "closed":
        return Grant(refusal=Refusal(reason="closed", text="the envelope is closed: its daydream has ended")), None
    refusal = _refusal(books, question.by_nanousd, now)
    if refusal:
        return Grant(refusal=refusal), None
    return GRANTED, Grown(envelope_id=question.envelope_id, growth_id=question.growth_id, by_nanousd=question.by_nanousd)


def _draw(books: Books, question: Draw, now: datetime) -> tuple[Grant, Entry | None]:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        return Grant(refusal=Refusal(reason="unknown-envelope", text="the ledger does not know the envelope (any more)")), None
    earlier = [key for key in envelope.attempts if books.attempts[key].call_id == question.call_id]
    for attempt_id in earlier:
        if books.attempts[attempt_id].nonce == question.nonce:
            return Grant(attempt_id=attempt_id), None
    if envelope.status == "closed":
        return Grant(refusal=Refusal(reason="closed", text="the envelope is closed: its daydream has ended")), None
    if envelope.status == "expired" or question.bound_nanousd > envelope.hold:
        short = question.bound_nanousd - envelope.hold
        return Grant(refusal=Refusal(reason="envelope", text="the envelope does not cover the call", short_nanousd=short)), None
    refusal = (_over(books, 0, now) if books.caps else NO_CAP) if question.bound_nanousd else None
    if refusal:
        return Grant(refusal=refusal), None
    attempt_id = f"{question.call_id}:{len(earlier) + 1}"
    entry = Drawn(
        attempt_id=attempt_id, envelope_id=question.envelope_id, call_id=question.call_id, nonce=question.nonce, stage=question.stage,
        model=question.model, team=question.team, bound_nanousd=question.bound_nanousd, until=now + timedelta(seconds=question.lifetime_s),
    )  # fmt: skip
    return Grant(attempt_id=attempt_id), entry


def _settle(books: Books, question: Settle) -> tuple[Settled, Entry | None]:
    attempt = books.attempts.get(question.attempt_id)
    if attempt is None:
        return Settled(known=False), None
    if attempt.charged is not None:
        return Settled(known=True, charged_nanousd=attempt.charged), None
    cost = attempt.bound if question.cost_nanousd is None else question.cost_nanousd
    entry = AttemptSettled(
        attempt_id=question.attempt_id, cost_nanousd=cost, unknown=question.cost_nanousd is None,
        input_tokens=question.input_tokens, output_tokens=question.output_tokens,
    )  # fmt: skip
    return Settled(known=True, charged_nanousd=cost), entry


def _close(books: Books, question: CloseEnvelope) -> tuple[Closed, Entry | None]:
    envelope = books.envelopes.get(question.envelope_id)
    if envelope is None:
        return Closed(closed=True), None
    unknown_way = question.way is not None and question.way >= envelope.ways
    if envelope.status == "closed" or question.way in envelope.closed_ways or unknown_way:
        return Closed(closed=envelope.status == "closed", spent_nanousd=envelope.spent), None
    last = question.way is None or len(envelope.closed_ways | {question.way}) >= envelope.ways
    return Closed(closed=last, spent_nanousd=envelope.spent), WayClosed(envelope_id=question.envelope_id, way=question.way)


def _refusal(books: Books, by: int, now: datetime) -> Refusal | None:
    """Why `by` (> 0) more can't be held under the limits; None if it can, or if it costs nothing."""
    if by == 0:
        return None
    if not books.caps:
        return NO_CAP
    return _over(books, by, now)


def _over(books: Books, by: int, now: datetime) -> Refusal | None:
    """The refusal that names every limit which `by` more would exceed; it is worth asking again when all of them have renewed."""
    tight = [window for window in books.caps if by > books.free(window, now)]
    if not tight:
        return None
    texts = [f"the {window} cap of {_usd(books.caps[window])} leaves {_usd(max(0, books.free(window, now)))}" for window in tight]
    renewals = [next_window(books, window, now) for window in tight]
    retry_at = None if None in renewals else max(at for at in renewals if at is not None)
    short = max(by - books.free(window, now) for window in tight)
    return Refusal(reason="cap", text=f"{' and '.join(texts)}, and up to {_usd(by)} may be needed", retry_at=retry_at, short_nanousd=short)


def _usd(nanousd: int) -> str:
    return f"${nanousd / NANOUSD_PER_USD:.6f}".rstrip("0").rstrip(".")
