"""Settings of the oracle."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_models.settings import PaidSettings


class OracleSettings(PaidSettings):
    """`DAYDREAM_ORACLE_…`"""

    service: ClassVar[str] = "oracle"

    attempts: int = Field(
        2,
        ge=1,
        le=5,
        description="number of attempts that must all refute a hypothesis; it passes with the"
        " first one that it withstands",
    )
    controls: bool = Field(True, description="ask what each of the two facts alone suggests")
    known_max: int = Field(
        6, ge=0, le=20, description="known facts and insights that a hypothesis is held against"
    )
    literature: str = Field(
        "",
        description="literature search, by its name in the entry points daydream.literature."
        " Default: none",
    )
    literature_max: int = Field(
        4, ge=1, le=20, description="publications that a hypothesis is held against"
    )
    alone_prompt_file: str = Field(
        "",
        description="file with your own prompt for what one fact suggests; prompt_file is that of"
        " the refutation",
    )
