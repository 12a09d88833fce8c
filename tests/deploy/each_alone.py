"""Installs each service alone and imports all of its modules: in the shared environment an
undeclared dependency stays unseen.

Run by `make check`; needs uv in the environment that runs it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


def main() -> int:
    uv = str(Path(sys.executable).parent / "uv")
    for service in sorted(
        path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").exists()
    ):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            python = f"{folder}/bin/python"
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
            install = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--python",
                python,
                "--constraint",
                "constraints.txt",
                "./shared/contracts",
                "./shared/runtime",
                "./shared/models",
                f"./services/{service}",
            ]
            subprocess.run(install, check=True, cwd=ROOT)
            done = subprocess.run(
                [python, "-c", IMPORT_ALL, f"daydream_{service}"], cwd=folder, check=False
            )
        if done.returncode:
            print(f"{service} needs something that its pyproject.toml does not declare")
            return 1
        print(f"{service}: installs and imports alone ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
