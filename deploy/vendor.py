"""Copy front-end files from npm packages: `python deploy/vendor.py`. The list is vendor.toml.

A package whose checksum differs from the list is refused. The checksums of the copied files are
written to `vendor.sha384`, which a test compares with the files. It needs `npm` and a registry;
nothing else of this project does.
"""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIST = ROOT / "deploy" / "vendor.toml"
CHECKSUMS = ROOT / "deploy" / "vendor.sha384"


def packages() -> list[dict[str, Any]]:
    """Return the list of packages."""
    listed: list[dict[str, Any]] = tomllib.loads(LIST.read_text())["package"]
    return listed


def checksum(content: bytes) -> str:
    """Return the SHA-384 in hexadecimal."""
    return hashlib.sha384(content).hexdigest()


def stored_checksums() -> dict[str, str]:
    """Return the checksums of the copied files by path."""
    lines = CHECKSUMS.read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def fetch(package: dict[str, Any]) -> bytes:
    """Return the package's archive. Exit if its checksum is not that of the list."""
    spec = f"{package['name']}@{package['version']}"
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", spec]
        subprocess.run(command, cwd=folder, check=True)  # noqa: S603
        (archive,) = Path(folder).glob("*.tgz")
        content = archive.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if f"sha512-{digest}" != package["integrity"]:
        sys.exit(f"{spec} has another checksum than deploy/vendor.toml says")
    return content


def copy(package: dict[str, Any]) -> dict[str, str]:
    """Copy the files of a package. Return their checksums by path."""
    copied = {}
    with tarfile.open(fileobj=io.BytesIO(fetch(package))) as archive:
        for source, target in package["files"].items():
            member = archive.extractfile(f"package/{source}")
            assert member is not None, f"{package['name']} has no {source}"
            content = member.read()
            path = Path(package["folder"]) / target
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(content)
            copied[path.as_posix()] = checksum(content)
    return copied


def main() -> None:
    """Copy everything on the list."""
    copied: dict[str, str] = {}
    for package in packages():
        copied |= copy(package)
    CHECKSUMS.write_text("".join(f"{copied[path]}  {path}\n" for path in sorted(copied)))
    print(f"{len(copied)} files copied")


if __name__ == "__main__":
    main()
