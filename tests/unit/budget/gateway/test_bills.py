"""Bills above their bounds raise the next bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.gateway.bills import LearnedMarkup, merge_bills, price_key
from daydream_budget.pricing.price_file import FlatPrice

amounts = st.integers(1, 10**12)
markups = st.builds(
    LearnedMarkup, percent=st.integers(100, 10**6), lowest_nanousd=st.integers(0, 10**12)
)


def priced(usd_per_mtok: int) -> FlatPrice:
    return FlatPrice.model_validate(
        {"input_usd_per_mtok": usd_per_mtok, "output_usd_per_mtok": usd_per_mtok}
    )


@given(listed=amounts, billed=amounts, other=amounts)
def test_after_a_bill_every_bound_covers_it(listed: int, billed: int, other: int) -> None:
    markup = LearnedMarkup().after(listed, billed)
    assert markup.bound_nanousd(other) >= max(other, billed)
    assert markup.bound_nanousd(listed) >= billed * 1.2


def test_a_bill_that_is_a_multiple_of_the_list_raises_larger_bounds_alike() -> None:
    markup = LearnedMarkup().after(1000, 2000)
    assert markup.bound_nanousd(1_000_000) == 2_500_000


def test_a_bill_for_a_call_that_is_free_by_the_list_is_the_least_bound() -> None:
    assert LearnedMarkup().after(0, 1000).bound_nanousd(0) == 1250


@given(markups, markups, amounts)
def test_markups_merge_in_any_order_and_never_lower_a_bound(
    first: LearnedMarkup, second: LearnedMarkup, listed: int
) -> None:
    merged = first.merge(second)
    assert merged == second.merge(first)
    assert merged.bound_nanousd(listed) >= first.bound_nanousd(listed) >= listed
    assert merge_bills({"a": first}, {"a": second, "b": first}) == {"a": merged, "b": first}


def test_a_markup_is_about_one_price() -> None:
    assert price_key(priced(1)) == price_key(priced(1)) != price_key(priced(2))


def test_only_a_learned_markup_is_shown() -> None:
    assert LearnedMarkup().lines() == []
    [line] = LearnedMarkup().after(10**6, 12_300_000).lines()
    assert line.startswith("upper bounds are 15.4 times the price list's, at least $0.0153")
