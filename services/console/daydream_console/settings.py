"""Settings of the console."""

from __future__ import annotations

from typing import ClassVar

from daydream_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`DAYDREAM_CONSOLE_…`; its page is served on its HTTP port."""

    service: ClassVar[str] = "console"
