"""Settings of the oracle."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

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
        description="literature search: openalex, crossref, arxiv, semantic-scholar, or a name in"
        " the entry points daydream.literature. Words of hypotheses leave the lab. Default: none",
    )
    literature_contact: str = Field(
        "",
        description="mail address to send to a public catalogue, so that it can write to you;"
        " required for one",
    )
    literature_key: SecretStr = Field(
        SecretStr(""), description="key of the public catalogue, where you have one"
    )
    literature_url: str = Field(
        "", description="address of a mirror or a proxy, in place of the public catalogue's"
    )
    literature_max: int = Field(
        4, ge=1, le=20, description="publications that a hypothesis is held against"
    )
    alone_prompt_file: str = Field(
        "",
        description="file with your own prompt for what one fact suggests; prompt_file is that of"
        " the refutation",
    )
