"""Prices of the operator's own file. docs/prices.md explains every key."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.tariff import PriceSource, Tariff, cost_by
from daydream_models.pricing.terms import DatedPriceTerms, PriceTerms
from daydream_models.pricing.usage import TokenUsage

FIX = 'A price needs [models."name"] with input_usd_per_mtok and output_usd_per_mtok; docs/prices.md explains the rest'


class FlatPrice(PriceTerms):
    """A price of the operator's own file. `dated` are later terms."""

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
        """What this usage cost at that time."""
        return cost_by(self.tariffs(at or datetime.now(UTC), batch), usage)

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """What may apply: at that time; None: at any time from now on."""
        begun = self._begun(at)
        known = self._known[batch]
        return (
            known[begun] if at else tuple(tariff for tariffs in known[begun:] for tariff in tariffs)
        )

    def origin(self, at: datetime | None = None) -> PriceSource:
        """The file; by the hour of a machine, where it says so."""
        begun = self._begun(at)
        terms = self.dated[begun - 1] if begun else self
        since = self.dated[begun - 1].starts if begun else None
        if terms.usd_per_gpu_hour is not None:
            return PriceSource(
                "time",
                f"${terms.usd_per_gpu_hour:f} a GPU hour, {terms.gpus:f} GPUs, by the operator's file",
                since,
            )
        return PriceSource("file", "the operator's file", since)

    def _begun(self, at: datetime | None) -> int:
        """How many of the later terms have begun."""
        moment = datetime.now(UTC) if at is None else at if at.tzinfo else at.replace(tzinfo=UTC)
        return sum(terms.starts <= moment for terms in self.dated)

    @cached_property
    def _known(self) -> tuple[tuple[tuple[Tariff, ...], ...], tuple[tuple[Tariff, ...], ...]]:
        """The tariffs of each terms in their order, usual and in a batch."""
        terms: tuple[PriceTerms, ...] = (self, *self.dated)
        return tuple(one.by_service_tier(False) for one in terms), tuple(
            one.by_service_tier(True) for one in terms
        )


def read_prices(file: str) -> dict[str, FlatPrice]:
    """The operator's prices; none for an empty name. ConfigurationError says what is wrong with the file."""
    if not file:
        return {}
    try:
        return _Tables.model_validate(
            tomllib.loads(Path(file).read_text(encoding="utf-8"), parse_float=Decimal)
        ).models
    except OSError as error:
        raise ConfigurationError(
            f"can't read the prices file {file}: {error.strerror}", "Check DAYDREAM_PRICES_FILE"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = " ".join(str(part) for part in first["loc"][len(first["loc"]) > 1 :])
        what = (
            "there is no such key"
            if first["type"] == "extra_forbidden"
            else first["msg"].removeprefix("Value error, ")
        )
        raise ConfigurationError(f"a price in {file} is not valid ({where}: {what})", FIX) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the prices file {file} is not valid: {error}", FIX) from None


class _Tables(BaseModel):
    model_config = ConfigDict(extra="forbid")

    models: dict[str, FlatPrice] = Field(default_factory=dict)
