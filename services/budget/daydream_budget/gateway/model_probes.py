"""Probe a model before a stage's first call to it: once for all replicas, and for a week.

The probe is paid like the call that it precedes, from the same reservation. Calls to the model that
come meanwhile wait for it. Its claim and its findings are in the model's profile. A replica that
dies in its probe leaves a claim, which ends after `CLAIM_S`. Calls need no probe until then.

What can fail: the provider, the ledger or NATS does not answer. Then the call is made without a
probe, and refusals teach the same as they come. It is tried again after `RETRY_S`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import nats.errors
from nats.js.errors import APIError

from daydream_budget.gateway.model_profile_store import ModelProfileStore
from daydream_budget.gateway.providers.probe import probe
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError

if TYPE_CHECKING:
    from daydream_budget.gateway.attempts import CallRequest

log = logging.getLogger(__name__)
RETRY_S = 60.0
ELSEWHERE_RETRY_S = 5.0  # until the findings of another replica may be there
AskOnce = Callable[["CallRequest"], Awaitable[ProviderReply]]


@dataclass
class ModelProbes:
    """The probes of one replica. `ask` makes one attempt that is paid for."""

    profiles: ModelProfileStore
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)

    async def before(self, request: CallRequest, ask: AskOnce) -> None:
        """Probe the model of a stage's request, if that was not done yet. Never raise for it."""
        model = request.model
        is_wanted = model.provider.config.probe and model.capabilities is None
        if not is_wanted or not request.context.caller.stage or request.path != CHAT_PATH:
            return
        if time.monotonic() < self._not_before.get(model.name, 0.0):
            return
        task = self._running.get(model.name)
        if task is None:
            task = self._running[model.name] = asyncio.create_task(self._probe(request, ask))
            task.add_done_callback(lambda _: self._running.pop(model.name, None))
        await asyncio.shield(task)

    async def close(self) -> None:
        """Give up probes in progress. What they authorized counts in full."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _probe(self, request: CallRequest, ask: AskOnce) -> None:
        model = request.model
        try:
            if await self.profiles.claim_probe(model):
                await self._pay(request, ask)
            elif model.capabilities is None:
                self._not_before[model.name] = time.monotonic() + ELSEWHERE_RETRY_S
        except (nats.errors.Error, APIError, TimeoutError, ValueError) as error:
            log.warning("%s is not probed, or its findings are not shared: %s", model.name, error)
            self._not_before[model.name] = time.monotonic() + RETRY_S

    async def _pay(self, request: CallRequest, ask: AskOnce) -> None:
        """Probe, and share the findings. Without any, the claim is given up."""
        model = request.model
        try:
            capabilities = await probe(
                lambda body: ask(replace(request, body=body)),
                model.provider.config,
                model.name,
                model.dialect,
            )
            problem = capabilities.problem
        except CallRefusedError as refused:
            problem = str(refused)
        if problem:
            log.warning("%s could not be probed: %s", model.name, problem)
            self._not_before[model.name] = time.monotonic() + RETRY_S
            await self.profiles.give_up_probe(model)
            return
        model.take_findings(capabilities)
        log.info("Probed %s: %s", model.name, "; ".join(capabilities.lines()))
        await self.profiles.exchange(model)
