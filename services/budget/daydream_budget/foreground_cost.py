"""Price a report of foreground usage."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_budget.pricing.lookup import price_of
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.errors import ConfigurationError, PermanentError
from daydream_contracts.events import ForegroundReported


def cost_of(report: ForegroundReported, prices: Mapping[str, FlatPrice]) -> int:
    """Return the cost of the reported usage in nano-dollars, by the prices of daydream's calls.

    Raises PermanentError if the model has no price. The report becomes a dead letter, which can be
    sent again once a price is set.
    """
    usage = TokenUsage(report.input_tokens, report.output_tokens, report.cached_input_tokens)
    try:
        return price_of(report.model, prices).cost_nanousd(usage, at=report.spent_at)
    except ConfigurationError as missing:
        raise PermanentError("no-price", str(missing)) from None
