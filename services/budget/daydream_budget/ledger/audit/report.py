"""The result of an audit, as data and as text."""

from __future__ import annotations

from datetime import datetime

from daydream_budget.ledger.audit.auditor import AuditFinding, Auditor, VoidedMessage
from daydream_budget.ledger.audit.reconciliation import Reconciliation, ReconciliationDifference
from daydream_budget.ledger.controls import usd
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import EVERYTHING

SHOWN_MAX = 20


class AuditReport(ContractModel):
    """The audited ledger, the findings, and the comparison with an invoice. Nano-dollars.

    `served`: a replica answered and was compared.
    """

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
    voids: tuple[VoidedMessage, ...] = ()
    findings: tuple[AuditFinding, ...]
    invoice: Reconciliation | None = None

    @classmethod
    def of(cls, auditor: Auditor, *, served: bool, invoice: Reconciliation | None) -> AuditReport:
        """Return the report of a finished audit."""
        money = auditor.state.accounts.of(EVERYTHING)
        calls = auditor.calls.values()
        return cls(
            commits=auditor.commits,
            entries=auditor.entries,
            first_at=auditor.first_at,
            last_at=auditor.state.at,
            calls=len(auditor.calls),
            unknown_calls=sum(call.unknown for call in calls),
            overruns=sum((call.charged or 0) > call.upper_bound for call in calls),
            settled_nanousd=money.settled,
            authorized_nanousd=money.authorized,
            reserved_nanousd=money.reserved,
            served=served,
            voids=tuple(auditor.voids),
            findings=tuple(auditor.findings),
            invoice=invoice,
        )

    @property
    def sound(self) -> bool:
        """Return whether there is no finding and the invoice, if any, agrees."""
        return not self.findings and not (self.invoice and self.invoice.differences)


def text(report: AuditReport) -> str:
    """Return the report for people, one sentence per line."""
    lines = [_size(report), _money(report)]
    if report.unknown_calls:
        lines.append(f"{report.unknown_calls} calls of unknown cost are counted in full.")
    if report.overruns:
        lines.append(f"{report.overruns} calls cost more than their upper bound.")
    if not report.served:
        lines.append("No replica answered, so none was compared.")
    lines += _shorten([_void(void) for void in report.voids])
    lines += _shorten([_finding(finding) for finding in report.findings])
    if not report.findings:
        lines.append("The ledger balances: every invariant holds after every commit.")
    if report.invoice:
        lines += _invoice(report.invoice)
    return "\n".join(lines)


def _size(report: AuditReport) -> str:
    if not report.first_at or not report.last_at:
        return "The ledger is empty."
    period = f"{report.first_at:%Y-%m-%d %H:%M} to {report.last_at:%Y-%m-%d %H:%M} UTC"
    return f"{report.entries} entries in {report.commits} commits, {period}."


def _money(report: AuditReport) -> str:
    settled, authorized = usd(report.settled_nanousd), usd(report.authorized_nanousd)
    reserved = usd(report.reserved_nanousd)
    return f"{report.calls} calls: {settled} settled, {authorized} authorized, {reserved} reserved."


def _invoice(invoice: Reconciliation) -> list[str]:
    lines = [
        f"The invoice has {invoice.lines} lines for {usd(invoice.invoice_nanousd)}. "
        f"The ledger has {usd(invoice.ledger_nanousd)} for them (compared by {invoice.by})."
    ]
    if invoice.without_id:
        lines.append(
            f"{invoice.without_id} calls of these days have no provider's id: "
            "the answer was lost, or the provider sends none."
        )
    lines += _shorten([_difference(difference) for difference in invoice.differences])
    return lines if invoice.differences else [*lines, "They agree."]


def _void(void: VoidedMessage) -> str:
    why = f": {void.why}" if void.why else ""
    return f"Message {void.sequence} was voided by {void.who} on {void.at:%Y-%m-%d %H:%M} UTC{why}"


def _finding(finding: AuditFinding) -> str:
    return f"✗ commit {finding.sequence}: {finding.text}"


def _difference(difference: ReconciliationDifference) -> str:
    ledger, invoice = "not in the ledger", "not on the invoice"
    if difference.ledger_nanousd is not None:
        ledger = f"ledger {usd(difference.ledger_nanousd)}"
    if difference.invoice_nanousd is not None:
        invoice = f"invoice {usd(difference.invoice_nanousd)}"
    name = f"{difference.about} ({difference.model})"
    return f"✗ {name}: {ledger}, {invoice}\n    {difference.fix}"


def _shorten(lines: list[str]) -> list[str]:
    if len(lines) <= SHOWN_MAX:
        return lines
    return [*lines[:SHOWN_MAX], f"… and {len(lines) - SHOWN_MAX} more (all of them: --json)"]
