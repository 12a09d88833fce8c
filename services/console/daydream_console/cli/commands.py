"""Look for non-obvious connections in your own documents, within a spending cap.

Start with `daydream run` (a number of daydreams) or `daydream up` (until Ctrl-C).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Annotated

import typer

from daydream_console.cli import (
    audit,
    backup,
    budget,
    critic_report,
    dead_letters,
    documents,
    estimate,
    export,
    insights,
    inspect,
    lifecycle,
    measure,
    prices,
    questions,
    rejudge,
    repair,
    sampler_report,
    simulate,
    synthesizer_report,
    visibility,
)

Commands = Mapping[str, Callable[..., None]]
COMMANDS: Commands = {
    "run": lifecycle.run_command,
    "up": lifecycle.up_command,
    "ingest": documents.ingest_command,
    "remove": visibility.remove_command,
    "erase": visibility.erase_command,
    "retract": visibility.retract_command,
    "reinstate": visibility.reinstate_command,
    "insights": insights.insights_command,
    "review": insights.review_command,
    "ask": insights.ask_command,
    "export": export.export_command,
    "vault": export.vault_command,
    "rejudge": rejudge.rejudge_command,
    "inspect": inspect.inspect_command,
    "status": insights.status_command,
    "simulate": simulate.simulate_command,
    "asyncapi": lifecycle.asyncapi_command,
    "doctor": lifecycle.doctor_command,
}
BUDGET: Commands = {
    "show": budget.budget_show,
    "set": budget.budget_set,
    "unset": budget.budget_unset,
    "tax": budget.budget_tax,
    "zone": budget.budget_zone,
    "top-up": budget.budget_top_up,
    "pause": budget.budget_pause,
    "resume": budget.budget_resume,
    "correct": budget.budget_correct,
    "price": prices.budget_price,
    "measure": measure.budget_measure,
    "estimate": estimate.budget_estimate,
    "audit": audit.budget_audit,
    "repair": repair.budget_repair,
}
REPORT: Commands = {
    "sampler": sampler_report.report_sampler,
    "synthesizer": synthesizer_report.report_synthesizer,
    "critic": critic_report.report_critic,
}
QUESTION: Commands = {
    "add": questions.question_add,
    "close": questions.question_close,
    "list": questions.question_list,
}
DEAD_LETTERS: Commands = {
    "list": dead_letters.dead_letters_list,
    "resend": dead_letters.dead_letters_resend,
    "drop": dead_letters.dead_letters_drop,
}
BACKUP: Commands = {"save": backup.backup_save, "restore": backup.backup_restore}


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"daydream {version('daydream-console')}")
        raise typer.Exit


def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options of the program itself."""


def _group(help_text: str | None, commands: Commands) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help=help_text)
    for name, function in commands.items():
        group.command(name)(function)
    return group


def _program() -> typer.Typer:
    program = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    program.callback(help=__doc__)(_options)
    for name, function in COMMANDS.items():
        program.command(name)(function)
    groups: Mapping[str, tuple[ModuleType, Commands]] = {
        "budget": (budget, BUDGET),
        "question": (questions, QUESTION),
        "dead-letters": (dead_letters, DEAD_LETTERS),
        "backup": (backup, BACKUP),
    }
    for name, (module, commands) in groups.items():
        program.add_typer(_group(module.__doc__, commands), name=name)
    report = _group("Report how well each stage performs, from past verdicts.", REPORT)
    program.add_typer(report, name="report")
    return program


app = _program()
