"""`daydream`: run everything on this machine, put texts in, read what was found, set the cap."""

from __future__ import annotations

from collections.abc import Callable

import typer

from daydream_console.cli import (
    audit,
    backup,
    budget,
    critic,
    dead,
    estimate,
    export,
    knowledge,
    measure,
    prices,
    questions,
    rejudge,
    replay,
    sampler,
    simulate,
    standing,
    synthesizer,
    systems,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": systems.run_command,
    "up": systems.up_command,
    "ingest": knowledge.ingest_command,
    "forget": standing.forget_command,
    "erase": standing.erase_command,
    "retract": standing.retract_command,
    "restore": standing.restore_command,
    "insights": knowledge.insights_command,
    "review": knowledge.review_command,
    "ask": knowledge.ask_command,
    "export": export.export_command,
    "vault": export.vault_command,
    "rejudge": rejudge.rejudge_command,
    "replay": replay.replay_command,
    "status": knowledge.status_command,
    "sampler": sampler.sampler_command,
    "synthesizer": synthesizer.synthesizer_command,
    "simulate": simulate.simulate_command,
    "asyncapi": systems.asyncapi_command,
    "doctor": systems.doctor_command,
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
dead_app = typer.Typer(no_args_is_help=True, help=dead.__doc__)
dead_app.command("list")(dead.dead_list)
dead_app.command("replay")(dead.dead_replay)
app.add_typer(dead_app, name="dead")
backup_app = typer.Typer(no_args_is_help=True, help=backup.__doc__)
backup_app.command("save")(backup.backup_save)
backup_app.command("restore")(backup.backup_restore)
app.add_typer(backup_app, name="backup")
critic_app = typer.Typer(no_args_is_help=True, help=critic.__doc__)
critic_app.command("report")(critic.critic_report)
app.add_typer(critic_app, name="critic")
