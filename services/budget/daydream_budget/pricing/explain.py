"""Explain which price applies to a model, for `daydream budget price`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import Field

from daydream_budget.pricing.bounds import call_bound_nanousd
from daydream_budget.pricing.tariff import ATTOUSD_PER_USD, Price, Tariff, TokenRates
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.events import ContractModel

MTOK = 1_000_000


class PriceRow(ContractModel):
    """US dollars per million tokens of each kind, for calls above a number of input tokens."""

    above_input_tokens: int
    input: float
    cached_input: float
    cache_write: float
    output: float
    reasoning: float


class PriceExplanation(ContractModel):
    """The price at one moment, with surcharges. `tiers` is the usual price, short prompts first."""

    model: str
    source: str = Field(
        description="free (declared), file (the operator's), time (the operator's, per GPU hour) "
        "or list (bundled)"
    )
    detail: str
    since: datetime | None = Field(description="start of this price; null: it has no start")
    usd_per_call: float
    tiers: tuple[PriceRow, ...]
    batch: tuple[PriceRow, ...]
    service_tiers: dict[str, tuple[PriceRow, ...]]
    input_tokens: int
    output_tokens: int
    cost_nanousd: int = Field(description="cost of a call with these tokens, nothing cached")
    batch_cost_nanousd: int
    upper_bound_nanousd: int = Field(
        description="maximum cost of a call with at most these tokens, from now on or at the time "
        "asked for"
    )


def explain(
    model_name: str,
    price: Price,
    *,
    input_tokens: int,
    output_tokens: int,
    at: datetime | None = None,
) -> PriceExplanation:
    """Return the price at that time, and what an example costs and can cost.

    `at` None: the price now; the upper bound is then for any time from now on.
    """
    moment = at or datetime.now(UTC)
    usual, *by_service_tier = price.tariffs(moment)
    in_batch = price.tariffs(moment, batch=True) or (usual,)
    source, usage = price.source(moment), TokenUsage(input_tokens, output_tokens)
    return PriceExplanation(
        model=model_name,
        source=source.source,
        detail=source.detail,
        since=source.since,
        usd_per_call=usual.fee / ATTOUSD_PER_USD,
        tiers=_rows(usual),
        batch=_rows(in_batch[0]),
        service_tiers={tariff.service_tier: _rows(tariff) for tariff in by_service_tier},
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_nanousd=price.cost_nanousd(usage, moment),
        batch_cost_nanousd=price.cost_nanousd(usage, moment, batch=True),
        upper_bound_nanousd=call_bound_nanousd(
            price, input_tokens, output_tokens, span=(at, at) if at else None
        ),
    )


def _rows(tariff: Tariff) -> tuple[PriceRow, ...]:
    return tuple(_row(rates) for rates in tariff.tiers)


def _row(rates: TokenRates) -> PriceRow:
    plain, cached, written, output, reasoning = _usd_per_mtok(
        (rates.input, rates.cached, rates.written, rates.output, rates.reasoning)
    )
    return PriceRow(
        above_input_tokens=rates.above,
        input=plain,
        cached_input=cached,
        cache_write=written,
        output=output,
        reasoning=reasoning,
    )


def _usd_per_mtok(amounts: Iterable[int]) -> list[float]:
    """Return dollars per million tokens with nine digits, which hides the rounding far behind."""
    return [float(format(amount * MTOK / ATTOUSD_PER_USD, ".9g")) for amount in amounts]
