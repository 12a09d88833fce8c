"""Services in containers, as a cluster with strict rules runs them.

The root file system is read-only, no capability is left, and the user is none that the image knows
(as on OpenShift: any number, in group 0). The network is the host's. Variables of the environment
fit it to a machine:

    CONTAINER_TOOL   the command, with its options: `podman --cgroup-manager cgroupfs`
    BASE             the base image, with Python 3.11 or newer and venv
    BUILD_OPTIONS    further options of `build`
    RUN_OPTIONS      further options of `run`
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from daydream_console.local.nats_program import nats_server
from support.programs import NatsServer, answers, until

ROOT = Path(__file__).parents[2]
USER = "54321:0"
TAG = "test"
STOP_S = 20
IMAGES = ("budget", "memory", "sampler", "synthesizer", "critic", "console")
NATS_IMAGE = f"localhost/daydream-nats:{TAG}"
# which image a module is in, and its command, if it is not the image's first
COMMANDS = {
    "budget.gateway": ("budget", "daydream-gateway"),
    "critic.oracle": ("critic", "daydream-oracle"),
}


def tool() -> list[str]:
    """Return the command that runs containers, with its options."""
    chosen = os.environ.get("CONTAINER_TOOL") or shutil.which("docker") or shutil.which("podman")
    assert chosen, "install docker or podman, or set CONTAINER_TOOL"
    return shlex.split(chosen)


def _options(name: str) -> list[str]:
    return shlex.split(os.environ.get(name, ""))


def image_of(service: str) -> str:
    """Return the name of a service's image."""
    return f"localhost/daydream-{service}:{TAG}"


def build(service: str) -> None:
    """Build an image from the sources as they are."""
    arguments = {"SERVICE": service}
    _build(ROOT / "deploy" / "docker" / "Dockerfile", image_of(service), ROOT, arguments)


def build_nats(folder: Path) -> None:
    """Build an image of the NATS server that the tests run against."""
    folder.mkdir(parents=True)
    shutil.copy(nats_server(), folder / "nats-server")
    recipe = folder / "Dockerfile"
    recipe.write_text(
        "ARG BASE\nFROM ${BASE}\nCOPY nats-server /nats-server\n"
        'USER 10001:10001\nENTRYPOINT ["/nats-server"]\n'
    )
    _build(recipe, NATS_IMAGE, folder, {})


def _build(recipe: Path, image: str, context: Path, arguments: Mapping[str, str]) -> None:
    arguments = {
        "BASE": os.environ.get("BASE") or "docker.io/library/python:3.12-slim",
        **arguments,
    }
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options = ["--file", str(recipe), "--tag", image, *given, *_options("BUILD_OPTIONS")]
    subprocess.run([*tool(), "build", *options, str(context)], check=True)


def run_arguments(
    image: str,
    name: str,
    environment: Mapping[str, str] | None = None,
    folders: Sequence[Path] = (),
    entrypoint: str = "",
) -> list[str]:
    """Return the command that runs a container. It reads the folders at their own paths."""
    mounts = [f"--volume={folder}:{folder}:ro" for folder in folders]
    variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    return [
        *(*tool(), "run", "--rm", f"--name={name}", "--network=host", f"--user={USER}"),
        *("--read-only", "--tmpfs=/tmp:rw,mode=1777", "--volume=/data"),
        *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *mounts,
        *variables,
        *([f"--entrypoint={entrypoint}"] if entrypoint else []),
        *_options("RUN_OPTIONS"),
        image,
    ]


def execute(name: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a container."""
    command = [*tool(), "exec", name, "python", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stop(name: str) -> None:
    """Ask a container to stop, as a rolling update does."""
    command = [*tool(), "stop", f"--time={STOP_S}", name]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def container(
    module: str, nats_url: str, folder: Path, *, ready: bool = True, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a service in a container named `folder`'s name. Its output is the log in the folder.

    It takes what `services.service` takes. `ready` True is not needed here: callers ask themselves.
    """
    assert not ready
    folder.mkdir(parents=True, exist_ok=True)
    service, command = COMMANDS.get(module, (module, ""))
    own = {"DAYDREAM_NATS_URL": nats_url, "DAYDREAM_HTTP_HOST": "127.0.0.1", **environment}
    entrypoint = f"/opt/daydream/bin/{command}" if command else ""
    arguments = run_arguments(
        image_of(service), folder.name, own, [folder.parent], entrypoint=entrypoint
    )
    with (folder / f"{module}.log").open("w") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, text=True)
    try:
        yield process
    finally:
        _remove(folder.name)
        process.wait()


class ContainedNats(NatsServer):
    """A NATS server in a container."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, files_max="20GB")
        self._name = f"nats-{uuid4().hex[:8]}"
        self.config.write_text(self.config.read_text().replace(f'"{folder}"', '"/data"'))

    def start(self) -> None:
        command = run_arguments(NATS_IMAGE, self._name, folders=[self.folder])
        self._process = subprocess.Popen([*command, "-c", str(self.config)])
        until(lambda: answers(self.health), "the NATS server")

    def kill(self) -> None:
        _remove(self._name)
        if self._process is not None:
            self._process.wait()
            self._process = None


def _remove(name: str) -> None:
    command = [*tool(), "rm", "--force", "--volumes", name]
    subprocess.run(command, check=False, capture_output=True)
