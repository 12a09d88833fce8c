"""What a command's source says of it, without importing its module: its docstring and its options.

Importing a command's module takes up to a CPU second, because of what the command works with. Its
options need little of that. So a function with the same parameters is compiled from its source,
with only those imports and constants of the module that its parameters name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def docstring_of(module: str, function: str) -> str | None:
    """Return the docstring of an async function of a module."""
    for node in _tree(module).body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == function:
            return ast.get_docstring(node)
    return None


def signature_of(module: str, function: str) -> Callable[..., Any]:
    """Return a function with the parameters and docstring of an async function, which does nothing.

    Raise KeyError if the module has no such function.
    """
    defined = {name: node for node in _tree(module).body for name in _names_defined(node)}
    command = defined[function]
    assert isinstance(command, ast.AsyncFunctionDef)
    (stub,) = ast.parse(f"def {function}(): ...").body
    assert isinstance(stub, ast.FunctionDef)
    stub.args, stub.body = command.args, [ast.Expr(ast.Constant(ast.get_docstring(command)))]
    needed = _needed(command.args, defined)
    kept = [_pruned(node, needed) for node in _tree(module).body if needed & _names_defined(node)]
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    code = ast.fix_missing_locations(ast.Module([future, *kept, stub], []))
    namespace: dict[str, Any] = {"__name__": module}
    exec(compile(code, module, "exec"), namespace)  # noqa: S102, our own source
    made: Callable[..., Any] = namespace[function]
    return made


@cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None, module
    assert spec.origin is not None, module
    return ast.parse(Path(spec.origin).read_bytes())


def _needed(arguments: ast.arguments, defined: dict[str, ast.stmt]) -> set[str]:
    """Return the names of the module that the parameters use, directly or through others."""
    needed: set[str] = set()
    waiting: list[ast.AST] = [arguments]
    while waiting:
        for name in _names_used(waiting.pop()):
            if name in defined and name not in needed:
                needed.add(name)
                waiting.append(defined[name])
    return needed


def _names_used(node: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _names_defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.ImportFrom(module="__future__"):
            return set()
        case ast.Import() | ast.ImportFrom():
            return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {name for target in node.targets for name in _names_used(target)}
        case ast.AnnAssign():
            return set(_names_used(node.target))
    return set()


def _pruned(node: ast.stmt, needed: set[str]) -> ast.stmt:
    """Return the statement, an import without the names that are not needed."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return node
    names = [
        alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in needed
    ]
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)
