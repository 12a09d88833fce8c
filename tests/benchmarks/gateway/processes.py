"""The gateway as it runs in production: its own process, a real ledger and a real NATS server.

NATS syncs each commit, as under `daydream up`. All settings are the shipped ones. Providers are
fake ones, each its own process.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nats
import openai

from daydream_console.local.processes import free_port
from daydream_runtime.rpc import RpcClient
from support.fake_answers import MALFORMED_SHAPES
from support.gateway import STAGE, STAGE_KEY, LedgerClient, ProviderProcess, provider_process
from support.programs import NatsServer, answers, until
from support.services import service

CAP_NANOUSD = 10**12
PLAIN, STORM, SLOT, OUTAGE = "plain", "storm", "slot", "outage"  # models
DRIP_TIMEOUT_S = 3.0
START_S_MAX = 120.0


@dataclass
class BenchedGateway(LedgerClient):
    """One or more replicas, the ledger behind them, and the providers that they ask, by model."""

    urls: list[str]
    pids: Mapping[str, int]
    providers: Mapping[str, ProviderProcess]

    def client(self, replica: int = 0) -> openai.AsyncOpenAI:
        """Return a stage's client: the plain `openai` one, without its own retries."""
        return _openai(self.urls[replica], STAGE_KEY)

    def bare_client(self, model: str) -> openai.AsyncOpenAI:
        """Return a client that asks the provider itself."""
        return _openai(self.providers[model].base_url(), "right")

    def cpu_s(self, process: str) -> float:
        """Return the processor time that a process has used (Linux)."""
        fields = Path(f"/proc/{self.pids[process]}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    async def settled_nanousd(self, *models: str) -> int:
        """Return what the ledger has settled for some models."""
        rows = (await self.ledger()).spend
        return sum(row.settled_nanousd for row in rows if row.model in models)

    async def wait_until_settled(self, patience_s: float = 30.0) -> None:
        """Wait until no attempt is in progress, or for the patience."""
        for _ in range(int(patience_s / 0.2)):
            if not (await self.ledger()).authorized_nanousd:
                return
            await asyncio.sleep(0.2)


def _openai(url: str, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=120)


@asynccontextmanager
async def gateways(replicas: int = 1) -> AsyncIterator[BenchedGateway]:
    """Start everything new, with an endless cap. Yield what the benchmarks need of it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = NatsServer(folder / "nats", sync_always=True)
        stack.callback(server.kill)
        server.start()
        server.provision()
        providers = {
            model: stack.enter_context(provider_process()) for model in (PLAIN, STORM, SLOT, OUTAGE)
        }
        ledger = stack.enter_context(service("budget", server.url, folder / "budget"))
        pids = {"budget": ledger.pid}
        ports = [free_port() for _ in range(replicas)]
        for port in ports:
            own = {**_settings(folder, providers), "DAYDREAM_HTTP_PORT": str(port)}
            gateway = service("budget.gateway", server.url, folder / str(port), ready=False, **own)
            pids["gateway"] = stack.enter_context(gateway).pid
        for port in ports:
            ready = f"http://127.0.0.1:{port}/readyz"
            until(partial(answers, ready), "the gateway to be ready", START_S_MAX)
        nc = await nats.connect(server.url)
        stack.push_async_callback(nc.close)
        urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
        benched = BenchedGateway(RpcClient(nc), urls, pids, providers)
        await benched.cap(CAP_NANOUSD)
        yield benched


def _settings(folder: Path, providers: Mapping[str, ProviderProcess]) -> dict[str, str]:
    """Return the settings of a replica: the default provider is `PLAIN`'s."""
    tables = [
        _table(STORM, providers[STORM].base_url()),
        _table(SLOT, providers[SLOT].base_url(), timeout_s=DRIP_TIMEOUT_S, concurrency=1),
        _table(OUTAGE, providers[OUTAGE].base_url()),
        *(
            _table(shape, providers[PLAIN].base_url(shape), timeout_s=DRIP_TIMEOUT_S)
            for shape in MALFORMED_SHAPES
        ),
    ]
    (folder / "providers.toml").write_text("\n".join(tables))
    models = (PLAIN, STORM, SLOT, OUTAGE, *MALFORMED_SHAPES)
    (folder / "prices.toml").write_text("\n".join(map(_price, models)))
    return {
        "DAYDREAM_PRICES_FILE": str(folder / "prices.toml"),
        "DAYDREAM_GATEWAY_PROVIDERS_FILE": str(folder / "providers.toml"),
        "DAYDREAM_MODEL_BASE_URL": providers[PLAIN].base_url(),
        "DAYDREAM_MODEL_API_KEY": "right",
        f"DAYDREAM_GATEWAY_STAGE_KEYS_{STAGE.upper()}": STAGE_KEY,
    }


def _table(model: str, url: str, **settings: Any) -> str:
    own = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return f'[[provider]]\nname = "{model}"\nbase_url = "{url}"\nmodels = ["{model}"]\n{own}'


def _price(model: str) -> str:
    return f'[models."{model}"]\ninput_usd_per_mtok = 0.15\noutput_usd_per_mtok = 0.60\n'
