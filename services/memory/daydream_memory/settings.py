"""Settings of the memory service."""

from __future__ import annotations

from typing import ClassVar

from daydream_shared.settings import ServiceSettings
from pydantic import Field


class Settings(ServiceSettings):
    """`DAYDREAM_MEMORY_…`"""

    service: ClassVar[str] = "memory"

    folder: str = Field("memory", description="folder of the embedded store")
    chunk_chars: int = Field(900, ge=200, le=8000, description="most characters of one fact")
    embed_threads: int = Field(1, ge=1, le=64, description="threads of the embedding model")
    concurrency: int = Field(4, ge=1, le=64, description="verdicts and documents worked on at a time")
