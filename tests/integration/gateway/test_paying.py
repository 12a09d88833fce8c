"""A request to a model through a gateway in this process, with a real ledger and endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from daydream_budget.gateway.app import Gateway
from daydream_budget.gateway.calls.claims import CallClaim, CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_console.local.processes import free_port
from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.rpc import BudgetState, Quote, ReleaseReservation
from daydream_contracts.topology import BUDGET_RELEASE
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.settings import ModelSettings
from daydream_runtime.rpc import RpcClient
from support.budget import budget_here
from support.gateway import (
    MODEL,
    PROMPT,
    PROVIDER_KEY,
    FakeGatewayHttp,
    LedgerClient,
    ReasonAnswer,
    gateway_here,
    write_prices,
)
from support.polling import eventually
from support.programs import EndpointProgram, NatsServer


class PaidModel(LedgerClient):
    """A model behind a gateway, and the accounts of ledger and endpoint."""

    def __init__(
        self, nc: Client, endpoint: EndpointProgram, prices: Path, stack: AsyncExitStack
    ) -> None:
        super().__init__(RpcClient(nc))
        self.nc, self.endpoint = nc, endpoint
        self._prices, self._stack = prices, stack
        self._gateways: list[Gateway] = []

    async def open(self, base_url: str = "") -> PaidModel:
        """Open a replica, and a client of it."""
        self.gateway, self.model = await self.new_replica(base_url)
        return self

    async def new_replica(self, base_url: str = "") -> tuple[Gateway, ModelClient]:
        """Return another replica of the gateway, and a client of it."""
        model = {
            "base_url": base_url or self.endpoint.url,
            "api_key": SecretStr(PROVIDER_KEY),
            "timeout_s": 10,
        }
        settings = {"model": model, "prices_file": str(self._prices), "patience_s": 2}
        gateway = await self._stack.enter_async_context(gateway_here(self.nc, **settings))
        self._gateways.append(gateway)
        client = FakeGatewayHttp(gateway)
        return gateway, ModelClient(
            client,  # type: ignore[arg-type]
            ModelSettings(name=MODEL),
            Quote(),
            client.stage,
        )

    async def ledger(self) -> BudgetState:
        """Return the state of the ledger once it has all settlements."""
        for gateway in self._gateways:
            await gateway.purchases.attempts.funds.finish(timeout_s=10)
        return await super().ledger()

    async def new_request(self, key: str = "", bound: int = 10**8) -> ModelRequest:
        return ModelRequest(
            key or uuid4().hex,
            await self.reserve(bound),
            PROMPT,
            PROMPT.fill(thing=key or uuid4().hex),
            200,
            0.5,
        )


@pytest.fixture
async def paid(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[PaidModel]:
    async with budget_here(server), AsyncExitStack() as stack:
        paid = PaidModel(nc, endpoint, write_prices(tmp_path), stack)
        await paid.cap(10**9)
        yield await paid.open()


async def test_a_call_costs_what_the_endpoint_reports_and_the_rest_is_returned(
    paid: PaidModel,
) -> None:
    request = await paid.new_request()
    reply = await paid.model.request(request, ReasonAnswer)
    assert reply.value
    await paid.rpc.request(
        BUDGET_RELEASE, ReleaseReservation(reservation_id=request.reservation_id)
    )
    ledger = await paid.ledger()
    assert (
        ledger.settled_nanousd
        == paid.endpoint.witness()["cost_nanousd"]
        == reply.calls[0].cost_nanousd
    )
    assert ledger.reserved_nanousd == ledger.authorized_nanousd == 0


async def test_the_same_request_is_paid_once_even_if_another_worker_repeats_it(
    paid: PaidModel,
) -> None:
    request = await paid.new_request()
    replies = [
        await paid.model.request(request, ReasonAnswer),
        await (await paid.new_replica())[1].request(request, ReasonAnswer),
    ]
    same = [await paid.new_request("the same") for _ in range(3)]
    at_once = await asyncio.gather(*(paid.model.request(request, ReasonAnswer) for request in same))
    assert replies[0] == replies[1]
    assert len({reply.calls[0].call_id for reply in at_once}) == 1
    assert paid.endpoint.witness()["calls"] == 2


async def test_a_gateway_that_died_between_storing_and_settling_is_settled_by_the_next(
    paid: PaidModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await paid.new_request()
    store = CallClaims.store

    async def store_and_die(
        claims: CallClaims, claim: CallClaim, answer: StoredAnswer
    ) -> StoredAnswer:
        await store(claims, claim, answer)
        raise asyncio.CancelledError

    # a real death can't be timed between these two steps
    monkeypatch.setattr(CallClaims, "store", store_and_die)
    with pytest.raises(RetryLaterError, match="this gateway is stopping"):
        await paid.model.request(request, ReasonAnswer)
    monkeypatch.setattr(CallClaims, "store", store)
    assert (await paid.ledger()).attempts_authorized == 1
    _, other = await paid.new_replica()
    await other.request(request, ReasonAnswer)
    ledger = await paid.ledger()
    assert ledger.attempts_authorized == 0
    assert ledger.settled_nanousd == paid.endpoint.witness()["cost_nanousd"]


@pytest.mark.fault("F12", invariant="a refusal is waited for as long as it says, and costs nothing")
async def test_too_many_requests_waits_as_long_as_the_server_says_and_costs_nothing(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(status=429, retry_after=7)
    with pytest.raises(RetryLaterError) as refused:
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert refused.value.delay_s is not None
    assert 7 <= refused.value.delay_s < 9, "with jitter, so that not all come back at once"
    assert (await paid.ledger()).settled_nanousd == 0


@pytest.mark.fault("F15", invariant="an answer that was lost counts in full")
async def test_a_server_error_without_a_body_may_have_been_billed_so_its_authorization_is_spent(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(status=502, bare=True)
    request = await paid.new_request()
    with pytest.raises(TransientError):
        await paid.model.request(request, ReasonAnswer)
    ledger = await paid.ledger()
    assert ledger.settled_nanousd > 0
    assert ledger.spend[0].unknown_calls == 2, "it is made once more at once"
    paid.endpoint.misbehave()
    assert (await paid.model.request(request, ReasonAnswer)).value, (
        "the next try is authorized by itself"
    )
    assert (await paid.ledger()).spend[0].calls == 3


async def test_a_server_error_with_a_body_costs_nothing(paid: PaidModel) -> None:
    paid.endpoint.misbehave(status=500)
    with pytest.raises(TransientError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd == 0


async def test_a_bad_request_is_permanent_and_free(paid: PaidModel) -> None:
    paid.endpoint.misbehave(status=400)
    with pytest.raises(PermanentError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd == 0


@pytest.mark.parametrize("status", [401, 404])
async def test_with_a_withdrawn_key_work_waits_and_does_not_fail(
    paid: PaidModel, status: int
) -> None:
    paid.endpoint.misbehave(status=status)
    with pytest.raises(RetryLaterError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)


async def test_an_endpoint_that_is_away_costs_nothing_and_is_retried_later(paid: PaidModel) -> None:
    await paid.open(f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(RetryLaterError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd == 0


async def test_an_answer_without_usage_spends_the_whole_authorization(paid: PaidModel) -> None:
    paid.endpoint.misbehave(no_usage=True)
    await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd > paid.endpoint.witness()["cost_nanousd"]


async def test_json_under_reasoning_is_read_too(paid: PaidModel) -> None:
    paid.endpoint.misbehave(as_reasoning=True)
    assert (await paid.model.request(await paid.new_request(), ReasonAnswer)).value


async def test_an_unreadable_answer_is_repaired_once_and_both_calls_are_paid(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(text="I would rather not answer in JSON.")
    reply = await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert reply.value is None
    assert [call.repair for call in reply.calls] == [False, True]
    assert paid.endpoint.witness()["calls"] == 2
    assert (await paid.ledger()).settled_nanousd == paid.endpoint.witness()["cost_nanousd"]


async def test_a_caller_whose_call_is_given_up_at_a_stop_is_told_to_wait(
    paid: PaidModel,
) -> None:
    asked: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        await paid.open(f"http://127.0.0.1:{port}/v1")
        call = asyncio.create_task(paid.model.request(await paid.new_request(), ReasonAnswer))
        await eventually(lambda: len(asked) == 1)
        await paid.gateway.purchases.finish(0)
        with pytest.raises(RetryLaterError, match="stopping"):
            await call
        with pytest.raises(RetryLaterError, match="stopping"):
            await paid.model.request(await paid.new_request(), ReasonAnswer)
        for writer in asked:  # from Python 3.12 on a server waits for its connections at its end
            writer.close()
    assert len(asked) == 1


async def test_a_reservation_that_is_too_small_grows_under_the_cap(paid: PaidModel) -> None:
    assert (await paid.model.request(await paid.new_request(bound=1), ReasonAnswer)).value


async def test_without_money_the_request_waits_and_no_call_is_made(paid: PaidModel) -> None:
    request = await paid.new_request(bound=1)
    await paid.cap(1)
    with pytest.raises(RetryLaterError):
        await paid.model.request(request, ReasonAnswer)
    assert paid.endpoint.witness()["calls"] == 0
