"""The largest numbers that are allowed break nothing: no rule, no sum, no view, no snapshot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.summary import summary
from daydream_contracts.number_limits import NANOUSD_MAX, TAX_RATIO_MAX, TOKENS_MAX
from daydream_contracts.rpc import BudgetState, CorrectionEntry, SetLimit, SetTax, TopUp
from support.fake_ledger import FakeLedger

amounts = st.sampled_from([0, 1, 10**9, NANOUSD_MAX - 1, NANOUSD_MAX])
ratios = st.sampled_from([None, 5e-324, 1e-9, 20.0, float(TAX_RATIO_MAX)])
shares = st.sampled_from([5e-324, 0.3, 1.0])


@given(
    cap=amounts,
    foreground=amounts,
    bound=amounts,
    cost=st.one_of(st.none(), amounts),
    correction=amounts,
    ratio=ratios,
    share=shares,
)
def test_a_ledger_with_extreme_amounts_still_decides_and_adds_up(
    cap: int,
    foreground: int,
    bound: int,
    cost: int | None,
    correction: int,
    ratio: float | None,
    share: float,
) -> None:
    ledger = FakeLedger(lifetime=cap, day=NANOUSD_MAX)
    ledger.change(SetLimit(scope="team:red", window="day", share=share))
    ledger.change(SetTax(ratio=ratio))
    ledger.change(TopUp(window="lifetime", by_nanousd=NANOUSD_MAX))
    ledger.change(TopUp(window="lifetime", by_nanousd=-NANOUSD_MAX))
    ledger.report_foreground(foreground)
    ledger.open("r", bound, team="red", expected=correction)
    grant = ledger.authorize("r", bound, team="red")
    own = ledger.call("own", bound, purpose="foreground", key="k")
    ledger.settle(own.attempt_id, cost, output_tokens=TOKENS_MAX, release=True)
    ledger.settle(grant.attempt_id, cost, input_tokens=TOKENS_MAX, output_tokens=TOKENS_MAX)
    for by in (correction, -correction):
        ledger.change(CorrectionEntry(stage="s", model="m", at=ledger.now, by_nanousd=by))
    ledger.release("r")
    ledger.open("again", bound)
    ledger.sweep(timedelta(days=2))
    check(ledger.state)
    state = summary(ledger.state, 1, ledger.now)
    assert BudgetState.model_validate_json(state.model_dump_json()) == state
    stored = LedgerSnapshot.of(ledger.state, 1).model_dump_json()
    assert LedgerSnapshot.model_validate_json(stored).model_dump_json() == stored


def test_a_share_of_a_cap_is_exact_where_a_float_would_round() -> None:
    ledger = FakeLedger(day=NANOUSD_MAX - 1)
    limit = SetLimit(scope="team:red", window="day", share=1.0)
    ledger.change(limit)
    assert ledger.state.controls.cap(limit) == NANOUSD_MAX - 1


def test_top_ups_can_not_raise_a_cap_above_the_maximum() -> None:
    ledger = FakeLedger(lifetime=NANOUSD_MAX)
    reply = ledger.change(TopUp(window="lifetime", by_nanousd=1))
    assert reply.refusal.reason == "invalid-change"
    assert "$1000000000.00" in reply.refusal.text


@pytest.mark.parametrize(
    ("nanousd", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (1_500_000_000, "$1.50"),
        (NANOUSD_MAX - 1, "$999999999.999999999"),
        (-1_000_000, "$-0.001"),
    ],
)
def test_an_amount_is_shown_exactly(nanousd: int, text: str) -> None:
    assert usd(nanousd) == text
