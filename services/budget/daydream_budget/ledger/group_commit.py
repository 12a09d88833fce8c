"""Requests that wait for the next commit, and what was decided for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from daydream_budget.ledger.changes import ChangeDecision
from daydream_budget.ledger.entries import Entry
from daydream_budget.ledger.rules import LedgerRequest, is_certain
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import (
    ChangeBudget,
    Grant,
    Refusal,
    ReleaseReservation,
    ReportForeground,
    Settle,
)


@dataclass(frozen=True)
class PendingRequest:
    """A request that waits for the next commit."""

    request: LedgerRequest
    reply: asyncio.Future[ContractModel]

    @property
    def is_patient(self) -> bool:
        """Return whether no model call waits for it: the work is done, and is only recorded."""
        return isinstance(self.request, Settle | ReleaseReservation | ReportForeground)

    def resolve(self, reply: ContractModel) -> None:
        """Reply, unless the client has gone."""
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Raise the error at the client, unless it has gone."""
        if not self.reply.done():
            self.reply.set_exception(error)

    def refuse(self, refusal: Refusal) -> None:
        """Refuse, because nothing can be committed.

        A settlement, a release and a report have no refusal: they are to be repeated later.
        """
        match self.request:
            case ChangeBudget():
                self.resolve(ChangeDecision(refusal=refusal))
            case Settle() | ReleaseReservation() | ReportForeground():
                self.fail(RetryLaterError(refusal.text))
            case _:
                self.resolve(Grant(refusal=refusal))


@dataclass
class DecidedBatch:
    """What was decided for a batch, and tried on the state since `undo_log.begin`."""

    replies: list[tuple[PendingRequest, ContractModel]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        """Return whether all replies hold even if the state is behind."""
        return all(is_certain(reply) for _, reply in self.replies)

    @property
    def refusing_limits(self) -> set[str]:
        """Return the limits (scope/window) that are used up. Waiting near a cap is no refusal."""
        refusals = (getattr(reply, "refusal", None) for _, reply in self.replies)
        reached = (refusal for refusal in refusals if refusal and not refusal.near_cap)
        return {name for refusal in reached for name in refusal.limits}
