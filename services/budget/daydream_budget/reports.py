"""What a report of foreground usage cost."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_contracts.errors import ConfigurationError, PermanentError
from daydream_contracts.events import ForegroundReported
from daydream_models.pricing.lookup import price_of
from daydream_models.pricing.price_file import FlatPrice
from daydream_models.pricing.usage import TokenUsage


def cost_of(report: ForegroundReported, prices: Mapping[str, FlatPrice]) -> int:
    """What a reported usage cost, by the same prices as our own calls. Permanent when there is no price: the report becomes a
    dead letter that can be replayed once there is one."""
    usage = TokenUsage(report.input_tokens, report.output_tokens, report.cached_input_tokens)
    try:
        return price_of(report.model, prices).cost_nanousd(usage, at=report.spent_at)
    except ConfigurationError as missing:
        raise PermanentError("no-price", str(missing)) from None
