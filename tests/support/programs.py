"""Real programs for tests: a NATS server, the priced endpoint, the `daydream` command.

The code that starts a program also ends it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from daydream_console.client import connected
from daydream_console.local.folder import DataFolder
from daydream_console.local.http_get import get
from daydream_console.local.nats_program import nats_server
from daydream_console.local.processes import free_port
from daydream_contracts import topology
from daydream_contracts.grants import CONSOLE
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS, ReplyT, RequestT
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at
from support.small_disk import SmallDisk

HERE = Path(__file__).parent
PATIENCE_S = 20.0
POLL_S = 0.02
REFUSAL = re.compile(r"the NATS user \S+ may not \w+ to [^:]+")
PRICES = "".join(
    f'[models."priced-{number}"]\ninput_usd_per_mtok = 0.15\noutput_usd_per_mtok = 0.60\n'
    for number in (1, 2)
)


def until(
    condition: Callable[[], Any], name: str, patience_s: float = PATIENCE_S, poll_s: float = POLL_S
) -> Any:
    """Poll `condition` and return its first true value. Fail after the timeout."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(poll_s)
    raise AssertionError(f"{name}: not seen within {patience_s} s")


def answers(url: str) -> bool:
    try:
        get(url, timeout_s=1)
    except OSError:
        return False
    return True


class NatsServer:
    """A real server with JetStream in its own folder.

    It can be killed and started again on the same port. `disk` is where it stores its files, and
    `files_max` how much it promises to streams: by default a share of the free space.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sync_always: bool = False,
        settings: str = "",
        disk: SmallDisk | None = None,
        files_max: str = "",
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "nats.conf"
        sync = ", sync_interval: always" if sync_always else ""
        limit = f", max_file_store: {files_max}" if files_max else ""
        store = disk.folder if disk else folder
        self._launcher = disk.launcher if disk else ()
        self._settings = f'jetstream {{ store_dir: "{store}"{sync}{limit} }}\n{settings}\n'
        self._process: subprocess.Popen[bytes] | None = None
        self._has_started = False
        self._take_ports()

    def start(self) -> None:
        self._launch()
        until(self._is_up, "the NATS server")
        self._has_started = True

    def _take_ports(self) -> None:
        self.port, self.monitor = free_port(), free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.config.write_text(
            f"host: 127.0.0.1\nport: {self.port}\n"
            f'http: "127.0.0.1:{self.monitor}"\nmax_payload: 8MB\n{self._settings}'
        )

    def _launch(self) -> None:
        self._process = subprocess.Popen(
            [*self._launcher, str(nats_server()), "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:  # another program took a port meanwhile
            if not self._has_started:
                self._take_ports()
            self._launch()
        return answers(self.health)

    @property
    def health(self) -> str:
        """Return the address of its health report."""
        return f"http://127.0.0.1:{self.monitor}/healthz"

    @property
    def urls(self) -> list[str]:
        """Return the URLs of all servers: there is one."""
        return [self.url]

    @property
    def pid(self) -> int:
        """Return the process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop in order: the server writes what it knows of its files."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def provision(self) -> None:
        """Make the streams, consumers and buckets, as `daydream up` does before its services."""
        with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a running event loop
            elsewhere.submit(asyncio.run, provision_at(NatsAddress.of([self.url]), 1)).result()


@dataclass
class EndpointProgram:
    """The priced endpoint and its record of calls."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def witness(self) -> dict[str, int]:
        body = get(f"http://127.0.0.1:{self.port}/witness", timeout_s=5)
        counts: dict[str, int] = json.loads(body)
        return counts

    def asked(self) -> dict[str, Any]:
        """Return the last request of each kind, by the name of its schema."""
        body: dict[str, Any] = json.loads(get(f"http://127.0.0.1:{self.port}/asked", timeout_s=5))
        return body

    def misbehave(self, **how: Any) -> None:
        httpx.post(f"http://127.0.0.1:{self.port}/misbehave", json=how, trust_env=False)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def invoice(self, file: Path) -> Path:
        """Write an invoice as a provider exports it: one line per answer, in dollars."""
        rows = [
            f"{line['id']},{line['at']},priced-1,{line['cost'] / 1e9:.9f}"
            for line in self.lines()
            if "cost" in line
        ]
        file.write_text("\n".join(["id,created,model,cost", *rows]) + "\n")
        return file

    def calls(self) -> dict[str, int]:
        """Return how often each request was sent."""
        counts: dict[str, int] = {}
        for line in self.lines():
            if line["event"] == "start":
                counts[line["key"]] = counts.get(line["key"], 0) + 1
        return counts

    def open_calls(self) -> set[str]:
        """Return requests whose answer may not be stored yet: not sent, or sent less than a second
        ago.

        Within that second it is read, put into the bucket and synced.
        """
        unanswered = self.calls()
        for line in self.lines():
            if line["event"] in ("end", "gone") and line["at"] < time.time() - 1.0:
                unanswered[line["key"]] -= 1
        return {key for key, count in unanswered.items() if count > 0}


@contextmanager
def priced_endpoint(
    folder: Path, *, delay_s: float = 0.0, module: str = "support.endpoint"
) -> Iterator[EndpointProgram]:
    """Run the endpoint. `module` is the program: this one, or one that answers otherwise."""
    endpoint = EndpointProgram(free_port(), folder / "endpoint.log")
    endpoint.log.touch()
    command = [
        sys.executable,
        "-m",
        module,
        "--port",
        str(endpoint.port),
        "--log",
        str(endpoint.log),
        "--delay-s",
        str(delay_s),
    ]
    process = subprocess.Popen(command, cwd=HERE.parent)
    try:
        until(lambda: answers(f"http://127.0.0.1:{endpoint.port}/witness"), "the endpoint")
        yield endpoint
    finally:
        process.kill()
        process.wait()


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment without daydream's settings; canaries, oracle and probes are off,
    and judges are not calibrated.

    Programs may write compiled modules, without which each would start in twice the time.
    """
    left_out = ("DAYDREAM_", "OPENAI_", "OTEL_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    # Without canaries, the oracle and probes, a test counts exactly what was drawn.
    plain = {
        "DAYDREAM_SAMPLER_CANARY_SHARE": "0",
        "DAYDREAM_CRITIC_PROMOTE_BY": "score",
        "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic",
        "DAYDREAM_MODEL_PROBE": "false",
    }
    return {**inherited, "HOME": str(home), "COLUMNS": "160", "NO_COLOR": "1", **plain, **variables}


class Daydream:
    """The command with its own data folder, configured for the priced endpoint."""

    def __init__(self, folder: Path, endpoint: EndpointProgram | None, **environment: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prices.toml").write_text(PRICES)
        self.data = folder / "data"
        model = (
            {
                "DAYDREAM_MODEL_BASE_URL": endpoint.url,
                "DAYDREAM_MODEL_NAME": "priced-1",
                "DAYDREAM_MODEL_API_KEY": "right",
            }
            if endpoint
            else {}
        )
        own = {"DAYDREAM_DATA": str(self.data), "DAYDREAM_PRICES_FILE": str(folder / "prices.toml")}
        self.environment = clean_environment(folder, **{**own, **model, **environment})

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "daydream_console.cli.main", *arguments]

    def __call__(self, *arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Fail if a service or the command lacked a permission."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        assert "the NATS user" not in done.stderr, done.stderr
        assert not self.refusals(), self.refusals()
        return done

    def refusals(self) -> set[str]:
        """Return what NATS refused its users, by the logs of their services."""
        logs = (file.read_text(errors="replace") for file in self.data.glob("logs/*.log"))
        return {refusal for log in logs for refusal in REFUSAL.findall(log)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def items(self, *arguments: str) -> list[Any]:
        """Return the items of a command that prints a list."""
        items: list[Any] = self.json(*arguments)["items"]
        return items

    def verdicts(self, *, promoted_only: bool = False) -> list[Any]:
        """Return up to 100 verdicts in full, the newest first."""
        if not self.processes():
            with self.readers("memory"):
                return self.verdicts(promoted_only=promoted_only)
        query = ListVerdicts(promoted_only=promoted_only, limit=100)
        page = self.request(MEMORY_VERDICTS, query)
        return [verdict.model_dump(mode="json") for verdict in page.verdicts]

    @contextmanager
    def up(self, *, draws: bool = False) -> Iterator[Daydream]:
        """Run everything. Without `draws`, commands have the machine for themselves."""
        quiet = copy.copy(self)
        quiet.environment = {**self.environment, "DAYDREAM_SAMPLER_ENABLED": str(draws).lower()}
        running = quiet.start(
            "up",
            "--port",
            "0",
            *(["--cap", "1"] if "DAYDREAM_MODEL_BASE_URL" in quiet.environment else []),
        )
        try:
            until(
                lambda: len(quiet.processes()) >= 7 or running.poll() is not None,
                "all processes",
                180,
            )
            yield quiet
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)

    @contextmanager
    def readers(self, *services: str) -> Iterator[None]:
        """Keep services running that answer commands, and do no work on daydreams."""
        running = subprocess.Popen(
            [sys.executable, "-m", "support.readers", str(self.data), *services],
            cwd=HERE.parent,
            env=self.environment,
        )
        try:
            until(self.processes, "the services that answer", 60)
            yield
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(timeout=60)

    def request(self, endpoint: topology.Endpoint[RequestT, ReplyT], request: RequestT) -> ReplyT:
        """Ask a service of the running system, without the cost of a command."""
        folder = DataFolder(self.data)
        address = folder.nats_address(folder.read("running.json")["nats_url"], CONSOLE)

        async def send() -> ReplyT:
            async with connected(address) as client:
                return await client.rpc.request(endpoint, request)

        return asyncio.run(send())

    def processes(self) -> dict[str, int]:
        """Return the process ids of the running system by name."""
        try:
            content = json.loads((self.data / "running.json").read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        processes: dict[str, int] = content["processes"]
        return processes
