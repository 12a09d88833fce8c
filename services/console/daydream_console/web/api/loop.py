"""The loop as a whole: state, diagnosis, alerts, commands, and settings in force."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from nats.js.errors import KeyNotFoundError
from pydantic import BaseModel, ValidationError

from daydream_console.alerts import Alerts, latest_alerts
from daydream_console.commands_log import CommandLog, latest_commands
from daydream_console.diagnosis import Diagnosis
from daydream_console.overview import Overview
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.buckets import SETTINGS
from daydream_runtime.settings_report import ServiceReport

router = APIRouter(tags=["loop"], route_class=ApiRoute, responses=READ_PROBLEMS)


SERVICE_NAMES = (
    "budget",
    "console",
    "critic",
    "gateway",
    "memory",
    "oracle",
    "sampler",
    "synthesizer",
)


class StageRate(BaseModel):
    """What a stage handles per minute, and what it spends."""

    service: str
    subject: str
    messages_per_min: float
    nanousd_per_min: float


class Person(BaseModel):
    """Who asks, and what they may do."""

    who: str
    may_write: bool
    via: str


@router.get("/me")
async def get_me(identity: Reader) -> Person:
    """Return who you are to the console."""
    return Person(who=identity.who, may_write=identity.may_write, via=identity.via)


@router.get("/state")
async def get_state(services: Services, _: Reader) -> Overview:
    """Return the system at a glance, at most two seconds old."""
    return await services.loop.state()


@router.get("/diagnosis")
async def get_diagnosis(services: Services, _: Reader) -> Diagnosis:
    """Say in one sentence why nothing is happening, or that the loop is working."""
    return await services.loop.diagnosis()


@router.get("/rates")
async def get_rates(services: Services, _: Reader) -> list[StageRate]:
    """Return messages and spend per minute of each stage, over the last three minutes."""
    spend = services.loop.spend_per_min()
    return [
        StageRate(
            service=service,
            subject=subject,
            messages_per_min=rate,
            nanousd_per_min=spend.get(service, 0.0),
        )
        for (service, subject), rate in services.loop.rates_per_min().items()
    ]


@router.get("/alerts")
async def get_alerts(services: Services, _: Reader) -> Alerts:
    """Return the latest alerts."""
    return await latest_alerts(services.client.js)


@router.get("/commands")
async def list_commands(
    services: Services, _: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> CommandLog:
    """Return who gave which command, the latest first."""
    return await latest_commands(services.client.js, limit)


@router.get("/settings")
async def list_settings(services: Services, _: Reader) -> list[ServiceReport]:
    """Return the settings in force of each service, and where each comes from."""
    return await settings_of(services)


async def settings_of(services: ConsoleServices) -> list[ServiceReport]:
    """Read the reports of all services that have started."""
    bucket = await services.client.js.key_value(SETTINGS.name)
    reports = []
    for name in SERVICE_NAMES:
        try:
            entry = await bucket.get(name)
            reports.append(ServiceReport.model_validate_json(entry.value or b""))
        except (KeyNotFoundError, ValidationError):  # not started, or of another version
            continue
    return sorted(reports, key=lambda report: report.service)
