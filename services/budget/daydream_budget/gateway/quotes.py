"""Quote the prices of a model, for the plans of stages. Nothing is spent."""

from __future__ import annotations

from daydream_budget.gateway.models import Models, ServedModel
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import Quote

MTOK = 1_000_000
PLANNING = "planning"


def quote(models: Models, name: str) -> Quote:
    """Return the highest prices of a model's tokens, or why it can't be asked."""
    try:
        return _prices(models.open(name))
    except ConfigurationError as error:
        return Quote(problem=error.problem, fix=error.fix)


def _prices(model: ServedModel) -> Quote:
    """Return the prices per token, rounded up; a stage's prompt is within the first tier."""
    tariffs = model.price.tariffs()
    fee = max(tariff.upper_bound_nanousd(0, 0) for tariff in tariffs)
    output = max(tariff.upper_bound_nanousd(0, MTOK) for tariff in tariffs) - fee
    return Quote(
        call_nanousd=fee,
        input_token_nanousd=max(tariff.first_input_token_nanousd() for tariff in tariffs),
        output_token_nanousd=-(-output // MTOK),
        reasoning_tokens=model.allowances.for_role(PLANNING).tokens,
    )
