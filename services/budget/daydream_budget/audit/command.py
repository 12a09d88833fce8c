"""`python -m daydream_budget audit`: what `daydream budget audit` runs, and what runs where only this service is installed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import nats
import nats.errors
from pydantic import ValidationError

from daydream_budget.audit.auditor import Auditor
from daydream_budget.audit.comparison import compare_ends, compare_serving, compare_snapshot
from daydream_budget.audit.invoices import InvoiceLine, read
from daydream_budget.audit.reconciliation import reconcile
from daydream_budget.audit.report import AuditReport, text
from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.entries import COMMIT
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import ConfigurationError, DaydreamError
from daydream_contracts.rpc import BudgetState, EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, LEDGER_MIRROR
from daydream_runtime.nats_url import unreachable
from daydream_runtime.rpc import RpcClient

EXIT_SOUND, EXIT_FOUND, EXIT_WRONG = 0, 1, 2
PROGRESS_EVERY = 5000
ASK_S = 8.0  # a try takes two seconds, and a replica may be starting


def main(arguments: list[str]) -> int:
    """0: the books are sound; 1: they are not, or differ from the bill; 2: a wrong setting."""
    parser = argparse.ArgumentParser(
        prog="python -m daydream_budget audit",
        description="Read the whole ledger again and check it. Changes nothing.",
    )
    parser.add_argument(
        "--invoice",
        type=Path,
        help="the provider's bill as CSV or JSON, to be compared line by line",
    )
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    asked = parser.parse_args(arguments)
    try:
        lines = read(asked.invoice) if asked.invoice else None
        report = asyncio.run(_audit(BudgetSettings.read(), lines))
    except ConfigurationError as wrong:
        sys.stderr.write(f"audit: {wrong.problem}. {wrong.fix}.\n")
        return EXIT_WRONG
    sys.stdout.write((report.model_dump_json(indent=1) if asked.json else text(report)) + "\n")
    return EXIT_SOUND if report.sound else EXIT_FOUND


async def _audit(settings: BudgetSettings, lines: list[InvoiceLine] | None) -> AuditReport:
    address = settings.nats_address
    try:
        nc = await nats.connect(**address.options(), connect_timeout=5, allow_reconnect=False)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise unreachable(address, error) from None
    auditor = Auditor()
    try:
        js = nc.jetstream(timeout=10)
        serving = await _serving(RpcClient(nc))
        mirrored = (
            await js.stream_info(LEDGER_MIRROR)
        ).state.last_seq  # before the ledger, which grows meanwhile
        kept, kept_at = await snapshots.load(js)
        async for sequence, data in archive.commits(js, 0):
            _take(auditor, sequence, data)
            if auditor.broken:
                break
            if sequence == kept_at:
                compare_snapshot(auditor, kept)
            if serving and sequence == serving.last_sequence:
                compare_serving(auditor, serving)
    except (nats.errors.Error, TimeoutError) as error:
        raise ConfigurationError(
            f"the ledger can't be read ({error!r})",
            "Check that DAYDREAM_NATS_URL is the system's server, and that it runs",
        ) from None
    finally:
        await nc.close()
    if not auditor.broken:
        compare_ends(
            auditor,
            {
                "the snapshot": kept_at,
                "the serving replica": serving.last_sequence if serving else 0,
                "the mirror": mirrored,
            },
        )
        auditor.balance()
    return AuditReport.of(
        auditor,
        served=serving is not None,
        invoice=None if lines is None else reconcile(auditor.calls, auditor.corrections, lines),
    )


async def _serving(ask: RpcClient) -> BudgetState | None:
    """What a replica says now; None when none runs, which is no fault of the books."""
    try:
        return await ask(BUDGET_STATE, EmptyRequest(), patience_s=ASK_S)
    except DaydreamError:
        return None


def _take(auditor: Auditor, sequence: int, data: bytes) -> None:
    try:
        commit = COMMIT.validate_json(data)
    except ValidationError as error:
        auditor.find(
            "unreadable",
            f"not a commit of this version ({error.error_count()} faults); nothing after it was judged",
            sequence,
        )
        auditor.broken = True
        return
    auditor.take(sequence, commit)
    if sequence % PROGRESS_EVERY == 0 and sys.stderr.isatty():
        sys.stderr.write(f"\r{sequence} commits read ")
