"""Install each package alone and import all of its modules.

In the shared environment a dependency that a package does not declare stays unseen. Here each
package gets an empty environment with what it declares and nothing else. A module that needs an
extra is skipped. The check also holds the contracts to pydantic, and constraints.txt to every
package that is installed.

It needs uv, and takes a few seconds for each package.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks.sources import PRODUCT, ROOT

UV = str(Path(sys.executable).parent / "uv")
CONSTRAINTS = "constraints.txt"
# What a third party gets who installs the contracts: pydantic, and what pydantic itself needs.
ALLOWED_FOR_CONTRACTS = frozenset(
    {"annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection"}
)
PARALLEL = os.cpu_count() or 1
OWN_PREFIX = "daydream-"
NAME = re.compile(r"[A-Za-z0-9_]+")
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if missing.name not in sys.argv[2:]:
            raise
"""


def main() -> int:
    """Check every package, a few at a time; return 1 if one of them fails."""
    constrained = names_in((ROOT / CONSTRAINTS).read_text(encoding="utf-8"))
    folders = packages()
    started = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        problems = list(pool.map(lambda folder: check(folder, constrained), folders))
    for folder, problem in zip(folders, problems, strict=True):
        if problem:
            print(f"{folder.relative_to(ROOT)}/pyproject.toml: {problem}")
    if any(problems):
        return 1
    print(f"{len(folders)} packages install and import alone ({time.monotonic() - started:.0f} s)")
    return 0


def packages(root: Path = ROOT) -> list[Path]:
    """Return the folders of all packages, the shared ones first."""
    return [
        path.parent for group in PRODUCT for path in sorted((root / group).glob("*/pyproject.toml"))
    ]


def check(folder: Path, constrained: frozenset[str]) -> str | None:
    """Install and import one package; return what is wrong, or None."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name = project["name"]
    with tempfile.TemporaryDirectory() as environment:
        python = f"{environment}/bin/python"
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
        subprocess.run(_install(python, folder), check=True, cwd=ROOT)
        module = name.replace("-", "_")
        importing = [python, "-c", IMPORT_ALL, module, *extra_modules(project)]
        if subprocess.run(importing, cwd=environment, check=False).returncode:
            return f"{name} imports a package that it does not declare. Add it to dependencies"
        freeze = [UV, "pip", "freeze", "--quiet", "--python", python]
        listed = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout
    return wrong_packages(name, names_in(listed), constrained)


def extra_modules(project: Mapping[str, Any]) -> list[str]:
    """Return the modules of a package's extras, as far as they are named like their packages."""
    extras = project.get("optional-dependencies", {}).values()
    matches = (NAME.match(line) for lines in extras for line in lines)
    return sorted({match.group() for match in matches if match})


def wrong_packages(name: str, installed: frozenset[str], constrained: frozenset[str]) -> str | None:
    """Return what is wrong with the packages that came with one, or None."""
    foreign = {package for package in installed if not package.startswith(OWN_PREFIX)}
    extra = foreign - ALLOWED_FOR_CONTRACTS
    if name == "daydream-contracts" and extra:
        return f"{name} may need pydantic only, and installs {', '.join(sorted(extra))}"
    unpinned = foreign - constrained
    if unpinned:
        return f"{CONSTRAINTS} lacks {', '.join(sorted(unpinned))}. Run make lock"
    return None


def names_in(requirements: str) -> frozenset[str]:
    """Return the normalized names in a list of requirements."""
    names = re.findall(r"^(?:-e )?([A-Za-z0-9][\w.-]*)(?: @|==)", requirements, re.M)
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def _install(python: str, folder: Path) -> list[str]:
    """Install a package and those of this project that it names, none of them editable."""
    install = [UV, "pip", "install", "--quiet", "--no-editable", "--python", python]
    constraints = ["--constraint", CONSTRAINTS, "--build-constraint", CONSTRAINTS]
    return [*install, *constraints, f"./{folder.relative_to(ROOT)}"]


if __name__ == "__main__":
    sys.exit(main())
