"""Show the settings in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_items, out, table
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.settings_in_force import planned_settings, running_settings
from daydream_runtime.settings_report import DEFAULT, ServiceReport

Row = dict[str, str]


@command
async def config_show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Show the variable that each value comes from.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show defaults too.")] = False,
    service: Annotated[str, typer.Option(help="Service to show. Default: all.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the settings in force of each service. Secrets are masked.

    If the system is running, the values are those that its services were started with. Otherwise
    they are those that services would be started with here. Only settings that differ from the
    default are shown, unless you ask for all.

    Examples:
        daydream config show --origin
        daydream config show --all --service critic
    """
    folder = DataFolder(data or default_folder())
    address = running_address(folder)
    if address is None:
        reports, source = planned_settings(), "this environment; nothing is running"
    else:
        async with connected(address) as client:
            reports, source = await running_settings(client.js), "the running system"
    rows = [row for row in _rows(reports) if service in ("", row["service"])]
    if not everything:
        rows = [row for row in rows if row["origin"] != DEFAULT]
    if as_json:
        emit_items(rows)
    else:
        _show(rows, with_origin=origin)
        out.print(f"From {source}.")


def _rows(reports: Sequence[ServiceReport]) -> list[Row]:
    return [
        {
            "service": report.service,
            "name": setting.name,
            "value": setting.value,
            "origin": setting.origin,
            "description": setting.description,
        }
        for report in reports
        for setting in report.settings
    ]


def _show(rows: list[Row], *, with_origin: bool) -> None:
    columns = ("service", "name", "value", *(("origin",) if with_origin else ()))
    shown = table("", columns, ())
    for row in rows:
        shown.add_row(*(row[column] for column in columns))
    if rows:
        out.print(shown, markup=False)
    else:
        out.print("All settings have their defaults. See them: daydream config show --all")
