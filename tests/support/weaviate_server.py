"""A real Weaviate server for tests.

It is the one at WEAVIATE_URL (its gRPC API at WEAVIATE_GRPC_URL), or a `weaviate` binary on the
PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daydream_console.local.processes import free_port
from daydream_memory.settings import WeaviateSettings
from support.programs import answers, until

WHY_NOT = (
    "NOT TESTED against a Weaviate server: set WEAVIATE_URL, or put a `weaviate` binary on the PATH"
)


class WeaviateServer:
    """A server in its own folder. It can be killed and started again on the same ports."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.port, self.grpc_port = free_port(), free_port()
        self._binary = binary
        self._environment = {
            **os.environ,
            "PERSISTENCE_DATA_PATH": str(folder),
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
            "DISABLE_TELEMETRY": "true",
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "GO_PROFILING_DISABLE": "true",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "LOG_LEVEL": "error",
            "GRPC_PORT": str(self.grpc_port),
            "CLUSTER_GOSSIP_BIND_PORT": str(free_port()),
            "CLUSTER_DATA_BIND_PORT": str(free_port()),
            "RAFT_PORT": str(free_port()),
            "RAFT_INTERNAL_RPC_PORT": str(free_port()),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            self._binary,
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--scheme",
            "http",
        ]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: answers(f"http://127.0.0.1:{self.port}/v1/.well-known/ready"), "Weaviate", 60)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def settings(self, **fields: str) -> WeaviateSettings:
        return WeaviateSettings(
            url=f"http://127.0.0.1:{self.port}",
            grpc_url=f"http://127.0.0.1:{self.grpc_port}",
            **fields,
        )


@contextmanager
def running_weaviate(folder: Path) -> Iterator[WeaviateSettings | None]:
    """Yield the settings of a server, None when there is none."""
    if url := os.environ.get("WEAVIATE_URL"):
        yield WeaviateSettings(
            url=url,
            grpc_url=os.environ.get("WEAVIATE_GRPC_URL", ""),
            api_key=os.environ.get("WEAVIATE_API_KEY", ""),
        )
        return
    binary = shutil.which("weaviate")
    if binary is None:
        yield None
        return
    server = WeaviateServer(folder, binary)
    server.start()
    try:
        yield server.settings()
    finally:
        server.kill()
