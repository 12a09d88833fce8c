"""What the check of packages that are installed alone accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import each_alone
from checks.each_alone import names_in, wrong_packages
from checks.sources import ROOT

PYDANTIC = frozenset({"pydantic", "pydantic-core", "daydream-contracts"})


def test_every_package_is_checked_and_the_contracts_first_of_the_shared_ones() -> None:
    names = [path.name for path in each_alone.packages()]
    assert set(names) == {
        *("runtime", "models", "contracts"),
        *("sampler", "synthesizer", "critic", "memory", "budget", "console"),
    }


def test_names_are_read_from_pins_and_from_a_list_of_installed_packages() -> None:
    text = (
        "Typing_Extensions==4.1 \\\n    --hash=sha256:00\nb.c==2 ; sys_platform == 'win32'\n"
        "daydream-contracts @ file:///somewhere\n# a comment==1\n"
    )
    assert names_in(text) == {"typing-extensions", "b-c", "daydream-contracts"}


def test_contracts_that_bring_more_than_pydantic_are_refused() -> None:
    assert wrong_packages("daydream-contracts", PYDANTIC, PYDANTIC) is None
    problem = wrong_packages("daydream-contracts", PYDANTIC | {"nats-py"}, PYDANTIC | {"nats-py"})
    assert problem == "daydream-contracts may need pydantic only, and installs nats-py"


def test_a_package_that_is_not_pinned_is_refused() -> None:
    installed = frozenset({"nats-py", "daydream-runtime"})
    assert wrong_packages("daydream-runtime", installed, installed) is None
    problem = wrong_packages("daydream-runtime", installed, frozenset())
    assert problem == "constraints.txt lacks nats-py. Run make lock"


@pytest.mark.slow
def test_an_undeclared_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shared" / "undeclared"
    (folder / "daydream_undeclared").mkdir(parents=True)
    (folder / "daydream_undeclared" / "__init__.py").write_text("import pydantic\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "daydream-undeclared"\nversion = "1"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    )
    constraints = (ROOT / "constraints.txt").read_text()
    (tmp_path / "constraints.txt").write_text(constraints)
    monkeypatch.setattr(
        "checks.each_alone.ROOT", tmp_path
    )  # the package under test is not the project's
    problem = each_alone.check(folder, names_in(constraints))
    assert problem is not None
    assert "imports a package that it does not declare" in problem
