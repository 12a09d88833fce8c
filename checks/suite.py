"""Rules for the tests: short modules, no fixed waits, and fakes that say that they are fakes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from checks.finding import Finding
from checks.sources import PRODUCT, TESTS, FunctionNode, SourceFile, python_files

MODULE_LINES_MAX = 400
# Benchmarks are no tests: they model time and competitors.
BENCHMARKS = "tests/benchmarks/"
FAKE_PREFIXES = ("Fake", "Stub")
COMMON_METHODS = frozenset({"close", "get", "main", "model", "run", "start", "stop", "take"})


def run() -> list[Finding]:
    """Check `tests`."""
    tests = python_files(TESTS)
    return [*lengths(tests), *sleeps(tests), *fakes(tests, methods_by_class(python_files(PRODUCT)))]


def lengths(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each module that is too long."""
    for file in files:
        if len(file.lines) > MODULE_LINES_MAX:
            yield Finding(
                file.path,
                1,
                f"the module has {len(file.lines)} lines, more than {MODULE_LINES_MAX}",
                "Split it by behaviour",
            )


def sleeps(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each sleep of a fixed time that is no part of a polling loop.

    These pass: `asyncio.sleep(0)`, which only yields to the event loop; a sleep whose length is an
    attribute (`self.delay_s`), the latency of a fake that a test chooses; and a sleep in a function
    inside a test, which models work that takes this long.
    """
    for file in files:
        if file.path.startswith(BENCHMARKS):
            continue
        allowed = {
            id(call)
            for scope in file.nodes
            if _is_loop(scope) or isinstance(scope, FunctionNode)
            for inner in ([scope] if _is_loop(scope) else _inner_functions(scope))
            for call in ast.walk(inner)
        }
        for node in file.nodes:
            if isinstance(node, ast.Call) and _sleeps_fixed_time(node) and id(node) not in allowed:
                yield Finding(
                    file.path,
                    node.lineno,
                    f"the test waits a fixed time: {ast.unparse(node)}",
                    "Poll for the condition with a deadline",
                )


def methods_by_class(files: Iterable[SourceFile]) -> dict[str, frozenset[str]]:
    """Return the public methods of each class, by its name."""
    return {
        node.name: _public_methods(node)
        for file in files
        for node in file.nodes
        if isinstance(node, ast.ClassDef)
    }


def fakes(files: Iterable[SourceFile], product: dict[str, frozenset[str]]) -> Iterator[Finding]:
    """Yield a finding for each class that stands in for one of the product under another name.

    A class stands in for another if it has no base class and all its public methods are methods of
    the other.
    """
    for file in files:
        if file.path.startswith(BENCHMARKS):
            continue
        for node in file.nodes:
            if not isinstance(node, ast.ClassDef) or node.bases or _is_named_fake(node):
                continue
            real = _stands_in_for(_public_methods(node), product)
            if real:
                yield Finding(
                    file.path,
                    node.lineno,
                    f"{node.name} stands in for {real}",
                    f"Name it Fake{real} or Stub{real}",
                )


def _is_named_fake(node: ast.ClassDef) -> bool:
    return node.name.lstrip("_").startswith(FAKE_PREFIXES)


def _stands_in_for(methods: frozenset[str], product: dict[str, frozenset[str]]) -> str | None:
    if not methods - COMMON_METHODS:
        return None
    candidates = (name for name, others in product.items() if methods <= others)
    return min(candidates, key=lambda name: (len(product[name]), name), default=None)


def _inner_functions(function: ast.AST) -> Iterator[ast.AST]:
    return (
        node
        for node in ast.walk(function)
        if node is not function and isinstance(node, FunctionNode)
    )


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, ast.While | ast.For | ast.AsyncFor)


def _sleeps_fixed_time(call: ast.Call) -> bool:
    if ast.unparse(call.func) not in {"time.sleep", "asyncio.sleep"} or not call.args:
        return False
    duration = call.args[0]
    if isinstance(duration, ast.Constant):
        return duration.value != 0
    return not isinstance(duration, ast.Attribute)


def _public_methods(node: ast.ClassDef) -> frozenset[str]:
    return frozenset(
        part.name
        for part in node.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        and not part.name.startswith("_")
    )
