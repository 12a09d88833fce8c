"""Holds the calls of the ledger against the lines of a provider's bill. Pure.

A bill with ids is compared answer by answer: several lines of one id (input, output, a surcharge) are added up. What has no id
is compared by UTC day and model. Two amounts are the same when they differ by no more than the bill was rounded, and one
nano-dollar for each of our calls, since the ledger rounds a cost up. Each difference comes with the counter-entry that fixes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from daydream_budget.audit.auditor import AuditedCall, day_of
from daydream_budget.audit.invoices import InvoiceLine
from daydream_contracts.events import NANOUSD_PER_USD, ContractModel
from daydream_contracts.rpc import CorrectionEntry


class ReconciliationDifference(ContractModel):
    """One thing on which ledger and bill disagree. Amounts are nano-dollars; None: one side has no such thing."""

    about: str
    model: str
    ledger_nanousd: int | None
    invoice_nanousd: int | None
    fix: str


class Reconciliation(ContractModel):
    """The bill against the ledger, over the days that the bill covers."""

    by: str
    lines: int
    same: int
    ledger_nanousd: int
    invoice_nanousd: int
    without_id: int
    differences: tuple[ReconciliationDifference, ...]


@dataclass
class _Sum:
    cost: Decimal = Decimal(0)
    slack: Decimal = Decimal(0)
    count: int = 0
    model: str = ""
    calls: list[str] = field(default_factory=list)

    def add(self, cost: Decimal, slack: Decimal, model: str, call: str = "") -> None:
        self.cost, self.slack, self.count, self.model = (
            self.cost + cost,
            self.slack + slack,
            self.count + 1,
            model,
        )
        self.calls += [call] if call else []


def reconcile(
    calls: Mapping[str, AuditedCall],
    corrections: Iterable[tuple[datetime, CorrectionEntry]],
    lines: Sequence[InvoiceLine],
) -> Reconciliation:
    """Compare by id where all lines have one, else by day and model."""
    by_id = bool(lines) and all(line.id for line in lines)
    days = {f"{line.at:%Y-%m-%d}" for line in lines if line.at}
    settled = {
        name: call
        for name, call in calls.items()
        if call.charged is not None and (not days or min(days) <= day_of(call.at) <= max(days))
    }
    ours: dict[str, _Sum] = {}
    theirs: dict[str, _Sum] = {}
    without_id = 0
    if by_id:
        billed = {line.id for line in lines}
        settled |= {
            name: call
            for name, call in calls.items()
            if call.provider_id in billed and call.charged is not None
        }
    for name, call in settled.items():
        if by_id and not call.provider_id:
            without_id += call.cost > 0
            continue
        key = call.provider_id if by_id else f"{day_of(call.at)} {call.model}"
        ours.setdefault(key, _Sum()).add(Decimal(call.cost), Decimal(1), call.model, name)
    for at, what in () if by_id else corrections:
        if what.attempt_id not in calls and (not days or min(days) <= day_of(at) <= max(days)):
            ours.setdefault(f"{day_of(at)} {what.model}", _Sum()).add(
                Decimal(what.by_nanousd), Decimal(1), what.model
            )
    models = {call.model for call in calls.values()}
    for line in lines:
        model = _ours(line.model, models)
        key = line.id if by_id else f"{line.at:%Y-%m-%d} {model}" if line.at else model
        theirs.setdefault(key, _Sum()).add(line.cost, line.rounding, model)
    differences = [
        found
        for key in sorted(ours.keys() | theirs.keys())
        if (found := _compare(key, ours.get(key), theirs.get(key), calls))
    ]
    return Reconciliation(
        by="id" if by_id else "day and model",
        lines=len(lines),
        same=len(ours.keys() | theirs.keys()) - len(differences),
        ledger_nanousd=int(sum(one.cost for one in ours.values())),
        invoice_nanousd=round(sum(one.cost for one in theirs.values())),
        without_id=without_id,
        differences=tuple(differences),
    )


def _compare(
    key: str, ours: _Sum | None, theirs: _Sum | None, calls: Mapping[str, AuditedCall]
) -> ReconciliationDifference | None:
    one, other = ours or _Sum(), theirs or _Sum()
    by = other.cost - one.cost
    if not by or (ours and theirs and abs(by) <= one.slack + other.slack):
        return None
    known = [calls[name] for name in one.calls]
    stages = {call.stage for call in known}
    model = one.model or other.model
    fix = f"daydream budget correct --by {by / NANOUSD_PER_USD:.9f} --stage {stages.pop() if len(stages) == 1 else 'STAGE'} --model {model}"
    if len(known) == 1:
        fix += f" --at {known[0].at:%Y-%m-%dT%H:%M:%S} --attempt {one.calls[0]}"
    return ReconciliationDifference(
        about=key,
        model=model,
        fix=fix,
        ledger_nanousd=int(one.cost) if ours else None,
        invoice_nanousd=round(other.cost) if theirs else None,
    )


def _ours(theirs: str, models: set[str]) -> str:
    """Our name of a model of the bill, which may say a vendor before it or a date behind it."""
    bare = theirs.rsplit("/", 1)[-1]
    able = [
        name
        for name in models
        if theirs == name
        or bare == name.rsplit("/", 1)[-1]
        or bare.startswith(f"{name.rsplit('/', 1)[-1]}-")
    ]
    return max(able, key=len, default=theirs)
