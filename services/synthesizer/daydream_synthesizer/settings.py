"""Settings of the synthesizer."""

from __future__ import annotations

from typing import ClassVar

from daydream_shared.settings import PaidSettings


class Settings(PaidSettings):
    """`DAYDREAM_SYNTHESIZER_…`"""

    service: ClassVar[str] = "synthesizer"
