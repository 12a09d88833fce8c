"""Help of the command: grouped, with examples that work as printed, and completion."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS, PANELS
from daydream_console.cli.help_text import examples
from daydream_console.cli.lazy_commands import DefaultGroup, LazyCommand, group_of
from daydream_console.cli.program import create_program
from support.commands import run_command

PATHS = [*COMMANDS, *COMMANDS_OF_GROUPS]


def command_at(path: str) -> LazyCommand:
    group, name = group_of(create_program(), path)
    command = group.commands[name]
    if isinstance(command, DefaultGroup):
        command = command.default
    assert isinstance(command, LazyCommand)
    return command


def command_of(words: list[str]) -> tuple[LazyCommand, list[str]]:
    """Return the command that these words call, and its arguments."""
    group: TyperGroup = create_program()
    for number, word in enumerate(words):
        command = group.commands.get(word)
        if isinstance(command, LazyCommand):
            return command, words[number + 1 :]
        if command is None:
            assert isinstance(group, DefaultGroup), words
            return group.default, words[number:]
        assert isinstance(command, TyperGroup)
        group = command
    assert isinstance(group, DefaultGroup), words
    return group.default, []


def called_in(line: str) -> Iterator[list[str]]:
    """Yield the words behind each `daydream` of a shell line."""
    for part in line.split("|"):
        words = shlex.split(part.partition(" > ")[0])
        if words[0] == "daydream":
            yield words[1:]


def wrong_use(command: LazyCommand, arguments: list[str]) -> str:
    """Return what is wrong, or the name of a file that is not here."""
    try:
        command.loaded.make_context(command.name, list(arguments))
    except typer.BadParameter as error:
        missing_file = re.search(r"'([^']*)' does not exist", error.format_message())
        return missing_file[1] if missing_file else error.format_message()
    return ""


def test_every_command_is_under_exactly_one_heading() -> None:
    listed = Counter(name for names in PANELS.values() for name in names)
    assert set(listed) == set(create_program().commands)
    assert set(listed.values()) == {1}


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_of_a_command_call_it_with_options_that_it_has(path: str) -> None:
    command = command_at(path)
    lines = examples(command.help or "")
    assert 1 <= len(lines) <= 3, path
    for line in lines:
        for words in called_in(line):
            called, arguments = command_of(words)
            assert called.help == command.help, line
            assert wrong_use(called, arguments) in ("", "memory.backup"), line


def test_the_program_shows_headings_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "-h")
    assert done.exit_code == 0
    headings = [line for line in done.stdout.splitlines() if line.endswith(":")]
    assert headings == ["Options:", *(f"{title}:" for title in PANELS), "Examples:"]
    assert run_command(capsys, "insights", "-h").stdout.count("Examples:") == 1


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(capsys, "--version").stdout.startswith("daydream ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("daydream insi", "insights"),
        ("daydream budget top", "top-up"),
        ("daydream ask --li", "--limit"),
    ],
)
def test_the_shell_completes_commands_and_options(words: str, expected: str) -> None:
    environment = {
        "_DAYDREAM_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    start = (
        "import sys; sys.argv = ['daydream']\nfrom daydream_console.cli.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", start],
        env=environment,
        text=True,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == [expected]


def test_a_wrong_use_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "insigths", "--json")
    assert done.exit_code == 2
    assert '"schema": 1' in done.stdout
    assert "Did you mean 'insights'" in done.stdout
    assert '"fix": "See: daydream --help"' in done.stdout
