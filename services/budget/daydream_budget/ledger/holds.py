"""What a reservation holds under a plan, and how much money must remain for the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.cost_history import CostHistory, kind_of
from daydream_budget.ledger.reservations import models_of
from daydream_contracts.rpc import AllocationRequest, OpenReservation, Purpose

Needs = dict[str, int]
"""How much is needed under each scope, in nano-dollars."""


@dataclass(frozen=True)
class HeldPlan:
    """A plan, and what is held for each of its allocations.

    `remaining`: what must be left under each scope, whatever others hold, so that every call of the
    plan can be authorized.
    """

    number: int
    allocations: tuple[AllocationRequest, ...]
    branches: int
    held: tuple[int, ...]
    scopes: tuple[tuple[str, ...], ...]
    remaining: Needs

    @property
    def needs(self) -> Needs:
        """Return what is held under each scope."""
        needs: Needs = {}
        for scopes, held in zip(self.scopes, self.held, strict=True):
            for scope in scopes:
                needs[scope] = needs.get(scope, 0) + held
        return needs

    @property
    def is_free(self) -> bool:
        """Return whether none of its calls costs anything."""
        return not any(allocation.upper_bound_nanousd for allocation in self.allocations)


def plans_of(history: CostHistory, request: OpenReservation) -> Iterator[HeldPlan]:
    """Yield the plans of a request, the most expensive first.

    The last plan comes twice. The second time it needs no more than its cheapest stage, so that
    what is left at the end of a cap is less than one call.
    """
    number = 0
    plan = _plan(history, request.purpose, 0, request.allocations, request.branches)
    yield plan
    for number, reduced in enumerate(request.reduced_plans, 1):
        plan = _plan(history, request.purpose, number, reduced.allocations, reduced.branches)
        yield plan
    yield _at_the_end(plan)


def _plan(
    history: CostHistory,
    purpose: Purpose,
    number: int,
    allocations: tuple[AllocationRequest, ...],
    branches: int,
) -> HeldPlan:
    """Return a plan with what it holds.

    It needs that amount, and the upper bound of the most expensive stage of one branch beside it.
    """
    held = tuple(
        _hold(history, purpose, number, allocation, branches) for allocation in allocations
    )
    scopes = tuple(_scopes(allocation, purpose) for allocation in allocations)
    largest: Needs = {}
    most: Needs = {}
    for allocation, names in zip(allocations, scopes, strict=True):
        in_branch = -(-allocation.upper_bound_nanousd // branches)
        for scope in names:
            largest[scope] = max(largest.get(scope, 0), in_branch)
            most[scope] = most.get(scope, 0) + allocation.upper_bound_nanousd
    plan = HeldPlan(number, allocations, branches, held, scopes, {})
    for scope, need in plan.needs.items():
        plan.remaining[scope] = min(need + largest[scope], most[scope])
    return plan


def _hold(
    history: CostHistory, purpose: Purpose, plan: int, allocation: AllocationRequest, branches: int
) -> int:
    """Return what such allocations have cost; the expectation until enough is known of them."""
    upper_bound = allocation.upper_bound_nanousd
    usual = history.usual_per_branch(
        kind_of(purpose, plan, allocation.stage, models_of(allocation))
    )
    if usual is not None:
        return min(upper_bound, usual * branches)
    return min(upper_bound, allocation.expected_nanousd or upper_bound)


def _at_the_end(plan: HeldPlan) -> HeldPlan:
    """Return the plan for the last money of a cap: it needs the upper bound of one stage only."""
    least: Needs = {}
    for allocation, scopes in zip(plan.allocations, plan.scopes, strict=True):
        for scope in scopes if allocation.upper_bound_nanousd else ():
            bound = allocation.upper_bound_nanousd
            least[scope] = min(least.get(scope, bound), bound)
    held = list(plan.held)
    cheapest = min(least.values(), default=0)
    if sum(held) > cheapest:  # hold that one stage only
        bounds = [allocation.upper_bound_nanousd for allocation in plan.allocations]
        index = bounds.index(cheapest)
        held = [0] * len(held)
        held[index] = cheapest
    return HeldPlan(plan.number, plan.allocations, plan.branches, tuple(held), plan.scopes, least)


def _scopes(allocation: AllocationRequest, purpose: Purpose) -> tuple[str, ...]:
    return scopes_of(
        allocation.stage, models_of(allocation), allocation.team, purpose, allocation.key
    )
