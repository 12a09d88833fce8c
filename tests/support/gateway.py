"""A real gateway with its ledger, over a real NATS server, and clients of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import openai
from nats.aio.client import Client
from pydantic import BaseModel, SecretStr

from daydream_budget.gateway.app import Gateway, open_gateway
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.purchase import receipt
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.gateway.settings import GatewaySettings
from daydream_console.local.processes import free_port
from daydream_contracts.events import Message
from daydream_contracts.gateway_http import CallReceipt
from daydream_contracts.rpc import (
    AllocationRequest,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    OpenReservation,
    QuoteRequest,
    SetLimit,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_STATE,
    GATEWAY_QUOTE,
    route_of,
)
from daydream_models.chat_completion import ChatCompletion
from daydream_models.client import ModelClient
from daydream_models.gateway_client import GatewayAnswer, GatewayClient, refusal_error
from daydream_models.prompt import Prompt
from daydream_models.settings import GatewayAddress, ModelSettings
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import start_telemetry
from support.polling import eventually
from support.programs import PRICES, NatsServer
from support.services import service

TESTS = Path(__file__).resolve().parents[1]
STAGE = "synthesizer"
STAGE_KEY = "stage-key-of-the-synthesizer"
PROVIDER_KEY = "right"
MODEL = "priced-1"
SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}},
    "required": ["reasoning"],
    "additionalProperties": False,
}
PROMPT = Prompt("test.v1", "ReasonAnswer.", "About {{thing}}.", SCHEMA)


class ReasonAnswer(BaseModel):
    """The answer that the tests ask for."""

    reasoning: str


@dataclass
class LedgerClient:
    """A running budget service, and ways to ask it."""

    rpc: RpcClient

    async def reserve(self, nanousd: int = 10**8, stage: str = STAGE, model: str = MODEL) -> str:
        """Open a reservation and return its id."""
        reservation_id = uuid4().hex
        allocation = AllocationRequest(stage=stage, model=model, upper_bound_nanousd=nanousd)
        grant = await self.rpc.request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=reservation_id,
                allocations=(allocation,),
                requested_at=datetime.now(UTC),
            ),
        )
        assert grant.granted, grant.refusal
        return reservation_id

    async def ledger(self) -> BudgetState:
        """Return the state of the ledger."""
        return await self.rpc.request(BUDGET_STATE, EmptyRequest())

    async def settled_ledger(self) -> BudgetState:
        """Return the state of the ledger once no attempt is open: they settle behind answers."""

        async def is_settled() -> bool:
            return not (await self.ledger()).attempts_authorized

        await eventually(is_settled)
        return await self.ledger()

    async def cap(self, nanousd: int, scope: str = "all") -> None:
        """Set a lifetime cap."""
        change = SetLimit(scope=scope, window="lifetime", cap_nanousd=nanousd)
        request = ChangeBudget(change_id=uuid4().hex, change=change, who="test")
        await self.rpc.request(BUDGET_CHANGE, request)


@dataclass
class RunningGateway(LedgerClient):
    """A gateway, the ledger behind it, and ways to ask both."""

    port: int

    @property
    def stage_environment(self) -> dict[str, Any]:
        """Return the settings of a stage that asks this gateway."""
        return {"DAYDREAM_GATEWAY_URL": self.url, "DAYDREAM_GATEWAY_KEY": STAGE_KEY}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def openai(self, key: str = STAGE_KEY) -> openai.AsyncOpenAI:
        """Return a plain client of the gateway."""
        return openai.AsyncOpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=60)

    async def model(self, name: str = MODEL, stage: str = STAGE, **settings: object) -> ModelClient:
        """Return a stage's client of a model."""
        address = GatewayAddress(url=self.url, key=SecretStr(STAGE_KEY), timeout_s=60)
        quote = await self.rpc.request(GATEWAY_QUOTE, QuoteRequest(model=name))
        assert not quote.problem, quote
        model = ModelSettings.model_validate({"name": name, **settings})
        return ModelClient(GatewayClient(address), model, quote, stage)


@dataclass
class FakeGatewayHttp:
    """A stage's way into a gateway of this process, without HTTP."""

    gateway: Gateway
    stage: str = STAGE

    async def chat(
        self, call_id: str, reservation_id: str, body: Mapping[str, Any], *, batch: bool = False
    ) -> GatewayAnswer:
        """Return the answer of a named call, as GatewayClient does."""
        context = CallContext(Caller(stage=self.stage), call_id, reservation_id, batch)
        try:
            answer = await self.gateway.purchases.answer(context, CHAT_PATH, dict(body))
        except CallRefusedError as refused:
            raise refusal_error(refused.body()["error"]) from refused
        completion = ChatCompletion.model_validate(answer.body)
        return GatewayAnswer(completion, CallReceipt.model_validate(receipt(context, answer)))


@asynccontextmanager
async def gateway_here(nc: Client, **settings: Any) -> AsyncIterator[Gateway]:
    """Open a replica of the gateway in this process, over a real NATS server."""
    settings["model"] = {"probe": False, **settings.get("model", {})}
    own = GatewaySettings.model_validate({"instance": "here", "stop_timeout_s": 1, **settings})
    telemetry = start_telemetry("gateway", own.instance)
    js = nc.jetstream()

    async def publish(event: Message) -> None:
        route = route_of(type(event))
        await js.publish(route.subject, event.model_dump_json().encode(), stream=route.stream)

    runtime = SimpleNamespace(
        settings=own,
        nc=nc,
        js=js,
        telemetry=telemetry,
        rpc=RpcClient(nc),
        publish=publish,
        bucket=lambda bucket: js.key_value(bucket.name),
    )
    async with open_gateway(own, cast(Runtime, runtime)) as gateway:
        yield gateway
    telemetry.close()


@dataclass
class ProviderProcess:
    """The fake provider as a process: the witness of what was asked and billed."""

    url: str

    def base_url(self, behaviour: str = "") -> str:
        """Return the base URL of a behaviour."""
        return f"{self.url}/{behaviour}/v1" if behaviour else f"{self.url}/v1"

    def billed(self) -> dict[str, Any]:
        """Return what it counted and billed."""
        counts: dict[str, Any] = httpx.get(f"{self.url}/billed", trust_env=False).json()
        return counts

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        lines: list[dict[str, Any]] = httpx.get(f"{self.url}/log", trust_env=False).json()
        return lines

    def tell(self, **control: Any) -> None:
        """Change how it answers from now on."""
        httpx.post(f"{self.url}/control", json=control, trust_env=False).raise_for_status()


@contextmanager
def provider_process() -> Iterator[ProviderProcess]:
    """Run the fake provider as a process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.fake_provider", "--port", "0"],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield ProviderProcess(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


@contextmanager
def gateway_processes(
    server: NatsServer, provider_url: str, folder: Path, *, stage: str = STAGE, **environment: str
) -> Iterator[int]:
    """Run a budget service and a gateway as processes. Yield the port of the gateway."""
    port = free_port()
    own: dict[str, Any] = {
        "DAYDREAM_PRICES_FILE": str(write_prices(folder)),
        "DAYDREAM_MODEL_BASE_URL": provider_url,
        "DAYDREAM_MODEL_API_KEY": PROVIDER_KEY,
        f"DAYDREAM_GATEWAY_STAGE_KEYS_{stage.upper()}": STAGE_KEY,
        "DAYDREAM_HTTP_PORT": str(port),
    }
    with (
        service("budget", server.url, folder / "budget"),
        service("budget.gateway", server.url, folder, **{**own, **environment}),
    ):
        yield port


@asynccontextmanager
async def running_gateway(
    server: NatsServer,
    nc: Client,
    provider_url: str,
    folder: Path,
    *,
    stage: str = STAGE,
    **environment: str,
) -> AsyncIterator[RunningGateway]:
    """Run a budget service and a gateway as processes, with a cap of one dollar."""
    with gateway_processes(server, provider_url, folder, stage=stage, **environment) as port:
        running = RunningGateway(RpcClient(nc), port)
        await running.cap(10**9)
        yield running


def write_prices(folder: Path) -> Path:
    """Write the prices of the endpoint's models, and return the file.

    It is replaced at once: a gateway that is starting may read it at this moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prices.toml"
    new = folder / "prices.new"
    new.write_text(PRICES)
    return new.replace(file)
