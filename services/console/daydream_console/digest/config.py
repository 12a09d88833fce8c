"""Read who gets which digest, from the TOML file of DAYDREAM_CONSOLE_DIGESTS_FILE.

[smtp]
host = "smtp.lab.example"
sender = "daydream@lab.example"

[[digest]]
name = "ada-by-mail"
reader = "ada"
at = 07:30:00
zone = "Europe/Zurich"
mail = "ada@lab.example"
"""

from __future__ import annotations

import tomllib
from datetime import time
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from daydream_console.first_fault import first_fault
from daydream_contracts.errors import ConfigurationError

TOP_MAX = 50


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SmtpServer(_Table):
    """A server that takes mail. Its password is the setting DAYDREAM_CONSOLE_SMTP_PASSWORD."""

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = Field(min_length=3)


class DigestPlan(_Table):
    """One digest: for whom, when, how many at most a day, and where to."""

    name: str = Field(min_length=1, max_length=100)
    reader: str = Field(min_length=1, max_length=100)
    at: time = time(7, 30)
    zone: str = "UTC"
    top: int = Field(5, ge=1, le=TOP_MAX)
    empty: bool = Field(False, description="send it also when nothing new was found")
    mail: str = ""
    file: str = Field("", description="path; {date} becomes the day")
    webhook: str = ""
    format: Literal["slack", "mattermost", "teams"] = "slack"

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {zone!r}") from None
        return zone

    @model_validator(mode="after")
    def _one_destination(self) -> Self:
        if sum(map(bool, (self.mail, self.file, self.webhook))) != 1:
            raise ValueError(f"digest {self.name!r} needs one of mail, file and webhook")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            raise ValueError(f"the webhook of digest {self.name!r} is no http or https URL")
        return self


class DigestConfig(_Table):
    """The whole file."""

    smtp: SmtpServer | None = None
    digest: tuple[DigestPlan, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = [plan.name for plan in self.digest]
        if len(set(names)) < len(names):
            raise ValueError("two digests have the same name")
        if self.smtp is None and any(plan.mail for plan in self.digest):
            raise ValueError("a digest goes by mail, but there is no table [smtp]")
        return self

    def plan(self, name: str) -> DigestPlan:
        """Return a digest by its name. Raise ConfigurationError if there is none."""
        for plan in self.digest:
            if plan.name == name:
                return plan
        names = ", ".join(plan.name for plan in self.digest) or "none"
        raise ConfigurationError(f"No digest is called {name!r}", f"There are: {names}")


def read_config(file: Path) -> DigestConfig:
    """Read the file. Raise ConfigurationError that names what is wrong in it."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        return DigestConfig.model_validate(tables)
    except OSError as error:
        problem = f"{file} can't be read: {error.strerror}"
    except ValidationError as error:
        problem = f"{file}: {first_fault(error).lstrip(': ')}"
    except ValueError as error:
        problem = f"{file} is no TOML file: {error}"
    raise ConfigurationError(problem, "Correct the file that DAYDREAM_CONSOLE_DIGESTS_FILE names")
