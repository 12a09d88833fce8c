"""`python -m daydream_budget audit`: what `daydream budget audit` runs.

It needs nothing but this service.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed

from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.audit.auditor import Auditor
from daydream_budget.ledger.audit.comparison import (
    compare_digest,
    compare_ends,
    compare_serving,
    compare_snapshot,
)
from daydream_budget.ledger.audit.invoices import InvoiceLine, read
from daydream_budget.ledger.audit.reconciliation import reconcile
from daydream_budget.ledger.audit.report import AuditReport, text
from daydream_budget.ledger.chain import (
    ChainPosition,
    LedgerMessage,
    UnreadableMessageError,
    check_fold,
)
from daydream_budget.ledger.projection import VoidSearch
from daydream_budget.ledger.state import LedgerState
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import ConfigurationError, DaydreamError
from daydream_contracts.rpc import BudgetState, EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, LEDGER_MIRROR
from daydream_runtime.broker_errors import BrokerErrorKind, kind_of
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.rpc import RpcClient

EXIT_SOUND, EXIT_FINDINGS, EXIT_SETTING = 0, 1, 2
PROGRESS_COMMITS = 5000
SERVING_S = 8.0  # one try takes two seconds, and a replica may be starting
TRIES, AGAIN_S = 3, 6.0  # together longer than a cluster needs to choose a leader: nine seconds


def main(arguments: list[str]) -> int:
    """Return 0 if the ledger is sound, 1 for findings or differences, 2 for a wrong setting."""
    parser = argparse.ArgumentParser(
        prog="python -m daydream_budget audit",
        description="Read the whole ledger again and check it. Changes nothing.",
    )
    parser.add_argument(
        "--invoice", type=Path, help="provider's invoice as CSV or JSON, to compare with the ledger"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        lines = read(options.invoice) if options.invoice else None
        report = asyncio.run(_audit(BudgetSettings.read(), lines))
    except ConfigurationError as error:
        sys.stderr.write(f"audit: {error.problem}. {error.fix}.\n")
        return EXIT_SETTING
    sys.stdout.write((report.model_dump_json(indent=1) if options.json else text(report)) + "\n")
    return EXIT_SOUND if report.sound else EXIT_FINDINGS


async def _audit(settings: BudgetSettings, lines: list[InvoiceLine] | None) -> AuditReport:
    nc = await open_connection(settings.nats_address)
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: kind_of(error) is BrokerErrorKind.RETRY_LATER),
        stop=stop_after_attempt(TRIES),
        wait=wait_fixed(AGAIN_S),
        reraise=True,
    )
    try:
        audit: _Audit = await retrying(_Audit.of, nc)
    except (nats.errors.Error, TimeoutError) as error:
        raise ConfigurationError(
            f"the ledger can't be read ({error!r})",
            "Check that DAYDREAM_NATS_URL is the system's server, and that it runs",
        ) from None
    finally:
        await nc.close()
    calls, corrections = audit.auditor.calls, audit.auditor.corrections
    invoice = None if lines is None else reconcile(calls, corrections, lines)
    return AuditReport.of(audit.auditor, served=audit.serving is not None, invoice=invoice)


@dataclass
class _Audit:
    """One audit. What is compared was read before the ledger, which grows meanwhile."""

    js: JetStreamContext
    serving: BudgetState | None
    mirrored: int
    stored: LedgerState
    stored_at: ChainPosition
    position: ChainPosition = field(default_factory=ChainPosition)
    auditor: Auditor = field(default_factory=Auditor)

    @classmethod
    async def of(cls, nc: Client) -> _Audit:
        """Read the whole ledger, and return what was found."""
        js = nc.jetstream(timeout=10)
        serving = await _serving(RpcClient(nc))
        mirrored = (await js.stream_info(LEDGER_MIRROR)).state.last_seq
        stored, stored_at = await snapshots.load(js)
        audit = cls(js, serving, mirrored, stored, stored_at)
        await audit.run()
        return audit

    def __post_init__(self) -> None:
        """Make the search for voids."""
        self._search = VoidSearch(self.js)

    async def run(self) -> None:
        """Judge every message, and compare the snapshot and the replica at their places."""
        async for message in archive.messages(self.js, 0):
            await self._take(message)
            if self.auditor.broken:
                return
            if message.sequence == self.stored_at.sequence:
                compare_snapshot(self.auditor, self.stored)
                compare_digest(self.auditor, self.stored_at.digest, message.digest)
            if self.serving and message.sequence == self.serving.last_sequence:
                compare_serving(self.auditor, self.serving)
        compare_ends(
            self.auditor,
            {
                "the snapshot": self.stored_at.sequence,
                "the serving replica": self.serving.last_sequence if self.serving else 0,
                "the mirror": self.mirrored,
            },
        )
        self.auditor.balance()

    async def _take(self, message: LedgerMessage) -> None:
        """Judge a message as the replicas do: a commit that fits, a voided message, or neither."""
        try:
            commit = self.position.read(message)
            check_fold(self.auditor.state, commit, message)
        except UnreadableMessageError as error:
            if await self._search.is_voided(message):
                self.position.skip(message)
                self.auditor.skip(message.sequence)
            else:
                self.auditor.stop(message.sequence, error.problem)
            return
        self.position.pass_commit(message.sequence, message.digest, commit)
        self.auditor.take(message.sequence, commit)
        if message.sequence % PROGRESS_COMMITS == 0 and sys.stderr.isatty():
            sys.stderr.write(f"\r{message.sequence} commits read ")


async def _serving(rpc: RpcClient) -> BudgetState | None:
    """Return what a replica serves; None when none runs, which is no fault of the ledger."""
    try:
        return await rpc.request(BUDGET_STATE, EmptyRequest(), patience_s=SERVING_S)
    except DaydreamError:
        return None
