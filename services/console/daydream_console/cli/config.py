"""Show the settings in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_items, out, table
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.settings_in_force import (
    DEFAULT,
    SettingInForce,
    environments,
    settings_of,
)


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

    Of a running system on this machine: what its processes were started with. Otherwise: what
    they would be started with here.

    Examples:
        daydream config show --origin
        daydream config show --all --service critic
    """
    folder = DataFolder(data or default_folder())
    processes = folder.read("running.json").get("processes", {}) if folder.is_held() else {}
    settings = [
        setting
        for name, environment in environments(processes).items()
        if service in ("", name)
        for setting in settings_of(name, environment)
        if everything or setting.origin != DEFAULT
    ]
    if as_json:
        emit_items([asdict(setting) for setting in settings])
        return
    _show(settings, with_origin=origin)
    source = f"the running system in {folder.path}" if processes else "this environment"
    out.print(f"From {source}. All settings, with their meaning: docs/settings.md", markup=False)


def _show(settings: list[SettingInForce], *, with_origin: bool) -> None:
    columns = ("service", "setting", "value", *(("origin",) if with_origin else ()))
    rows = table("", columns, ())
    for setting in settings:
        row = (setting.service, setting.name, setting.value)
        rows.add_row(*row, *((setting.origin,) if with_origin else ()))
    if settings:
        out.print(rows, markup=False)
    else:
        out.print("All settings have their defaults. See them: daydream config show --all")
