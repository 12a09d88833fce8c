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
        description="how many attempts must refute a hypothesis; it passes with the first one that it withstands",
    )
    controls: bool = Field(
        True, description="whether it is tried what each of the two facts alone suggests"
    )
    known_max: int = Field(
        6, ge=0, le=20, description="how many known facts and insights a hypothesis is held against"
    )
    literature: str = Field(
        "",
        description="a search for publications, by its name in the entry points `daydream.literature`; empty: none is asked",
    )
    literature_max: int = Field(
        4, ge=1, le=20, description="how many publications it is held against"
    )
    alone_prompt_file: str = Field(
        "",
        description="file with a prompt of your own for what one fact suggests; `prompt_file` is that of the refutation",
    )
