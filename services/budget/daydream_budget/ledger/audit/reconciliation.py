"""Compare the calls of the ledger with the lines of a provider's invoice. Pure.

An invoice with ids is compared answer by answer: several lines of one id (input, output, a
surcharge) are added up. Without ids it is compared by UTC day and model. Two amounts are equal when
they differ by no more than the invoice was rounded, plus one nano-dollar per call, because the
ledger rounds a cost up. Each difference includes the correction entry that fixes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from daydream_budget.ledger.audit.auditor import AuditedCall, day_of
from daydream_budget.ledger.audit.invoices import InvoiceLine
from daydream_contracts.events import NANOUSD_PER_USD, ContractModel
from daydream_contracts.rpc import CorrectionEntry

LEDGER_ROUNDING = Decimal(1)
Corrections = Iterable[tuple[datetime, CorrectionEntry]]


class ReconciliationDifference(ContractModel):
    """One difference between ledger and invoice, in nano-dollars. None: one side lacks it."""

    about: str
    model: str
    ledger_nanousd: int | None
    invoice_nanousd: int | None
    fix: str


class Reconciliation(ContractModel):
    """The invoice against the ledger, over the days that the invoice covers.

    `by` names what was compared. `without_id` counts paid calls without a provider's id.
    """

    by: str
    lines: int
    same: int
    ledger_nanousd: int
    invoice_nanousd: int
    without_id: int
    differences: tuple[ReconciliationDifference, ...]


@dataclass
class _Sum:
    """The cost of one id, or of one day and model, on one side."""

    cost: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    model: str = ""
    attempt_ids: list[str] = field(default_factory=list)

    def add(self, cost: Decimal, rounding: Decimal, model: str, attempt_id: str = "") -> None:
        self.cost += cost
        self.rounding += rounding
        self.model = model
        if attempt_id:
            self.attempt_ids.append(attempt_id)


@dataclass
class _Sums:
    by_key: dict[str, _Sum] = field(default_factory=dict)

    def of(self, key: str) -> _Sum:
        return self.by_key.setdefault(key, _Sum())

    @property
    def total(self) -> Decimal:
        return sum((row.cost for row in self.by_key.values()), Decimal(0))


@dataclass(frozen=True)
class _Period:
    """The days of the invoice. Without a day on any line: all days."""

    days: frozenset[str]

    @classmethod
    def of(cls, lines: Sequence[InvoiceLine]) -> _Period:
        return cls(frozenset(f"{line.at:%Y-%m-%d}" for line in lines if line.at))

    def covers(self, at: datetime) -> bool:
        return not self.days or min(self.days) <= day_of(at) <= max(self.days)


def reconcile(
    calls: Mapping[str, AuditedCall], corrections: Corrections, lines: Sequence[InvoiceLine]
) -> Reconciliation:
    """Compare by id if all lines have one, otherwise by day and model."""
    by_id = bool(lines) and all(line.id for line in lines)
    if by_id:
        settled = _settled_by_id(calls, lines)
        ours, theirs = _ledger_by_id(settled), _invoice_by_id(lines, calls)
    else:
        settled = dict(_settled(calls, _Period.of(lines)))
        ours = _ledger_by_day(settled, calls, corrections, _Period.of(lines))
        theirs = _invoice_by_day(lines, calls)
    keys = sorted(ours.by_key.keys() | theirs.by_key.keys())
    compared = (_compare(key, ours, theirs, calls) for key in keys)
    differences = tuple(difference for difference in compared if difference)
    return Reconciliation(
        by="id" if by_id else "day and model",
        lines=len(lines),
        same=len(keys) - len(differences),
        ledger_nanousd=int(ours.total),
        invoice_nanousd=round(theirs.total),
        without_id=_without_id(settled) if by_id else 0,
        differences=differences,
    )


def _settled(
    calls: Mapping[str, AuditedCall], period: _Period
) -> Iterator[tuple[str, AuditedCall]]:
    """Yield the settled calls of the period."""
    for attempt_id, call in calls.items():
        if call.charged is not None and period.covers(call.at):
            yield attempt_id, call


def _settled_by_id(
    calls: Mapping[str, AuditedCall], lines: Sequence[InvoiceLine]
) -> dict[str, AuditedCall]:
    """Return the settled calls of the period, and those of any day whose id is on the invoice."""
    billed = {line.id for line in lines}
    settled = dict(_settled(calls, _Period.of(lines)))
    for attempt_id, call in calls.items():
        if call.provider_id in billed and call.charged is not None:
            settled[attempt_id] = call
    return settled


def _ledger_by_id(settled: Mapping[str, AuditedCall]) -> _Sums:
    sums = _Sums()
    for attempt_id, call in settled.items():
        if call.provider_id:
            row = sums.of(call.provider_id)
            row.add(Decimal(call.cost), LEDGER_ROUNDING, call.model, attempt_id)
    return sums


def _ledger_by_day(
    settled: Mapping[str, AuditedCall],
    calls: Mapping[str, AuditedCall],
    corrections: Corrections,
    period: _Period,
) -> _Sums:
    """Add up the settled calls, and the corrections that name no call."""
    sums = _Sums()
    for attempt_id, call in settled.items():
        row = sums.of(f"{day_of(call.at)} {call.model}")
        row.add(Decimal(call.cost), LEDGER_ROUNDING, call.model, attempt_id)
    for at, correction in corrections:
        if correction.attempt_id not in calls and period.covers(at):
            row = sums.of(f"{day_of(at)} {correction.model}")
            row.add(Decimal(correction.by_nanousd), LEDGER_ROUNDING, correction.model)
    return sums


def _invoice_by_id(lines: Sequence[InvoiceLine], calls: Mapping[str, AuditedCall]) -> _Sums:
    models = {call.model for call in calls.values()}
    sums = _Sums()
    for line in lines:
        sums.of(line.id).add(line.cost, line.rounding, _ledger_model(line.model, models))
    return sums


def _invoice_by_day(lines: Sequence[InvoiceLine], calls: Mapping[str, AuditedCall]) -> _Sums:
    models = {call.model for call in calls.values()}
    sums = _Sums()
    for line in lines:
        model = _ledger_model(line.model, models)
        key = f"{line.at:%Y-%m-%d} {model}" if line.at else model
        sums.of(key).add(line.cost, line.rounding, model)
    return sums


def _without_id(settled: Mapping[str, AuditedCall]) -> int:
    return sum(not call.provider_id and call.cost > 0 for call in settled.values())


def _compare(
    key: str, ours: _Sums, theirs: _Sums, calls: Mapping[str, AuditedCall]
) -> ReconciliationDifference | None:
    ledger, invoice = ours.by_key.get(key), theirs.by_key.get(key)
    mine, other = ledger or _Sum(), invoice or _Sum()
    by = other.cost - mine.cost
    if not by or (ledger and invoice and abs(by) <= mine.rounding + other.rounding):
        return None
    model = mine.model or other.model
    return ReconciliationDifference(
        about=key,
        model=model,
        fix=_correction_command(by, model, mine.attempt_ids, calls),
        ledger_nanousd=int(mine.cost) if ledger else None,
        invoice_nanousd=round(other.cost) if invoice else None,
    )


def _correction_command(
    by: Decimal, model: str, attempt_ids: Sequence[str], calls: Mapping[str, AuditedCall]
) -> str:
    """Return the command that corrects the ledger. STAGE is a placeholder if several match."""
    stages = {calls[attempt_id].stage for attempt_id in attempt_ids}
    stage = stages.pop() if len(stages) == 1 else "STAGE"
    dollars = by / NANOUSD_PER_USD
    command = f"daydream budget correct --by {dollars:.9f} --stage {stage} --model {model}"
    if len(attempt_ids) != 1:
        return command
    (attempt_id,) = attempt_ids
    return f"{command} --at {calls[attempt_id].at:%Y-%m-%dT%H:%M:%S} --attempt {attempt_id}"


def _ledger_model(name: str, models: set[str]) -> str:
    """Return the ledger's name of an invoice's model, which may add a vendor or a date."""
    bare = name.rsplit("/", 1)[-1]
    matching = [
        model
        for model in models
        if name == model
        or bare == model.rsplit("/", 1)[-1]
        or bare.startswith(f"{model.rsplit('/', 1)[-1]}-")
    ]
    return max(matching, key=len, default=name)
