"""Settings of the memory service."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`DAYDREAM_MEMORY_…`"""

    service: ClassVar[str] = "memory"

    folder: str = Field("memory", description="folder of the embedded store")
    chunk_chars: int = Field(900, ge=200, le=8000, description="most characters of one fact")
    quarantine: bool = Field(False, description="promoted hypotheses wait for a person's word (daydream review) before they become facts")
    embed_threads: int = Field(1, ge=1, le=64, description="threads of the embedding model")
    concurrency: int = Field(4, ge=1, le=64, description="verdicts and documents worked on at a time")
