"""Check a model before anything is started: its price, its provider, and the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.pricing.lookup import FREE, find_price
from daydream_budget.pricing.price_file import FlatPrice
from daydream_contracts.errors import ConfigurationError

NAMES_SHOWN = 8


@dataclass(frozen=True)
class CheckedModel:
    """What was found about a model. `problem` is empty if it can be asked.

    A model that is not listed is a warning: many servers take further names.
    """

    model: str
    provider: str
    base_url: str
    free: bool = False
    price: str = ""
    problem: str = ""
    fix: str = ""
    warning: str = ""


async def check_model(
    name: str, config: ProviderConfig, prices: Mapping[str, FlatPrice]
) -> CheckedModel:
    """Find the price of a model and connect to its provider. Spend nothing."""
    checked = CheckedModel(name, config.name, str(config.address))
    try:
        price = find_price(name, config, prices)
    except ConfigurationError as error:
        return replace(checked, problem=error.problem, fix=error.fix)
    source = price.source()
    checked = replace(checked, free=price is FREE, price=f"{source.source}: {source.detail}")
    provider = Provider(config)
    try:
        names, reply = await provider.models()
    finally:
        await provider.close()
    problem, fix = _problem(config, reply)
    return replace(checked, problem=problem, fix=fix, warning=_warning(checked, names))


def _problem(config: ProviderConfig, reply: ProviderReply) -> tuple[str, str]:
    """Return what keeps the model from answering, and the fix; empty texts if nothing does."""
    address = str(config.address)
    row = classify(reply)
    match row.name:
        case "not-sent":
            return (
                f"the model endpoint {address} can't be reached ({reply.message})",
                "Start it, or check DAYDREAM_MODEL_BASE_URL",
            )
        case "key-refused":
            return (
                f"the model endpoint {address} does not accept the key ({reply.message})",
                "Check OPENAI_API_KEY or DAYDREAM_MODEL_API_KEY",
            )
        case "page":
            return (
                f"what answers at {address} is a web page and no model API",
                "Check DAYDREAM_MODEL_BASE_URL: most end with /v1. Or sign in to the network",
            )
        case "quota" | "no-balance":
            return f"the provider at {address} refuses: {reply.message}", "Pay, or choose another"
    return "", ""


def _warning(checked: CheckedModel, names: list[str]) -> str:
    if not names or checked.model in names:
        return ""
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{checked.base_url} does not list {checked.model}; it lists {shown}"
