"""A ledger in memory with a clock that the test sets, for tests of the ledger's rules.

It decides like a replica and folds its own entries; only JetStream is missing. Amounts are
nano-dollars, small enough to add in the head.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from daydream_budget.ledger.accounts import Account
from daydream_budget.ledger.chain import digest_of
from daydream_budget.ledger.entries import COMMIT, Commit, Entry
from daydream_budget.ledger.limits import held
from daydream_budget.ledger.rules import LedgerRequest, decide, due
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Change,
    ChangeBudget,
    Grant,
    OpenReservation,
    Purpose,
    ReducedPlan,
    ReleaseReservation,
    ReportForeground,
    SetLimit,
    Settle,
    SetZone,
    Window,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
IDLE_S = 86_400.0


def for_one_call(
    name: str,
    upper_bound: int,
    now: datetime,
    purpose: Purpose = "daydream",
    key: str = "",
    lifetime_s: float = 60,
    **fields: Any,
) -> OpenReservation:
    """Return the request to open a reservation and authorize its only call. The id is the name."""
    label = fields.pop("label", "")
    call = {"stage": "synthesizer", "model": "m", "upper_bound_nanousd": upper_bound, **fields}
    first = Authorize(reservation_id=name, call_id=name, nonce=name, lifetime_s=lifetime_s, **call)
    return OpenReservation(
        reservation_id=name,
        allocations=(AllocationRequest(key=key, label=label, **call),),
        first_attempt=first,
        purpose=purpose,
        requested_at=now,
    )


class FakeLedger:
    """One replica's state. `caps` are limits on everything, by window."""

    def __init__(self, zone: str = "UTC", now: datetime = NOON, **caps: int) -> None:
        self.state = LedgerState()
        self.now = now
        self.count = 0
        if zone != "UTC":
            self.change(SetZone(zone=zone))
        for window, cap in caps.items():
            self.set_cap(window, cap)  # type: ignore[arg-type]

    @property
    def money(self) -> Account:
        """Return the account of everything."""
        return self.state.accounts.of("all")

    def free(self, window: Window, scope: str = "all") -> int:
        """Return what a limit leaves beside held money; negative if more is held than left."""
        limit = self.state.controls.limits[scope, window]
        cap = self.state.controls.cap(limit) or 0
        return cap - held(self.state.used(scope, window, self.now))

    def submit(self, request: LedgerRequest) -> Any:
        """Decide a request and fold its entries; return the reply."""
        reply, entries = decide(self.state, request, self.now)
        if entries:
            self.fold(*entries)
        return reply

    def fold(self, *entries: Entry) -> None:
        """Fold entries as one commit."""
        self.state.fold(Commit(at=self.now, by="fake", entries=entries))

    def change(self, change: Change) -> Any:
        """Make a change as Ada."""
        self.count += 1
        request = ChangeBudget(change_id=f"change-{self.count}", change=change, who="Ada")
        return self.submit(request)

    def set_cap(self, window: Window, cap: int, scope: str = "all", **fields: Any) -> Any:
        """Set a limit."""
        return self.change(SetLimit(scope=scope, window=window, cap_nanousd=cap, **fields))

    def open(
        self,
        name: str,
        upper_bound: int,
        branches: int = 1,
        stage: str = "synthesizer",
        model: str = "m",
        team: str = "",
        reduced: tuple[int, ...] = (),
        alternative_models: tuple[str, ...] = (),
        purpose: Purpose = "daydream",
        expected: int = 0,
    ) -> Grant:
        """Open a reservation with one allocation; `reduced` are the bounds of reduced plans."""

        def allocations(amount: int) -> tuple[AllocationRequest, ...]:
            return (
                AllocationRequest(
                    stage=stage,
                    model=model,
                    alternative_models=alternative_models,
                    team=team,
                    upper_bound_nanousd=amount,
                    expected_nanousd=expected,
                ),
            )

        request = OpenReservation(
            reservation_id=name,
            allocations=allocations(upper_bound),
            branches=branches,
            reduced_plans=tuple(ReducedPlan(allocations=allocations(amount)) for amount in reduced),
            purpose=purpose,
            requested_at=self.now,
        )
        grant: Grant = self.submit(request)
        return grant

    def authorize(
        self,
        name: str,
        upper_bound: int,
        call: str = "call",
        nonce: str = "",
        lifetime_s: float = 60,
        stage: str = "synthesizer",
        model: str = "m",
        team: str = "",
    ) -> Grant:
        """Authorize an attempt; each one has its own nonce unless one is given."""
        self.count += 1
        request = Authorize(
            reservation_id=name,
            call_id=call,
            nonce=nonce or f"nonce-{self.count}",
            stage=stage,
            model=model,
            team=team,
            upper_bound_nanousd=upper_bound,
            lifetime_s=lifetime_s,
        )
        grant: Grant = self.submit(request)
        return grant

    def call(self, name: str, upper_bound: int, **fields: Any) -> Grant:
        """Open a reservation for one call and authorize it in the same commit."""
        grant: Grant = self.submit(for_one_call(name, upper_bound, self.now, **fields))
        return grant

    def settle(self, attempt_id: str, cost: int | None, **fields: Any) -> Any:
        """Settle an attempt; None: unknown cost."""
        return self.submit(Settle(attempt_id=attempt_id, cost_nanousd=cost, **fields))

    def release(self, name: str, branch: int | None = None) -> Any:
        """Release one branch, or all."""
        return self.submit(ReleaseReservation(reservation_id=name, branch=branch))

    def spend(self, name: str, cost: int, **fields: Any) -> None:
        """Make a whole payment: open, authorize, settle, release."""
        assert self.open(name, cost, **fields).granted
        call = {key: value for key, value in fields.items() if key in ("stage", "model", "team")}
        self.settle(self.authorize(name, cost, call=name, **call).attempt_id, cost)
        self.release(name)

    def report_foreground(self, cost: int, report_id: str = "") -> Any:
        """Report foreground spend now; each report has its own id unless one is given."""
        self.count += 1
        request = ReportForeground(
            report_id=report_id or f"report-{self.count}", at=self.now, cost_nanousd=cost
        )
        return self.submit(request)

    def sweep(self, after: timedelta) -> list[Entry]:
        """Let time pass, and fold what is due; return those entries."""
        self.now += after
        entries = list(due(self.state, self.now, IDLE_S))
        if entries:
            self.fold(*entries)
        return entries


class RecordingLedger(FakeLedger):
    """A fake ledger that keeps its commits."""

    def __init__(self, zone: str = "UTC", now: datetime = NOON, **caps: int) -> None:
        self.commits: list[Commit] = []
        super().__init__(zone, now, **caps)

    def fold(self, *entries: Entry) -> None:
        """Fold entries, and keep the commit, chained to the one before it."""
        previous = digest_of(COMMIT.dump_json(self.commits[-1])) if self.commits else ""
        self.commits.append(Commit(previous=previous, at=self.now, by="fake", entries=entries))
        super().fold(*entries)
