"""Prices of the operator's own file. docs/prices.md explains every key."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from daydream_budget.pricing.price_units import INPUT, OUTPUT, check_list
from daydream_budget.pricing.tariff import PriceSource, Tariff, cost_by
from daydream_budget.pricing.terms import DatedPriceTerms, PriceTerms
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.errors import ConfigurationError

FIX = (
    'A price needs [models."name"] with input_usd_per_mtok and output_usd_per_mtok; '
    "docs/prices.md explains the rest"
)


class FlatPrice(PriceTerms):
    """The price of one model in the operator's own file. `dated` are later terms."""

    dated: tuple[DatedPriceTerms, ...] = ()

    @field_validator("dated")
    @classmethod
    def _in_order(cls, dated: tuple[DatedPriceTerms, ...]) -> tuple[DatedPriceTerms, ...]:
        if len({terms.starts for terms in dated}) < len(dated):
            raise ValueError("two prices begin on the same date")
        return tuple(sorted(dated, key=lambda terms: terms.starts))

    def cost_nanousd(
        self, usage: TokenUsage, at: datetime | None = None, batch: bool = False
    ) -> int:
        """Return what this usage cost at that time."""
        return cost_by(self.tariffs(at or datetime.now(UTC), batch), usage)

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """Return what may apply at that time; None: at any time from now on."""
        begun = self._begun(at)
        by_terms = self._tariffs[batch]
        if at:
            return by_terms[begun]
        return tuple(tariff for tariffs in by_terms[begun:] for tariff in tariffs)

    def source(self, at: datetime | None = None) -> PriceSource:
        """Return the file as source, with the price of the machine if it is one by time."""
        begun = self._begun(at)
        terms = self.dated[begun - 1] if begun else self
        since = self.dated[begun - 1].starts if begun else None
        if terms.usd_per_gpu_hour is None:
            return PriceSource("file", "the operator's file", since)
        detail = (
            f"${terms.usd_per_gpu_hour:f} per GPU hour, {terms.gpus:f} GPUs, by the operator's file"
        )
        return PriceSource("time", detail, since)

    def _begun(self, at: datetime | None) -> int:
        """Return how many of the later terms have begun. A time without a zone is UTC."""
        moment = at or datetime.now(UTC)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return sum(terms.starts <= moment for terms in self.dated)

    @cached_property
    def _tariffs(self) -> tuple[tuple[tuple[Tariff, ...], ...], tuple[tuple[Tariff, ...], ...]]:
        """Return the tariffs of each terms in their order: the usual ones, and those in a batch."""
        all_terms: tuple[PriceTerms, ...] = (self, *self.dated)
        usual = tuple(terms.by_service_tier(False) for terms in all_terms)
        return usual, tuple(terms.by_service_tier(True) for terms in all_terms)


class PriceFile(BaseModel):
    """The operator's file as a whole."""

    model_config = ConfigDict(extra="forbid")

    models: dict[str, FlatPrice] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _near_the_list(self) -> Self:
        for model, price in self.models.items():
            for terms in (price, *price.dated):
                if not terms.confirmed:
                    _check_list(model, terms)
        return self


def read_prices(file: str) -> dict[str, FlatPrice]:
    """Return the operator's prices by model; none for an empty name.

    Raise ConfigurationError, which says what is wrong with the file.
    """
    if not file:
        return {}
    try:
        text = Path(file).read_text(encoding="utf-8")
        return PriceFile.model_validate(tomllib.loads(text, parse_float=Decimal)).models
    except OSError as error:
        raise ConfigurationError(
            f"can't read the prices file {file}: {error.strerror}", "Check DAYDREAM_PRICES_FILE"
        ) from None
    except ValidationError as error:
        raise ConfigurationError(
            f"a price in {file} is not valid ({_first_error(error)})", FIX
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the prices file {file} is not valid: {error}", FIX) from None


def _check_list(model: str, terms: PriceTerms) -> None:
    try:
        check_list(model, {INPUT: terms.input_usd_per_mtok, OUTPUT: terms.output_usd_per_mtok})
    except ValueError as error:
        raise ValueError(f"{model} {error}") from None


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    location = " ".join(str(part) for part in first["loc"][len(first["loc"]) > 1 :])
    if first["type"] == "extra_forbidden":
        return f"{location}: there is no such key"
    message = first["msg"].removeprefix("Value error, ")
    return f"{location}: {message}" if location else message
