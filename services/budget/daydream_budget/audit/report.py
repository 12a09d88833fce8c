"""What an audit says."""

from __future__ import annotations

from datetime import datetime

from daydream_budget.audit.auditor import AuditFinding, Auditor
from daydream_budget.audit.reconciliation import Reconciliation, ReconciliationDifference
from daydream_budget.ledger.controls import usd
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import EVERYTHING

SHOWN = 20


class AuditReport(ContractModel):
    """The books as audited, what is wrong with them, and the provider's bill beside them. Amounts are nano-dollars."""

    commits: int
    entries: int
    first_at: datetime | None
    last_at: datetime | None
    calls: int
    unknown_calls: int
    overruns: int
    settled_nanousd: int
    authorized_nanousd: int
    reserved_nanousd: int
    served: bool
    findings: tuple[AuditFinding, ...]
    invoice: Reconciliation | None = None

    @classmethod
    def of(cls, auditor: Auditor, *, served: bool, invoice: Reconciliation | None) -> AuditReport:
        money = auditor.books.accounts.of(EVERYTHING)
        calls = auditor.calls.values()
        return cls(
            commits=auditor.commits,
            entries=auditor.entries,
            first_at=auditor.first_at,
            last_at=auditor.books.at,
            calls=len(auditor.calls),
            unknown_calls=sum(call.unknown for call in calls),
            overruns=sum((call.charged or 0) > call.bound for call in calls),
            settled_nanousd=money.settled,
            authorized_nanousd=money.drawn,
            reserved_nanousd=money.open,
            served=served,
            findings=tuple(auditor.findings),
            invoice=invoice,
        )

    @property
    def sound(self) -> bool:
        """Nothing is wrong, and the bill agrees."""
        return not self.findings and not (self.invoice and self.invoice.differences)


def text(report: AuditReport) -> str:
    """For people."""
    lines = [
        f"{report.entries} entries in {report.commits} commits, {report.first_at:%Y-%m-%d %H:%M} to {report.last_at:%Y-%m-%d %H:%M} UTC."
        if report.first_at and report.last_at
        else "The ledger is empty.",
        f"{report.calls} calls: {usd(report.settled_nanousd)} settled, {usd(report.authorized_nanousd)} drawn, {usd(report.reserved_nanousd)} held.",
    ]
    if report.unknown_calls:
        lines.append(
            f"{report.unknown_calls} calls never said their cost, and are counted in full."
        )
    if report.overruns:
        lines.append(f"{report.overruns} bills came above their bound.")
    if not report.served:
        lines.append("No replica answered, so none was compared.")
    lines += _more([f"✗ commit {one.sequence}: {one.text}" for one in report.findings])
    if not report.findings:
        lines.append("The books balance: every invariant holds after every commit.")
    if report.invoice:
        lines += _invoice(report.invoice)
    return "\n".join(lines)


def _invoice(invoice: Reconciliation) -> list[str]:
    lines = [
        f"The bill has {invoice.lines} lines, {usd(invoice.invoice_nanousd)}; the ledger has {usd(invoice.ledger_nanousd)} for them (compared by {invoice.by})."
    ]
    if invoice.without_id:
        lines.append(
            f"{invoice.without_id} calls of these days have no id of the provider's: their answer was lost, or the provider gives none."
        )
    lines += _more([_difference(one) for one in invoice.differences])
    return lines if invoice.differences else [*lines, "They agree."]


def _difference(one: ReconciliationDifference) -> str:
    ours = "not in the ledger" if one.ledger_nanousd is None else usd(one.ledger_nanousd)
    theirs = "not on the bill" if one.invoice_nanousd is None else usd(one.invoice_nanousd)
    return f"✗ {one.about} ({one.model}): ledger {ours}, bill {theirs}\n    {one.fix}"


def _more(lines: list[str]) -> list[str]:
    return (
        lines
        if len(lines) <= SHOWN
        else [*lines[:SHOWN], f"… and {len(lines) - SHOWN} more (all with --json)"]
    )
