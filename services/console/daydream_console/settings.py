"""Settings of the console."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from daydream_runtime.settings import ServiceSettings


class ConsoleSettings(ServiceSettings):
    """`DAYDREAM_CONSOLE_…`. The page is served on the console's HTTP port."""

    service: ClassVar[str] = "console"

    token: SecretStr = Field(
        SecretStr(""),
        description="token that clients need to change anything through the page or the API; "
        "empty: changes are off",
    )
