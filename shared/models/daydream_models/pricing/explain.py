"""Which price is in force for a model, in words and figures: for `daydream budget price`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import Field

from daydream_contracts.events import ContractModel
from daydream_models.pricing.bounds import call_bound_nanousd
from daydream_models.pricing.tariff import ATTOUSD_PER_USD, Price, Tariff, TokenRates
from daydream_models.pricing.usage import TokenUsage

MTOK = 1_000_000


class PriceRow(ContractModel):
    """Dollars for a million tokens of each kind, in calls with more than so many input tokens."""

    above_input_tokens: int
    input: float
    cached_input: float
    cache_write: float
    output: float
    reasoning: float


class PriceExplanation(ContractModel):
    """A price at one moment. Surcharges are in the figures. `tiers` is the usual price, first the one for short prompts."""

    model: str
    source: str = Field(
        description="free (declared), file (the operator's), time (the operator's, by the GPU hour) or list (bundled)"
    )
    detail: str
    since: datetime | None = Field(description="when this price began; null: it has no beginning")
    usd_per_call: float
    tiers: tuple[PriceRow, ...]
    batch: tuple[PriceRow, ...]
    service_tiers: dict[str, tuple[PriceRow, ...]]
    input_tokens: int
    output_tokens: int
    cost_nanousd: int = Field(description="what a call with so many tokens costs, nothing cached")
    batch_cost_nanousd: int
    upper_bound_nanousd: int = Field(
        description="the most that a call with at most so many tokens can cost; from now on, or at the time asked for"
    )


def explain(
    model_name: str,
    price: Price,
    *,
    input_tokens: int,
    output_tokens: int,
    at: datetime | None = None,
) -> PriceExplanation:
    """The price in force at that time, and what an example costs and can cost at most; None: now, and at most from now on."""
    moment = at or datetime.now(UTC)
    usual, *served = price.tariffs(moment)
    in_batch = price.tariffs(moment, batch=True) or (usual,)
    origin, usage = price.origin(moment), TokenUsage(input_tokens, output_tokens)
    return PriceExplanation(
        model=model_name,
        source=origin.source,
        detail=origin.detail,
        since=origin.since,
        usd_per_call=usual.fee / ATTOUSD_PER_USD,
        tiers=_lines(usual),
        batch=_lines(in_batch[0]),
        service_tiers={tariff.service_tier: _lines(tariff) for tariff in served},
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_nanousd=price.cost_nanousd(usage, moment),
        batch_cost_nanousd=price.cost_nanousd(usage, moment, batch=True),
        upper_bound_nanousd=call_bound_nanousd(
            price, input_tokens, output_tokens, span=(at, at) if at else None
        ),
    )


def _lines(tariff: Tariff) -> tuple[PriceRow, ...]:
    return tuple(_line(rates) for rates in tariff.tiers)


def _line(rates: TokenRates) -> PriceRow:
    plain, cached, written, output, reasoning = _usd(
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


def _usd(amounts: Iterable[int]) -> list[float]:
    """Dollars for a million tokens, for people: nine digits, so that what was rounded up far behind the point is not shown."""
    return [float(format(amount * MTOK / ATTOUSD_PER_USD, ".9g")) for amount in amounts]
