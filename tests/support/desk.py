"""Books with a clock, for tests of the ledger's rules: asks, and folds what was decided. Amounts are nano-dollars, small so
that they can be added in the head."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from daydream_budget.ledger.accounts import Account
from daydream_budget.ledger.entries import Commit, Entry
from daydream_budget.ledger.rules import Question, decide, due
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Change,
    ChangeBudget,
    Grant,
    IncreaseReservation,
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


class Desk:
    """One replica's books. `caps` are on everything, by window."""

    def __init__(self, zone: str = "UTC", now: datetime = NOON, **caps: int) -> None:
        self.books = LedgerState()
        self.now = now
        self.count = 0
        if zone != "UTC":
            self.change(SetZone(zone=zone))
        for window, cap in caps.items():
            self.cap(window, cap)  # type: ignore[arg-type]

    @property
    def money(self) -> Account:
        return self.books.accounts.of("all")

    def free(self, window: Window, scope: str = "all") -> int:
        limit = self.books.controls.limits[scope, window]
        return (self.books.controls.cap(limit) or 0) - self.books.used(
            scope, window, self.now
        ).total

    def ask(self, question: Question) -> Any:
        answer, entries = decide(self.books, question, self.now)
        if entries:
            self.fold(*entries)
        return answer

    def fold(self, *entries: Entry) -> None:
        self.books.fold(Commit(at=self.now, by="desk", entries=entries))

    def change(self, what: Change) -> Any:
        self.count += 1
        return self.ask(ChangeBudget(change_id=f"change-{self.count}", change=what, who="Ada"))

    def cap(self, window: Window, cap: int, scope: str = "all", **more: Any) -> Any:
        return self.change(SetLimit(scope=scope, window=window, cap_nanousd=cap, **more))

    def open(
        self,
        name: str,
        bound: int,
        branches: int = 1,
        stage: str = "synthesizer",
        model: str = "m",
        team: str = "",
        smaller: tuple[int, ...] = (),
        alternative_models: tuple[str, ...] = (),
        purpose: Purpose = "daydream",
    ) -> Grant:
        def parts(amount: int) -> tuple[AllocationRequest, ...]:
            return (
                AllocationRequest(
                    stage=stage,
                    model=model,
                    alternative_models=alternative_models,
                    team=team,
                    upper_bound_nanousd=amount,
                ),
            )

        plans = tuple(ReducedPlan(allocations=parts(amount)) for amount in smaller)
        question = OpenReservation(
            reservation_id=name,
            allocations=parts(bound),
            branches=branches,
            reduced_plans=plans,
            purpose=purpose,
            requested_at=self.now,
        )
        answer: Grant = self.ask(question)
        return answer

    def draw(
        self,
        name: str,
        bound: int,
        call: str = "call",
        nonce: str = "",
        lifetime_s: float = 60,
        stage: str = "synthesizer",
        model: str = "m",
        team: str = "",
    ) -> Grant:
        self.count += 1
        question = Authorize(
            reservation_id=name,
            call_id=call,
            nonce=nonce or f"nonce-{self.count}",
            stage=stage,
            model=model,
            team=team,
            upper_bound_nanousd=bound,
            lifetime_s=lifetime_s,
        )
        answer: Grant = self.ask(question)
        return answer

    def grow(
        self, name: str, by: int, growth: str = "growth", stage: str = "", model: str = "m"
    ) -> Grant:
        answer: Grant = self.ask(
            IncreaseReservation(
                reservation_id=name, increase_id=growth, stage=stage, model=model, by_nanousd=by
            )
        )
        return answer

    def settle(self, attempt_id: str, cost: int | None, **more: Any) -> Any:
        return self.ask(Settle(attempt_id=attempt_id, cost_nanousd=cost, **more))

    def close(self, name: str, way: int | None = None) -> Any:
        return self.ask(ReleaseReservation(reservation_id=name, branch=way))

    def spend(self, name: str, cost: int, **where: Any) -> None:
        """A whole payment: open, draw, settle, close."""
        assert self.open(name, cost, **where).granted
        drawn = {key: value for key, value in where.items() if key in ("stage", "model", "team")}
        self.settle(self.draw(name, cost, call=name, **drawn).attempt_id, cost)
        self.close(name)

    def foreground(self, cost: int, name: str = "") -> Any:
        self.count += 1
        return self.ask(
            ReportForeground(
                report_id=name or f"report-{self.count}", at=self.now, cost_nanousd=cost
            )
        )

    def sweep(self, after: timedelta) -> list[Entry]:
        self.now += after
        entries = list(due(self.books, self.now, IDLE_S))
        if entries:
            self.fold(*entries)
        return entries


class Recorded(Desk):
    """A desk that keeps what it wrote."""

    def __init__(self, **caps: Any) -> None:
        self.commits: list[Commit] = []
        super().__init__(**caps)

    def fold(self, *entries: Entry) -> None:
        self.commits.append(Commit(at=self.now, by="desk", entries=entries))
        super().fold(*entries)
