"""The rules for the tests can be broken, and then it shows."""

from __future__ import annotations

import pytest

from checks import suite
from checks.finding import Finding
from checks.sources import SourceFile


def sleeps(text: str, path: str = "tests/test_a.py") -> list[Finding]:
    return list(suite.sleeps([SourceFile(path, text)]))


def fakes(text: str, path: str = "tests/test_a.py") -> list[Finding]:
    real = (
        "class Wallet:\n    def draw(self): ...\n    def settle(self): ...\n    def _x(self): ..."
    )
    product = suite.methods_by_class([SourceFile("shared/wallet.py", real)])
    return list(suite.fakes([SourceFile(path, text)], product))


def test_a_test_module_that_is_too_long_is_reported() -> None:
    assert len(list(suite.lengths([SourceFile("tests/test_a.py", "x = 1\n" * 401)]))) == 1
    assert list(suite.lengths([SourceFile("tests/test_a.py", "x = 1\n" * 400)])) == []


@pytest.mark.parametrize("call", ["time.sleep(1)", "await asyncio.sleep(0.5)", "time.sleep(A_S)"])
def test_a_fixed_wait_is_reported(call: str) -> None:
    (finding,) = sleeps(f"async def test_it():\n    {call}\n")
    assert finding.line == 2
    assert call.removeprefix("await ") in finding.wrong


@pytest.mark.parametrize(
    "loop", ["while not ready()", "for _ in range(9)", "async for _ in events()"]
)
def test_a_wait_inside_a_polling_loop_passes(loop: str) -> None:
    assert sleeps(f"async def test_it():\n    {loop}:\n        await asyncio.sleep(0.1)\n") == []


def test_yielding_to_the_event_loop_and_the_latency_of_a_fake_pass() -> None:
    assert sleeps("async def work(self):\n    await asyncio.sleep(0)\n") == []
    assert sleeps("async def work(self):\n    await asyncio.sleep(self.delay_s)\n") == []


def test_work_that_takes_long_in_a_handler_of_a_test_passes() -> None:
    handler = "    async def handler(message):\n        await asyncio.sleep(1)\n"
    assert sleeps(f"async def test_it():\n{handler}") == []


def test_benchmarks_may_wait() -> None:
    assert sleeps("time.sleep(1)\n", "tests/benchmarks/a.py") == []


def test_a_class_that_stands_in_for_a_real_one_is_reported() -> None:
    (finding,) = fakes("class Purse:\n    def draw(self): ...\n")
    assert str(finding) == (
        "tests/test_a.py:1: Purse stands in for Wallet. Name it FakeWallet or StubWallet."
    )


@pytest.mark.parametrize(
    "text",
    [
        "class FakeWallet:\n    def draw(self): ...\n",
        "class StubWallet:\n    def draw(self): ...\n",
        "class Harness:\n    def draw(self): ...\n    def restart(self): ...\n",
        "class Case:\n    amount: int\n",
        "class Wallets(Base):\n    def draw(self): ...\n",
    ],
)
def test_a_fake_by_name_and_a_class_of_another_kind_pass(text: str) -> None:
    assert fakes(text) == []
