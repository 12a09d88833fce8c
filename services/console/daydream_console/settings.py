"""Settings of the console."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from daydream_runtime.settings import ServiceSettings


class ConsoleSettings(ServiceSettings):
    """`DAYDREAM_CONSOLE_…`; its page is served on its HTTP port."""

    service: ClassVar[str] = "console"

    token: SecretStr = Field(
        SecretStr(""),
        description="whoever has it may change limits through the page and its API; empty: nobody may",
    )
