"""The models that were asked: for each its provider, price, dialect, limiter and thought."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from daydream_budget.gateway.bills import LearnedMarkup, price_key
from daydream_budget.gateway.call_bounds import CallBound, chat_bound, embedding_bound
from daydream_budget.gateway.callers import Caller
from daydream_budget.gateway.limiter.limiter import Limiter
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.model_profile import ModelProfile
from daydream_budget.gateway.providers.capabilities import Capabilities
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.corrections import ROUNDS_MAX, ask_corrected
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.preparation import (
    prepare,
    requested_maximum,
    visible_maximum,
)
from daydream_budget.gateway.providers.provider import EMBEDDINGS_PATH, Provider
from daydream_budget.gateway.providers.providers_file import Providers
from daydream_budget.gateway.providers.reasoning import ReasoningAllowances, is_cut_while_thinking
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.lookup import find_price
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.tariff import Price
from daydream_budget.pricing.tokens import Counter, counter_for
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.errors import ConfigurationError

MODELS_MAX = 1000  # a program may ask for any name
BATCH_TIERS = ("", "auto", "default", "batch")  # names for the tier of calls in a batch
NO_USAGE_IN_STREAM = "its stream did not end with a usage"


@dataclass(frozen=True)
class PreparedCall:
    """A request as it is bought: with a maximum, and room for thought."""

    path: str
    body: dict[str, Any]
    reasoning_tokens: int = 0
    watch: bool = False


@dataclass
class ServedModel:
    """One model at its provider."""

    name: str
    provider: Provider
    price: Price
    dialect: Dialect
    limiter: Limiter
    allowances: ReasoningAllowances
    counter: Counter | None
    output_tokens_max: int
    bills: LearnedMarkup = field(default_factory=LearnedMarkup)
    capabilities: Capabilities | None = None

    def profile(self) -> ModelProfile:
        """Return what this replica has learned from answers, without what was known beforehand."""
        return ModelProfile(
            dialect=self.dialect.learned(),
            bills={} if self.bills == LearnedMarkup() else {price_key(self.price): self.bills},
            allowances=self.allowances.learned(),
            capabilities=self.capabilities,
        )

    def learned(self) -> list[str]:
        """Say in one line each what was learned, and what was known beforehand."""
        lines = self.capabilities.lines() if self.capabilities else []
        return [*lines, *self.dialect.lines(), *self.bills.lines(), *self.allowances.lines()]

    def adopt(self, profile: ModelProfile) -> None:
        """Learn what another replica has learned, or this one before its start."""
        self.dialect.adopt(profile.dialect)
        self.bills = self.bills.merge(profile.bills.get(price_key(self.price), LearnedMarkup()))
        if profile.capabilities is not None and self.capabilities is None:
            self.take_findings(profile.capabilities)
        self.allowances.adopt(profile.allowances)

    def take_findings(self, capabilities: Capabilities) -> None:
        """Take over what a probe found out."""
        self.capabilities = capabilities
        self.allowances.begin_with(capabilities.reasoning_allowance)

    def prepare(self, caller: Caller, path: str, body: Mapping[str, Any]) -> PreparedCall:
        """Return a call to be bought.

        A stage names the maximum of what it wants to read; thought comes on top of it. Another
        program names the maximum of all, as at its provider.
        """
        if path == EMBEDDINGS_PATH:
            return PreparedCall(path, dict(body))
        maximum = visible_maximum(body)
        if maximum is None:
            maximum = self.output_tokens_max
        elif maximum <= 0:
            raise CallRefusedError.of_invalid_request("the maximum of tokens must be positive")
        bought = {**body, "max_completion_tokens": maximum}
        bought.pop("max_tokens", None)
        if self.provider.config.service_tier:
            bought.setdefault("service_tier", self.provider.config.service_tier)
        if not caller.stage:
            return PreparedCall(path, bought)
        tokens = self.allowances.for_role(caller.stage).tokens
        return PreparedCall(path, bought, tokens, watch=self.provider.config.watch_output)

    def bound(self, call: PreparedCall, lifetime_s: float) -> CallBound:
        """Return the maximum cost of a call. Raise CallRefusedError."""
        if call.path == EMBEDDINGS_PATH:
            bound = embedding_bound(call.body["input"], self.price, lifetime_s, self.counter)
        else:
            output_tokens = requested_maximum(call.body, self.dialect, call.reasoning_tokens)
            bound = chat_bound(call.body, output_tokens, self.price, lifetime_s, self.counter)
        return replace(bound, nanousd=self.bills.bound_nanousd(bound.listed_nanousd))

    async def send(self, call: PreparedCall) -> ProviderReply:
        """Send a request, corrected by what refusals teach. A refused request costs nothing."""
        if call.path == EMBEDDINGS_PATH:
            return await self.provider.attempt(call.path, call.body)
        asked = await ask_corrected(
            lambda sent: self.provider.attempt(call.path, sent),
            call.body,
            self.dialect,
            reasoning_tokens=call.reasoning_tokens,
            watch=call.watch,
        )
        reply = asked.reply
        if asked.sent.get("stream") and reply.shape == "completion" and reply.usage is None:
            self.dialect.refuse("stream", NO_USAGE_IN_STREAM, time.time())
        return reply

    def learn(self, caller: Caller, call: PreparedCall, reply: ProviderReply) -> bool:
        """Learn from an answer to a stage. True: it was cut in thought, and there is more room."""
        if not caller.stage:
            return False
        allowance = self.allowances.for_role(caller.stage)
        allowance.observe(reply)
        return is_cut_while_thinking(reply) and allowance.tokens > call.reasoning_tokens

    async def stream(self, call: PreparedCall) -> AsyncGenerator[bytes | ProviderReply, None]:
        """Yield the lines of a streamed answer, or one reply where there is no stream."""
        for _ in range(ROUNDS_MAX):
            sent = prepare(call.body, self.dialect)
            async with aclosing(self.provider.stream(sent)) as lines:
                async for line in lines:
                    if isinstance(line, ProviderReply) and self.dialect.learn(line, sent):
                        break  # a refusal taught something, and cost nothing
                    yield line
                else:
                    return

    def learn_bill(self, bound: CallBound, cost_nanousd: int | None) -> bool:
        """Return True for a cost above its bound. The next bounds then cover one like it."""
        if cost_nanousd is None or cost_nanousd <= bound.nanousd:
            return False
        self.bills = self.bills.after(bound.listed_nanousd, cost_nanousd)
        return True

    def cost_nanousd(
        self, reply: ProviderReply, at: datetime, *, in_batch: bool = False
    ) -> int | None:
        """Return what an answer cost: as its provider bills it, or by the list. None: unknown."""
        if reply.reported_cost_nanousd is not None:
            return reply.reported_cost_nanousd
        return self.listed_cost_nanousd(reply.usage, at, in_batch=in_batch)

    def listed_cost_nanousd(
        self, usage: TokenUsage | None, at: datetime | None = None, *, in_batch: bool = False
    ) -> int | None:
        """Return what tokens cost by the price list. None: no usage was reported.

        A call in a batch that was made in another tier has the price of that tier.
        """
        if usage is None:
            return None
        in_batch = in_batch and usage.service_tier in BATCH_TIERS
        return self.price.cost_nanousd(usage, at, batch=in_batch)


@dataclass
class Models:
    """All models of this replica. `known_profile` tells what is known before the first call."""

    providers: Providers
    prices: Mapping[str, FlatPrice]
    limiters: LimiterRegistry
    output_tokens_max: int
    known_profile: Callable[[ProviderConfig, str], ModelProfile]
    _clients: dict[str, Provider] = field(default_factory=dict)
    _served: dict[str, ServedModel] = field(default_factory=dict)

    def served(self, name: str) -> ServedModel:
        """Return a model by its name. Raise CallRefusedError for one without a price."""
        try:
            return self.open(name)
        except ConfigurationError as error:
            raise CallRefusedError(404, "model_not_found", str(error), "stop") from None

    def open(self, name: str) -> ServedModel:
        """Return a model by its name. Raise ConfigurationError for one without a price."""
        if name not in self._served:
            if len(self._served) >= MODELS_MAX:
                self._served.pop(next(iter(self._served)))
            self._served[name] = self._make(name)
        return self._served[name]

    def known(self) -> list[ServedModel]:
        """Return the models that were asked, by name."""
        return [self._served[name] for name in sorted(self._served)]

    def client_of(self, config: ProviderConfig) -> Provider:
        """Return the connections to a provider."""
        if config.name not in self._clients:
            self._clients[config.name] = Provider(config)
        return self._clients[config.name]

    async def offered(self) -> list[tuple[str, str]]:
        """Return the models that providers list, each with its provider, by name."""
        configs = list(self.providers)
        listed = await asyncio.gather(*(self.client_of(config).models() for config in configs))
        offered = {
            name: config.name
            for config, (names, _) in zip(configs, listed, strict=True)
            for name in names or config.models
        }
        return sorted(offered.items())

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(provider.close() for provider in self._clients.values()))

    def _make(self, name: str) -> ServedModel:
        config = self.providers.for_model(name)
        model = ServedModel(
            name=name,
            provider=self.client_of(config),
            price=find_price(name, config, self.prices),
            dialect=Dialect.of(config),
            limiter=self.limiters.limiter(config.name, name),
            allowances=ReasoningAllowances(name, fixed=config.reasoning_tokens_max),
            counter=counter_for(name, config.address.price_url),
            output_tokens_max=self.output_tokens_max,
        )
        model.adopt(self.known_profile(config, name))
        return model
