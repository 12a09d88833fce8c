"""Ask the matching judge and the controls through a separate gateway and ledger, with a cap.

They are started at the first question that has no stored answer. Each answer is stored before it is
used, so a benchmark that was stopped pays for none twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from daydream_console.bench.plan import BenchPlan
from daydream_console.bench.questions import BenchQuestion
from daydream_console.client import Client, connected
from daydream_console.local.stack import running
from daydream_console.settled_budget import settled_budget
from daydream_contracts.errors import ConfigurationError, RetryLaterError, TransientError
from daydream_contracts.rpc import AddKey, ChangeBudget, SetLimit
from daydream_contracts.topology import BUDGET_CHANGE, GATEWAY_ADD_KEY
from daydream_models.gateway_client import GatewayAnswer, GatewayClient
from daydream_models.settings import GatewayAddress

SERVICES = ("budget", "gateway")
ANSWERS_FILE = "answers.jsonl"
CALLS_AT_ONCE = 8
PATIENCE_S = 180.0
WAIT_MAX_S = 20.0
SECRET_BYTES = 32


@dataclass
class MeasuringAsker:
    """Answers questions from a file, and asks the model for the others."""

    plan: BenchPlan
    settings: Mapping[str, str]
    stack: AsyncExitStack
    report: Callable[[str], None]
    answers: dict[str, str]
    spent_nanousd: int = 0
    _gateway: GatewayClient | None = None
    _client: Client | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    async def __call__(self, question: BenchQuestion) -> str:
        """Return the answer. Raise a DaydreamError if there is none, e.g. because of the cap."""
        key = question.key(self.plan.model.name)
        if key not in self.answers:
            gateway = await self._opened()
            async with self._turns:
                if key not in self.answers:
                    text = await _answer(gateway, self.plan.model.name, key, question)
                    store_answer(self.plan.folder, key, text)
                    self.answers[key] = text
                    self.report(f"{len(self.answers)} answers")
        return self.answers[key]

    async def count_spend(self) -> None:
        """Read what all questions have cost so far, also at earlier times."""
        file = self.plan.folder / "measure" / "spent.json"
        if self._client is not None:
            state = await settled_budget(self._client)
            file.write_text(json.dumps(state.foreground_settled_nanousd))
        if file.exists():
            self.spent_nanousd = json.loads(file.read_text())

    async def _opened(self) -> GatewayClient:
        async with self._starting:
            if self._gateway is None:
                self._gateway = await self._open()
            return self._gateway

    async def _open(self) -> GatewayClient:
        system = running(
            self.plan.data_folder("measure"),
            SERVICES,
            model=self.plan.model,
            progress=self.report,
            settings=self.settings,
        )
        started = await self.stack.enter_async_context(system)
        self._client = await self.stack.enter_async_context(connected(started.address))
        secret = await _issue_key(self._client, self.plan.measuring_cap_nanousd)
        address = GatewayAddress(url=started.gateway_url, key=SecretStr(secret))
        gateway = GatewayClient(address)
        self.stack.push_async_callback(gateway.close)
        return gateway


@asynccontextmanager
async def measuring_asker(
    plan: BenchPlan, settings: Mapping[str, str], report: Callable[[str], None]
) -> AsyncIterator[MeasuringAsker]:
    """Open what answers the questions. Whatever it started is stopped at the end."""
    async with AsyncExitStack() as stack:
        asker = MeasuringAsker(plan, settings, stack, report, stored_answers(plan.folder))
        try:
            yield asker
        finally:
            await asker.count_spend()


def stored_answers(folder: Path) -> dict[str, str]:
    """Return the answers of earlier times. A last line that a kill has cut is left out."""
    file = folder / ANSWERS_FILE
    answers: dict[str, str] = {}
    for line in file.read_text("utf-8").splitlines(keepends=True) if file.exists() else ():
        if line.endswith("\n"):
            row = json.loads(line)
            answers[row["key"]] = row["text"]
    return answers


def store_answer(folder: Path, key: str, text: str) -> None:
    """Append an answer as one line. A line that was cut before is ended first."""
    line = json.dumps({"key": key, "text": text}) + "\n"
    file = folder / ANSWERS_FILE
    data = file.read_bytes() if file.exists() else b""
    complete = data[: data.rfind(b"\n") + 1]
    if complete != data:
        file.write_bytes(complete)
    with file.open("ab") as output:
        output.write(line.encode())


async def _issue_key(client: Client, cap_nanousd: int) -> str:
    """Return a new key. All keys of this ledger together stay under the cap."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    who = "daydream bench"
    limit = SetLimit(scope="foreground", window="lifetime", cap_nanousd=cap_nanousd)
    change = ChangeBudget(change_id=uuid4().hex, change=limit, who=who, why="its cap")
    await client.rpc.request(BUDGET_CHANGE, change)
    request = AddKey(secret_sha256=digest, team="bench", purpose="bench", who=who)
    await client.rpc.request(GATEWAY_ADD_KEY, request)
    return secret


async def _answer(gateway: GatewayClient, model: str, key: str, question: BenchQuestion) -> str:
    """Ask the model, patiently. The gateway knows the call by its key.

    Raise ConfigurationError where it has to wait for long, as for money.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": list(question.messages),
        "max_completion_tokens": question.output_tokens_max,
        "temperature": question.temperature,
        "seed": int(key[:7], 16),
    }
    if not question.prompt.is_prose:
        name = question.prompt.name.replace(".", "_")
        shape = {"name": name, "strict": True, "schema": question.prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    retrying = AsyncRetrying(
        retry=retry_if_exception_type((RetryLaterError, TransientError)),
        wait=wait_random_exponential(max=WAIT_MAX_S),
        stop=stop_after_delay(PATIENCE_S),
        reraise=True,
    )
    try:
        answer: GatewayAnswer = await retrying(gateway.chat, key, "", body)
    except RetryLaterError as error:
        raise ConfigurationError(
            f"The arms are complete, but measuring them waits: {error}",
            "If its part of the cap is used up, run the same command with a higher --cap",
        ) from error
    return answer.text
