"""Settings of the console."""

from __future__ import annotations

from pathlib import Path
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
    folder: Path | None = Field(
        None,
        description="folder for the index of insights, so that a restart reads only what is new; "
        "empty: in memory",
    )

    digests_file: Path | None = Field(
        None,
        description="TOML file that says who gets a digest, when and where; empty: none is sent",
    )
    smtp_password: SecretStr = Field(
        SecretStr(""), description="password of the mail server that the digests file names"
    )
    public_url: str = Field(
        "", description="address of the page for people, for links in digests; empty: no links"
    )

    @property
    def index_file(self) -> Path | None:
        """Return the file of the index of insights. None: in memory."""
        return self.folder / "insights.sqlite" if self.folder else None
