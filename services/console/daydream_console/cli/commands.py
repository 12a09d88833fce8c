"""`daydream`: run everything on this machine, put texts in, read what was found, set the cap."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from daydream_console.cli import (
    audit,
    backup,
    budget,
    critic_report,
    dead_letters,
    estimate,
    export,
    inspect,
    knowledge,
    lifecycle,
    measure,
    prices,
    questions,
    rejudge,
    sampler_report,
    simulate,
    synthesizer_report,
    visibility,
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"daydream {version('daydream-console')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


COMMANDS: dict[str, Callable[..., None]] = {
    "run": lifecycle.run_command,
    "up": lifecycle.up_command,
    "ingest": knowledge.ingest_command,
    "remove": visibility.remove_command,
    "erase": visibility.erase_command,
    "retract": visibility.retract_command,
    "reinstate": visibility.reinstate_command,
    "insights": knowledge.insights_command,
    "review": knowledge.review_command,
    "ask": knowledge.ask_command,
    "export": export.export_command,
    "vault": export.vault_command,
    "rejudge": rejudge.rejudge_command,
    "inspect": inspect.inspect_command,
    "status": knowledge.status_command,
    "simulate": simulate.simulate_command,
    "asyncapi": lifecycle.asyncapi_command,
    "doctor": lifecycle.doctor_command,
}
for name, command in COMMANDS.items():
    app.command(name)(command)

budget_app = typer.Typer(no_args_is_help=True, help=budget.__doc__)
BUDGET_COMMANDS: dict[str, Callable[..., None]] = {
    "show": budget.budget_show,
    "set": budget.budget_set,
    "top-up": budget.budget_top_up,
    "pause": budget.budget_pause,
    "resume": budget.budget_resume,
    "correct": budget.budget_correct,
    "price": prices.budget_price,
    "measure": measure.budget_measure,
    "estimate": estimate.budget_estimate,
    "audit": audit.budget_audit,
}
for name, command in BUDGET_COMMANDS.items():
    budget_app.command(name)(command)
app.add_typer(budget_app, name="budget")

question_app = typer.Typer(no_args_is_help=True, help=questions.__doc__)
question_app.command("add")(questions.question_add)
question_app.command("close")(questions.question_close)
question_app.command("list")(questions.question_list)
app.add_typer(question_app, name="question")
dead_letters_app = typer.Typer(no_args_is_help=True, help=dead_letters.__doc__)
dead_letters_app.command("list")(dead_letters.dead_letters_list)
dead_letters_app.command("resend")(dead_letters.dead_letters_resend)
dead_letters_app.command("drop")(dead_letters.dead_letters_drop)
app.add_typer(dead_letters_app, name="dead-letters")
backup_app = typer.Typer(no_args_is_help=True, help=backup.__doc__)
backup_app.command("save")(backup.backup_save)
backup_app.command("restore")(backup.backup_restore)
app.add_typer(backup_app, name="backup")
report_app = typer.Typer(
    no_args_is_help=True, help="Report how each stage performs, from past verdicts."
)
report_app.command("critic")(critic_report.report_critic)
report_app.command("sampler")(sampler_report.report_sampler)
report_app.command("synthesizer")(synthesizer_report.report_synthesizer)
app.add_typer(report_app, name="report")
