"""Connect to the models of all roles before anything is started or spent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from daydream_console.local.gateway_program import ask_gateway_program
from daydream_console.local.model import ModelChoice
from daydream_console.local.stack import services_wanted
from daydream_contracts.errors import ConfigurationError
from daydream_models.stage_plans import ORACLE

ROLES = ("synthesizer", "critic", ORACLE)


async def check_model(model: ModelChoice) -> tuple[bool, list[str]]:
    """Connect to the models of all roles.

    Return whether all of them are free, and warnings. Raise ConfigurationError at the first
    problem.
    """
    environment = {**os.environ, **model.environment()}
    os.environ.update(model.environment())  # the services are started with it
    names = model_names(environment)
    checked: list[dict[str, Any]] = await ask_gateway_program(
        "check", *names, environment=environment
    )
    for row in checked:
        if row["problem"]:
            raise ConfigurationError(row["problem"], row["fix"])
    warnings = [row["warning"] for row in checked if row["warning"]]
    return all(row["free"] for row in checked), warnings


def model_names(environment: Mapping[str, str]) -> list[str]:
    """Return the model of each role that runs here, each once.

    Raise ConfigurationError if a role has none.
    """
    roles = [role for role in ROLES if role in services_wanted()]
    shared = environment.get("DAYDREAM_MODEL_NAME", "")
    names = [environment.get(f"DAYDREAM_{role.upper()}_MODEL_NAME") or shared for role in roles]
    if not all(names):
        raise ConfigurationError(
            "no model is chosen",
            "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL if it is not OpenAI's",
        )
    return list(dict.fromkeys(names))
